//! An exhaustive search through what the production code can do in small scope.
//!
//! Every state that a few nodes can reach within a [`Scope`] is visited, breadth first, and checked.
//! What makes that fast: a node is a deterministic machine, so what an event does to it is computed
//! once and remembered, and a state of the whole is a handful of numbers (see [`Arena`]). Nodes
//! with interchangeable names are told apart no more (see [`naming`]).

mod arena;
mod claim;
mod digest;
mod disk;
mod event;
mod naming;
mod next;
mod node;
mod oracle;
mod scope;
mod scopes;
mod search;
mod state;
mod view;

pub(crate) use scopes::scopes;
pub(crate) use search::explore;

//! Draws, sequences and tables by weight: what policies choose positions with.

pub(crate) mod alias;
pub(crate) mod arcs;
pub(crate) mod choices;
pub(crate) mod draws;
mod proportion;

pub(crate) use draws::entropy;

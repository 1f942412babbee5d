//! The algorithms, one a file, each under its name in the literature.

#[cfg(feature = "alloc")]
pub(crate) mod anchor;
pub(crate) mod flip;
pub(crate) mod jump;
#[cfg(feature = "alloc")]
pub(crate) mod maglev;
#[cfg(feature = "alloc")]
pub(crate) mod memento;
#[cfg(feature = "alloc")]
mod rendezvous;
#[cfg(feature = "alloc")]
mod ring;
#[cfg(feature = "alloc")]
mod slot_table;

#[cfg(feature = "alloc")]
pub use anchor::{Anchor, AnchorBuilder};
#[cfg(feature = "alloc")]
pub use memento::{Memento, MementoBuilder};
#[cfg(feature = "alloc")]
pub use rendezvous::{Rendezvous, RendezvousBuilder};
#[cfg(feature = "alloc")]
pub use ring::{Ring, RingBuilder};
#[cfg(feature = "alloc")]
pub use slot_table::{SlotTable, SlotTableBuilder};

//! The algorithms, one a file, each under its name in the literature.

mod rendezvous;
mod ring;
mod slot_table;

pub use rendezvous::{Rendezvous, RendezvousBuilder};
pub use ring::{Ring, RingBuilder};
pub use slot_table::{SlotTable, SlotTableBuilder};

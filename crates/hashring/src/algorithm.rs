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
pub(crate) mod rendezvous;
#[cfg(feature = "alloc")]
pub(crate) mod ring;
#[cfg(feature = "alloc")]
pub(crate) mod slot_table;

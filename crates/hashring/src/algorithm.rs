//! The algorithms, one a file, each under its name in the literature.

pub(crate) mod maglev;
pub(crate) mod rendezvous;
pub(crate) mod ring;
pub(crate) mod slot_table;

//! The algorithms, one a file, each under its name in the literature.

mod rendezvous;

pub use rendezvous::{Rendezvous, RendezvousBuilder};

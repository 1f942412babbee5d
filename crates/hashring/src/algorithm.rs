//! The algorithms, one a file, each under its name in the literature.

mod rendezvous;
mod ring;

pub use rendezvous::{Rendezvous, RendezvousBuilder};
pub use ring::{Ring, RingBuilder};

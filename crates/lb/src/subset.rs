//! Subsets: which of many endpoints one client talks to at all.
//!
//! A thousand clients of a thousand endpoints hold a million connections, most of them idle. With a
//! subset each, they hold as many as they need. Each function is pure: the same client gets the same
//! subset from the same endpoints, in whatever order they are listed. Give the cluster the endpoints
//! of the subset and no others.
//!
//! | | endpoints get | when an endpoint comes or goes | a client has to know |
//! |---|---|---|---|
//! | [`deterministic()`] | exactly as many clients each, for whole rounds of clients | every subset changes | its number |
//! | [`rendezvous()`] | about as many: with small subsets some get a third less | 1 of `size` endpoints in few subsets | any seed of its own |
//! | [`aperture()`] | exactly as much load each, with the weights that it answers | the edges of subsets move | its number and how many there are |

mod aperture;
mod deterministic;
mod rendezvous;

pub use aperture::aperture;
pub use deterministic::deterministic;
pub use rendezvous::rendezvous;

//! Each policy against a naive model: the paper's words, over keys, in plain vectors, without slots
//! and lists. Random sequences of lookups, removals and changes of size must lead to the same hits,
//! the same victims and the same order.

#[path = "policy_models/harness.rs"]
mod harness;

#[path = "policy_models/clock.rs"]
mod clock;
#[path = "policy_models/lfu.rs"]
mod lfu;
#[path = "policy_models/lists.rs"]
mod lists;
#[path = "policy_models/random.rs"]
mod random;
#[path = "policy_models/sieve.rs"]
mod sieve;
#[path = "policy_models/slru.rs"]
mod slru;
#[path = "policy_models/two_q.rs"]
mod two_q;

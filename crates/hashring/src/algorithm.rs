//! One file for each algorithm.

pub(crate) mod maglev;

//! `purlin-cache`: what caches and eviction policies are measured by.

pub mod opt;

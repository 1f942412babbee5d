//! The cache for one thread.

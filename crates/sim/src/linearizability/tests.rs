//! Each rule of the search in its corner cases, and what the caller is told.

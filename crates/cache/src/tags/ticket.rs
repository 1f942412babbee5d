use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

/// The right of a value to be used. From [`Tags::ticket`](super::Tags::ticket).
///
/// A clone is the same ticket, and costs a reference count; a ticket without tags costs nothing.
#[derive(Clone, Default)]
pub struct Ticket(Option<Arc<[Arc<AtomicBool>]>>);

impl Ticket {
    pub(super) fn new(flags: Vec<Arc<AtomicBool>>) -> Self {
        Self(Some(flags.into()))
    }

    pub(super) fn dead() -> Self {
        Self::new([Arc::new(AtomicBool::new(false))].into())
    }

    /// Whether none of its tags was invalidated since it was taken. O(tags), a load each; no lock.
    #[must_use]
    #[inline]
    pub fn is_alive(&self) -> bool {
        // ORDERING: with the store of `Tag::invalidate`.
        let is_valid = |flag: &Arc<AtomicBool>| flag.load(Ordering::Acquire);
        self.0
            .as_ref()
            .is_none_or(|flags| flags.iter().all(is_valid))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("is_alive", &self.is_alive())
            .finish()
    }
}

/// A value and its right to be used.
#[derive(Clone, Debug)]
pub struct Tagged<V> {
    /// The value.
    pub value: V,
    /// Taken before the value was read.
    pub ticket: Ticket,
}

impl<V> Tagged<V> {
    /// Whether the value may be used.
    #[must_use]
    #[inline]
    pub fn is_alive(&self) -> bool {
        self.ticket.is_alive()
    }
}

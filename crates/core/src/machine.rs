//! Sans-I/O machines: protocols without sockets, threads or clocks.

use crate::time::Instant;

/// A protocol as a plain value: inputs and the time go in, outputs and the next deadline come out.
///
/// A machine never performs I/O and never reads a clock. Whoever drives it, a thread, an async task
/// or a simulator, carries its outputs out, feeds back what comes of them, and calls it again when
/// its deadline is due. The same code therefore runs in production and under a deterministic
/// simulation with thousands of faults a second.
///
/// # The contract of the driver
///
/// 1. Call [`handle`](Self::handle) with each input (a message that arrived, a request, the
///    completion of a write) and the present time.
/// 2. Call [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) is
///    due; later is allowed, earlier is harmless.
/// 3. After every call of either, call [`poll_output`](Self::poll_output) until it answers `None`,
///    and carry the outputs out **in that order**.
/// 4. Then ask `poll_timeout` when to call next; the answer is void after the next call of anything
///    else.
///
/// One thread drives a machine at a time (`&mut self`). The time passed in should not go backwards,
/// but a machine must survive it when it does.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::machine::Machine;
/// use purlin_core::time::Instant;
///
/// /// Reports a peer as lost when nothing was heard from it for a second.
/// #[derive(Default)]
/// struct Watch {
///     deadline: Option<Instant>,
///     lost: bool,
/// }
///
/// #[derive(Debug, PartialEq)]
/// struct PeerLost;
///
/// impl Machine for Watch {
///     type Input = (); // a heartbeat arrived
///     type Output = PeerLost;
///     type Error = core::convert::Infallible;
///
///     fn handle(&mut self, now: Instant, (): ()) -> Result<(), Self::Error> {
///         self.deadline = Some(now + Duration::from_secs(1));
///         Ok(())
///     }
///
///     fn handle_timeout(&mut self, now: Instant) {
///         if self.deadline.is_some_and(|deadline| deadline <= now) {
///             self.deadline = None;
///             self.lost = true;
///         }
///     }
///
///     fn poll_output(&mut self) -> Option<PeerLost> {
///         core::mem::take(&mut self.lost).then_some(PeerLost)
///     }
///
///     fn poll_timeout(&self) -> Option<Instant> {
///         self.deadline
///     }
/// }
///
/// let mut watch = Watch::default();
/// watch.handle(Instant::from_secs(3), ())?;
/// assert_eq!(watch.poll_output(), None);
///
/// let due = watch.poll_timeout().expect("it waits for the next heartbeat");
/// watch.handle_timeout(due);
/// assert_eq!(watch.poll_output(), Some(PeerLost));
/// assert_eq!(watch.poll_timeout(), None);
/// # Ok::<(), core::convert::Infallible>(())
/// ```
///
/// # Implementing
///
/// * Do refuse a bad input with an error and leave the state as it was; give the input back inside
///   the error where it has value.
/// * Do make `handle_timeout` a no-op when nothing is due; after it, `poll_timeout` must be later
///   than the `now` it was given, or the driver spins.
/// * Do take everything else that varies (seeds, ids, configuration) at construction: equal inputs
///   at equal times give equal outputs.
/// * Do not panic on input, and bound every queue, the output queue included.
pub trait Machine {
    /// What goes in: messages, requests, completions. Owned; a borrowing fast path is an inherent
    /// method of the machine.
    type Input;
    /// What comes out: messages to send, records to write, answers to give.
    type Output;
    /// Why an input was refused.
    type Error;

    /// Takes one input.
    ///
    /// # Errors
    ///
    /// When the input is refused; the state is then untouched.
    fn handle(&mut self, now: Instant, input: Self::Input) -> Result<(), Self::Error>;

    /// Does what is due at `now`. Nothing, if nothing is.
    fn handle_timeout(&mut self, now: Instant);

    /// The next output, in the order in which they are to be carried out; `None` when there is none
    /// left.
    fn poll_output(&mut self) -> Option<Self::Output>;

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None` for never.
    fn poll_timeout(&self) -> Option<Instant>;
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Machine + ?Sized> Machine for $pointer {
            type Input = T::Input;
            type Output = T::Output;
            type Error = T::Error;

            #[inline]
            fn handle(&mut self, now: Instant, input: T::Input) -> Result<(), T::Error> {
                (**self).handle(now, input)
            }

            #[inline]
            fn handle_timeout(&mut self, now: Instant) {
                (**self).handle_timeout(now);
            }

            #[inline]
            fn poll_output(&mut self) -> Option<T::Output> {
                (**self).poll_output()
            }

            #[inline]
            fn poll_timeout(&self) -> Option<Instant> {
                (**self).poll_timeout()
            }
        }
    )*};
}

for_exclusive_pointers!(through_pointer);

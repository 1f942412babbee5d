//! Panics as violations, without the noise of hundreds of backtraces while shrinking.

use crate::Violation;
use core::cell::{Cell, RefCell};
use core::panic::AssertUnwindSafe;
use std::panic;
use std::sync::Once;

std::thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where the last quiet panic of this thread was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a check; a panic becomes a violation and is not printed.
pub(super) fn caught<T>(check: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.set(place.unwrap_or_default());
            } else {
                previous(info);
            }
        }));
    });
    let was_quiet = QUIET.replace(true);
    // The world of a panicked run is only read for its schedule and time, then dropped.
    let outcome = panic::catch_unwind(AssertUnwindSafe(check));
    QUIET.set(was_quiet);
    outcome.unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("of a type without a message");
        Err(Violation::of_panic(message, PLACE.take()))
    })
}

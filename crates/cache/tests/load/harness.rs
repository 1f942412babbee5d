//! Two loads at once, and something between.

use core::any::Any;
use core::time::Duration;
use std::sync::mpsc;
use std::thread;

/// Long enough for a thread that goes to wait to be waiting. Nothing is wrong if it is not: the tests
/// check what holds in either case.
pub(crate) fn let_them_wait() {
    thread::sleep(Duration::from_millis(30));
}

/// Two loads run as `leader` and `waiter`, the second of which comes while the first is under way; `meanwhile` runs
/// when both are there. Returns what the first brought, and the second.
pub(crate) fn meanwhile<T: Send>(
    leader: impl FnOnce(&dyn Fn()) -> T + Send,
    waiter: impl FnOnce() -> T + Send,
    meanwhile: impl FnOnce(),
) -> (thread::Result<T>, thread::Result<T>) {
    let (started, has_started) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let leader = scope.spawn(move || {
            leader(&|| {
                started.send(()).expect("the test waits");
                may_go.recv().expect("the test sends");
            })
        });
        has_started.recv().expect("the leader starts");
        let waiter = scope.spawn(waiter);
        let_them_wait();
        meanwhile();
        go.send(()).expect("the leader waits");
        (leader.join(), waiter.join())
    })
}

pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .expect("a message")
}

//! The layers for tower services.
#![cfg(all(
    feature = "tower",
    feature = "tokio",
    target_has_atomic = "64",
    not(purlin_loom)
))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

extern crate alloc;

mod guards;
mod in_place;
mod rate_limit;
mod retry;
mod stacked;
mod waiting;

use alloc::sync::Arc;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use tower_service::Service;

/// A call of this never ends.
const HANG: u64 = 1_000;
/// A call of this panics.
const PANIC: u64 = 2_000;

/// Answers a number with its double, and an odd one with an error; counts what it is asked.
#[derive(Clone, Default)]
struct Doubler(Arc<Seen>);

#[derive(Default)]
struct Seen {
    readied: AtomicUsize,
    called: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("odd")]
struct Odd;

type Answer = Pin<Box<dyn Future<Output = Result<u64, Odd>> + Send>>;

impl Service<u64> for Doubler {
    type Response = u64;
    type Error = Odd;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Odd>> {
        self.0.readied.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, number: u64) -> Answer {
        self.0.called.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match number {
                HANG => core::future::pending().await,
                PANIC => panic!("as asked"),
                odd if odd % 2 == 1 => Err(Odd),
                even => Ok(2 * even),
            }
        })
    }
}

impl Doubler {
    fn readied(&self) -> usize {
        self.0.readied.load(Ordering::Relaxed)
    }

    fn called(&self) -> usize {
        self.0.called.load(Ordering::Relaxed)
    }
}

/// As a server does: ready, then the call.
async fn ask<S: Service<u64>>(service: &mut S, number: u64) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(number).await
}

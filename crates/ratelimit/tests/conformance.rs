//! The conformance suite: on limiters that are whole it passes; each of its properties finds the
//! flaws that it is there to find.

use purlin_ratelimit::conformance::{self, Subject};
use purlin_ratelimit::{Capabilities, Gcra, Instant, Local, Locked, Shared};

fn word() -> Subject<'static> {
    Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Shared::new(Gcra::new(quota)?)))
    })
    .exact_if(|quota| Gcra::new(*quota).is_ok_and(|gcra| gcra.is_exact()))
}

fn wide() -> Subject<'static> {
    Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Locked::new(Gcra::wide(quota)?)))
    })
    .horizon(Instant::from_nanos(u64::MAX))
}

#[test]
fn gcra_conforms() {
    for seed in 0..200 {
        conformance::all(&word(), seed);
        conformance::all(&wide(), seed);
    }
}

#[test]
fn holders_agree() {
    let local = Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Local::new(Gcra::new(quota)?)))
    });
    let locked = Subject::new(Capabilities::BUCKET, |quota| {
        Ok(Box::new(Locked::new(Gcra::new(quota)?)))
    });
    for seed in 0..50 {
        conformance::agreement(&word(), &local, seed);
        conformance::agreement(&word(), &locked, seed);
    }
}

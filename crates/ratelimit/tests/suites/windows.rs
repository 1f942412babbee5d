//! What the vector files of windows mean.

use core::time::Duration;
use purlin_ratelimit::{
    FixedWindow, Instant, Limiter, Locked, Shared, SlidingWindowCounter, SlidingWindowLog,
};
use purlin_vectors::{Case, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("ratelimit/exact_window_fixed@1", |file| {
        file.check_fields(&["at_ns", "ok", "retry_after_ns"]);
        file.cases("cases", |case| {
            let (limit, window) = limit_and_window(case);
            timed(case, &Shared::new(FixedWindow::new(limit, window).unwrap()));
        });
    });
    suite.schema("ratelimit/exact_window_log@1", |file| {
        file.check_fields(&["at_ns", "ok", "retry_after_ns"]);
        file.cases("cases", |case| {
            let (limit, window) = limit_and_window(case);
            let rule = SlidingWindowLog::new(limit, window).unwrap();
            timed(case, &Locked::new(rule));
        });
    });
    suite.schema("ratelimit/exact_window_counter@1", |file| {
        file.check_fields(&["at_ns", "ok"]);
        file.cases("cases", |case| {
            let (limit, window) = limit_and_window(case);
            let wide = Locked::new(SlidingWindowCounter::wide(limit, window).unwrap());
            let word = SlidingWindowCounter::new(limit, window).map(Shared::new);
            for (at, ok) in case.read::<Vec<(u64, bool)>>("steps") {
                let now = Instant::from_nanos(at);
                let admitted = wide.try_acquire_at(now, 1).is_ok();
                case.check_eq(&format!("in 128 bits, at {at}"), admitted, ok);
                if let Ok(word) = &word {
                    let admitted = word.try_acquire_at(now, 1).is_ok();
                    case.check_eq(&format!("in a word, at {at}"), admitted, ok);
                }
            }
        });
    });
    suite.schema("ratelimit/fixed_cycle@1", |file| {
        file.cases("cases", fixed_cycle);
    });
}

/// The columns of a file.
trait CheckFields {
    fn check_fields(&self, expected: &[&str]);
}

impl CheckFields for purlin_vectors::Field<'_> {
    fn check_fields(&self, expected: &[&str]) {
        if self.read::<Vec<String>>("fields") != expected {
            self.at("fields").fail(&format!("are not {expected:?}"));
        }
    }
}

fn limit_and_window(case: &Case<'_>) -> (u64, Duration) {
    let window = Duration::from_nanos(case.read("window_ns"));
    (case.read("limit"), window)
}

/// Requests of cost one, and how long a refused one has to wait.
fn timed(case: &Case<'_>, limiter: &dyn Limiter) {
    for (at, ok, retry) in case.read::<Vec<(u64, bool, u64)>>("steps") {
        let decision = limiter.check_at(Instant::from_nanos(at), 1);
        case.check_eq(&format!("admitted at {at}"), decision.is_allowed(), ok);
        let retry = Some(Duration::from_nanos(retry));
        case.check_eq(&format!("retry at {at}"), decision.retry_after(), retry);
    }
}

/// resilience4j: a fixed window that lets requests wait for the next ones.
fn fixed_cycle(case: &Case<'_>) {
    let cycle = Duration::from_nanos(case.read("cycle_ns"));
    let limiter = Shared::new(FixedWindow::new(case.read("limit"), cycle).unwrap());
    let timeout = Duration::from_nanos(case.read("timeout_ns"));
    let reserve = |at| limiter.reserve_at(Instant::from_nanos(at), 1, timeout);
    if let Some(times) = case.read::<Option<Vec<u64>>>("reserve_at_ns") {
        let waits: Vec<i64> = case.read("expect_wait_ns");
        case.check_eq("as many", times.len(), waits.len());
        for (at, expected) in times.into_iter().zip(waits) {
            let wait = reserve(at).map(|made| made.wait_from(Instant::from_nanos(at)));
            // -1 where it would be longer than it may be.
            let expected = u64::try_from(expected).map(Duration::from_nanos);
            case.check_eq(&format!("wait at {at}"), wait.ok(), expected.ok());
        }
        return;
    }
    for step in case.at("steps").list() {
        let fields = step.list();
        let at: u64 = fields[0].decode();
        case.check_eq("op", fields[1].decode::<String>().as_str(), "acquire");
        case.check_eq(
            &format!("acquired at {at}"),
            reserve(at).is_ok(),
            fields[2].decode(),
        );
        let Some(stands) = fields.get(3) else {
            continue;
        };
        let peek = limiter.peek_at(Instant::from_nanos(at), 1);
        case.check_eq("available", peek.remaining, stands.read("available"));
        let wait = Some(Duration::from_nanos(stands.read("wait_ns")));
        case.check_eq("wait", peek.retry_after(), wait);
    }
}

//! What `lab versus ratelimit` measures.

#[cfg(feature = "rivals")]
use super::waiting;
use super::{breaker, keyed, memory, permits, rate_error, single, striped, worst};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Measure, Row, Samples};

type Setup = fn(&Settings) -> Result<Contest, LabError>;
type Count = fn(&Settings) -> Result<Samples, LabError>;

/// All of them, in the order of the README's table.
pub(super) static ROWS: [Row; 27] = [
    timed(
        "allow",
        "a request that is admitted, time given (ours as an argument, governor by its fake clock)",
        single::allow,
    ),
    timed(
        "allow-floor",
        "the same, beside a bare compare-and-swap",
        single::allow,
    ),
    Row::timed(
        "allow-idle",
        "a request that is admitted by a limiter that has filled since the last, time given (both read a cell)",
        single::allow_idle,
    ),
    timed(
        "allow-clock",
        "a request that is admitted, std's clock read",
        single::allow_on_std,
    ),
    timed(
        "allow-clock-ratelimit",
        "the same, beside ratelimit",
        single::allow_on_std,
    ),
    timed(
        "allow-clock-leaky-bucket",
        "the same, beside leaky-bucket as it is by default: fair",
        single::allow_on_std,
    ),
    timed(
        "deny",
        "a request that is refused, time given",
        single::deny,
    ),
    Row::timed(
        "deny-alone",
        "the same where nobody looks at the refusal",
        single::deny_alone,
    ),
    Row::timed(
        "deny-wait",
        "a request that is refused, and when to come back, time given",
        single::deny_with_wait,
    ),
    timed(
        "striped",
        "a bucket that runs dry and fills again, 9 of 10 admitted, one thread, time given",
        striped::one_thread,
    ),
    threads(
        "striped-2",
        "the same by two threads: time per request of both together",
        striped::two_threads,
    ),
    timed("striped-deny", "an empty bucket, one thread", striped::deny),
    threads(
        "striped-deny-2",
        "an empty bucket, two threads: time per refusal of both together",
        striped::deny_two_threads,
    ),
    keyed(
        "keyed-uniform",
        "one of a million keys, all alike, one thread, time given, key hashed",
        keyed::uniform,
    ),
    keyed(
        "keyed-zipf",
        "one of a million keys, Zipf 0.99, one thread, time given, key hashed",
        keyed::zipf,
    ),
    threads(
        "keyed-uniform-2",
        "one of a million keys, all alike, two threads: time per request of both together",
        keyed::uniform_two_threads,
    ),
    threads(
        "keyed-zipf-2",
        "one of a million keys, Zipf 0.99, two threads: time per request of both together",
        keyed::zipf_two_threads,
    ),
    counted(
        "keyed-memory",
        "bytes a key, with a million keys in a table for a million (85 % full)",
        "B",
        memory::per_key,
    ),
    counted(
        "keyed-growth",
        "by how many bytes a full table of a million keys grows when ten million others come",
        "B",
        memory::growth,
    ),
    counted(
        "keyed-worst",
        "the longest of 10 million checks of 2 million keys in a table for a million, clock read included; the shortest of three runs of each check",
        "us",
        worst::longest,
    ),
    timed(
        "permit",
        "a permit is taken and given back, one thread",
        permits::one_thread,
    ),
    threads(
        "permit-2",
        "the same by two threads: time per permit of both together",
        permits::two_threads,
    ),
    timed(
        "breaker",
        "a call that succeeds, through a closed circuit that watches the rate of failures of 100 calls",
        breaker::rate,
    ),
    timed(
        "breaker-failsafe",
        "a call that succeeds, through a closed circuit that counts failures in a row",
        breaker::consecutive,
    ),
    counted(
        "rate-error",
        "the worst relative error of a rate from 1 a day to 4e9 a second: 16 rates where others fail, and 1,000 random ones a seed",
        "",
        rate_error::worst,
    ),
    counted(
        "fifo",
        "pairs of 500 waiters served in the wrong order, at 1,000 a second under tokio",
        "pairs",
        WAITING[0],
    ),
    counted(
        "heavy",
        "how long a request for 10, all that fits, waits beside 8 tasks that keep asking for 1; the ideal is 18 ms",
        "x ideal",
        WAITING[1],
    ),
];

/// Both need tokio, which comes with the rivals.
#[cfg(feature = "rivals")]
const WAITING: [Count; 2] = [waiting::fifo, waiting::heavy];
#[cfg(not(feature = "rivals"))]
const WAITING: [Count; 2] = [|_| Err(LabError::NoRivals { area: "ratelimit" }); 2];

const fn timed(id: &'static str, what: &'static str, contest: Setup) -> Row {
    Row::timed(id, what, contest).promised()
}

/// In a table that is larger than the caches.
const fn keyed(id: &'static str, what: &'static str, contest: Setup) -> Row {
    timed(id, what, contest).in_batches_of(core::time::Duration::from_millis(4))
}

/// By two threads.
const fn threads(id: &'static str, what: &'static str, measure: Count) -> Row {
    counted(id, what, "ns/op", measure)
}

const fn counted(id: &'static str, what: &'static str, unit: &'static str, measure: Count) -> Row {
    Row {
        unit,
        measure: Measure::Counted(measure),
        ..timed(id, what, |_| unreachable!("it is counted"))
    }
}

//! What a step costs once a cache is full.

use super::Subject;
use super::draw::Draw;
use super::history::History;
use super::step::Step;
use super::subject::Case;
use core::time::Duration;
use purlin_core::time::Clock;

/// A full cache under requests: what is answered does as many more of them with each call.
///
/// A policy allocates nothing any more, and takes the same time for each request as for any other. What
/// drives it does not allocate either. So count allocations of a call with the counter that you like:
///
/// ```
/// use purlin_cache::Capabilities;
/// use purlin_cache::conformance::{self, Subject};
/// use purlin_cache::policy::Lru;
///
/// let subject = Subject::new(Capabilities::NONE, Lru::new);
/// let mut requests = conformance::steady_state(&subject, 100, 7);
/// let counted = allocation_counter::measure(|| requests(10_000));
/// assert_eq!(counted.count_total, 0);
/// ```
///
/// # Panics
///
/// Where the policy does what it must not; so does what is answered.
pub fn steady_state<'a>(
    subject: &Subject<'a>,
    capacity: usize,
    seed: u64,
) -> impl FnMut(usize) + use<'a> {
    let property = "steady_state";
    let mut draw = Draw::new(seed);
    let mut history = History::of(subject, capacity, Case { property, seed });
    history.reserve(capacity);
    let mut requests = move |count| {
        for _ in 0..count {
            let key = draw.key(capacity);
            history.step(if draw.one_in(50) {
                Step::Remove { key }
            } else {
                Step::Get { key }
            });
        }
    };
    // Long enough to fill whatever remembers what has left, and to let it clean up once.
    requests(20 * capacity);
    requests
}

/// A request of a cache of 65,536 entries takes about as long as one of a cache of 1,024: not 16 times
/// as long, which is far more than what memory that is farther away costs, and far less than what a scan of
/// the entries does.
///
/// Takes the time of `clock`; the fastest of several batches, so that whatever else the machine does only
/// matters if it does it all the time. Without a flaw it takes some tens of milliseconds.
///
/// # Panics
///
/// Where it does not hold.
pub fn constant_work(subject: &Subject<'_>, seed: u64, clock: &impl Clock) {
    let property = "constant_work";
    let case = Case { property, seed };
    let [small, large] = [1 << 10, 1 << 16].map(|capacity| {
        let mut draw = Draw::new(seed);
        let mut history = History::of(subject, capacity, case);
        history.reserve(capacity);
        // No more than to fill it: what scans would take minutes for more.
        while history.len() < capacity {
            let key = draw.fresh_key();
            history.step(Step::Get { key });
        }
        let batch = |_| {
            let start = clock.now();
            for _ in 0..BATCH {
                let key = draw.key(capacity);
                history.step(Step::Get { key });
            }
            clock.now().saturating_duration_since(start)
        };
        (0..9).map(batch).min().unwrap_or(Duration::ZERO)
    });
    case.check(
        large <= 16 * small,
        format_args!("{BATCH} requests take {small:?} at 1,024 entries and {large:?} at 65,536"),
    );
}

const BATCH: usize = 2_000;

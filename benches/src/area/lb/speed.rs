//! Rows about time and memory: what a pick, an update, an endpoint costs.

use core::time::Duration;

use super::{completions, memory, picks, routes, scaling, update};
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Direction, Measure, Row, Samples};

/// All of them.
pub(super) const SPEED: [Row; 48] = [
    timed(
        "round-robin-10",
        "pick one of 10 by round robin, nothing counted",
        picks::round_robin::<10>,
    ).promised(),
    timed(
        "round-robin-100",
        "pick one of 100 by round robin, nothing counted",
        picks::round_robin::<100>,
    ).promised(),
    timed(
        "round-robin-1000",
        "pick one of 1,000 by round robin, nothing counted",
        picks::round_robin::<1_000>,
    ).promised(),
    many(
        "round-robin-10000",
        "pick one of 10,000 by round robin, nothing counted",
        picks::round_robin::<10_000>,
    ).promised(),
    timed(
        "weighted-round-robin-10",
        "pick one of 10 by weighted round robin, weights 1 to 10, nothing counted",
        picks::weighted_round_robin::<10>,
    ).promised(),
    timed(
        "weighted-round-robin-100",
        "pick one of 100 by weighted round robin, weights 1 to 10, nothing counted",
        picks::weighted_round_robin::<100>,
    ).promised(),
    timed(
        "weighted-round-robin-1000",
        "pick one of 1,000 by weighted round robin, weights 1 to 10, nothing counted",
        picks::weighted_round_robin::<1_000>,
    ).promised(),
    many(
        "weighted-round-robin-10000",
        "pick one of 10,000 by weighted round robin, weights 1 to 10, nothing counted",
        picks::weighted_round_robin::<10_000>,
    ).promised(),
    timed(
        "random-1000",
        "pick one of 1,000 at random, nothing counted",
        picks::random::<1_000>,
    ),
    timed(
        "weighted-random-1000",
        "pick one of 1,000 at random by weight, nothing counted",
        picks::weighted_random::<1_000>,
    ),
    timed(
        "round-robin-pingora-10",
        "pick one of 10 by round robin, beside pingora",
        picks::round_robin::<10>,
    ).native().promised(),
    timed(
        "round-robin-pingora-1000",
        "pick one of 1,000 by round robin, beside pingora",
        picks::round_robin::<1_000>,
    ).native().promised(),
    many(
        "round-robin-pingora-10000",
        "pick one of 10,000 by round robin, beside pingora",
        picks::round_robin::<10_000>,
    ).native().promised(),
    timed(
        "weighted-round-robin-pingora-10",
        "pick one of 10 by weighted round robin, beside pingora, weights 1 to 10",
        picks::weighted_round_robin::<10>,
    ).native().promised(),
    timed(
        "weighted-round-robin-pingora-1000",
        "pick one of 1,000 by weighted round robin, beside pingora, weights 1 to 10",
        picks::weighted_round_robin::<1_000>,
    ).native().promised(),
    many(
        "weighted-round-robin-pingora-10000",
        "pick one of 10,000 by weighted round robin, beside pingora, weights 1 to 10",
        picks::weighted_round_robin::<10_000>,
    ).native().promised(),
    timed(
        "slot-table-pingora-10",
        "pick one of 10 by key with a slot table beside pingora's ketama, key of 16 bytes hashed",
        picks::slot_table::<10>,
    ).native().promised(),
    timed(
        "slot-table-pingora-1000",
        "pick one of 1,000 by key with a slot table beside pingora's ketama, key of 16 bytes hashed",
        picks::slot_table::<1_000>,
    ).native().promised(),
    many(
        "slot-table-pingora-10000",
        "pick one of 10,000 by key with a slot table beside pingora's ketama, key of 16 bytes hashed",
        picks::slot_table::<10_000>,
    ).native().promised(),
    timed(
        "maglev-pingora-10",
        "pick one of 10 by key with a Maglev beside pingora's ketama, key of 16 bytes hashed",
        picks::maglev::<10>,
    ).native().promised(),
    timed(
        "maglev-pingora-1000",
        "pick one of 1,000 by key with a Maglev beside pingora's ketama, key of 16 bytes hashed",
        picks::maglev::<1_000>,
    ).native().promised(),
    timed(
        "least-request-10",
        "two choices by requests in flight among 10, pick and completion",
        completions::least_request::<10>,
    ).promised(),
    timed(
        "least-request-100",
        "two choices by requests in flight among 100, pick and completion",
        completions::least_request::<100>,
    ).promised(),
    timed(
        "least-request-1000",
        "two choices by requests in flight among 1,000, pick and completion",
        completions::least_request::<1_000>,
    ).promised(),
    many(
        "least-request-10000",
        "two choices by requests in flight among 10,000, pick and completion",
        completions::least_request::<10_000>,
    ).promised(),
    counted(
        "least-request-10-2",
        "the same among 10 by two threads: time per request of both together",
        "ns/op",
        completions::least_request_2::<10>,
    ).promised(),
    counted(
        "least-request-1000-2",
        "the same among 1,000 by two threads: time per request of both together",
        "ns/op",
        completions::least_request_2::<1_000>,
    ).promised(),
    timed(
        "ewma-10",
        "peak EWMA among 10, pick and completion with latency, time given (tower reads its clock)",
        completions::ewma::<10>,
    ).promised(),
    timed(
        "ewma-100",
        "peak EWMA among 100, pick and completion with latency, time given (tower reads its clock)",
        completions::ewma::<100>,
    ).promised(),
    timed(
        "ewma-1000",
        "peak EWMA among 1,000, pick and completion with latency, time given (tower reads its clock)",
        completions::ewma::<1_000>,
    ).promised(),
    many(
        "ewma-10000",
        "peak EWMA among 10,000, pick and completion with latency, time given (tower reads its clock)",
        completions::ewma::<10_000>,
    ).promised(),
    timed(
        "ewma-clock-10",
        "peak EWMA among 10, pick and completion, std's clock read",
        completions::ewma_on_std::<10>,
    ).promised(),
    timed(
        "ewma-clock-100",
        "peak EWMA among 100, pick and completion, std's clock read",
        completions::ewma_on_std::<100>,
    ).promised(),
    timed(
        "ewma-clock-1000",
        "peak EWMA among 1,000, pick and completion, std's clock read",
        completions::ewma_on_std::<1_000>,
    ).promised(),
    many(
        "ewma-clock-10000",
        "peak EWMA among 10,000, pick and completion, std's clock read",
        completions::ewma_on_std::<10_000>,
    ).promised(),
    many(
        "scale-round-robin",
        "round robin: 10,000 endpoints beside 10",
        scaling::round_robin,
    ).promised(),
    many(
        "scale-weighted-round-robin",
        "weighted round robin: 10,000 endpoints beside 10",
        scaling::weighted_round_robin,
    ).promised(),
    many(
        "scale-random",
        "random: 10,000 endpoints beside 10",
        scaling::random,
    ).promised(),
    many(
        "scale-weighted-random",
        "weighted random: 10,000 endpoints beside 10",
        scaling::weighted_random,
    ).promised(),
    many(
        "scale-least-request",
        "least request: 10,000 endpoints beside 10",
        scaling::least_request,
    ).promised(),
    many(
        "scale-ewma",
        "peak EWMA: 10,000 endpoints beside 10",
        scaling::ewma,
    ).promised(),
    many(
        "scale-slot-table",
        "slot table: 10,000 endpoints beside 10",
        scaling::slot_table,
    ).promised(),
    many(
        "health-flip",
        "an endpoint of 10,000 turns unhealthy, or healthy again; the next pick knows",
        update::health,
    ).shown_in("us", Direction::Max, update::per_flip).promised(),
    counted(
        "update-membership",
        "an endpoint of 10,000 goes, or another comes; weighted round robin, weights 1 to 10",
        "us",
        update::membership,
    ).native().promised(),
    counted(
        "update-weight",
        "an endpoint of 10,000 gets another weight; weighted round robin, weights 1 to 10",
        "us",
        update::reweight,
    ).native().promised(),
    timed(
        "routes-400",
        "one of 400 routes by path, and any method and host",
        routes::paths,
    ).promised(),
    counted(
        "memory-weighted-round-robin",
        "an endpoint of 10,000 in a cluster, weighted round robin, weights 1 to 10, all state included; nodes are socket addresses",
        "B",
        memory::weighted_round_robin,
    ).promised(),
    counted(
        "memory-ewma",
        "the same, EWMA",
        "B",
        memory::ewma,
    ).promised(),
];

type Setup = fn(&Settings) -> Result<Contest, LabError>;

const fn timed(id: &'static str, what: &'static str, setup: Setup) -> Row {
    Row::timed(id, what, setup)
}

/// With ten thousand endpoints, which fill megabytes.
const fn many(id: &'static str, what: &'static str, setup: Setup) -> Row {
    timed(id, what, setup).in_batches_of(Duration::from_millis(4))
}

const fn counted(
    id: &'static str,
    what: &'static str,
    unit: &'static str,
    measure: fn(&Settings) -> Result<Samples, LabError>,
) -> Row {
    Row {
        unit,
        measure: Measure::Counted(measure),
        ..timed(id, what, |_| unreachable!("it is counted"))
    }
}

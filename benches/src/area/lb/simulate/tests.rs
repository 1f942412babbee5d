use purlin_core::random::SplitMix64;

use super::*;
use crate::area::lb::arena::below;
use crate::area::lb::scenario::Scenario;
use crate::area::lb::work::Work;

/// Any server.
struct AnyServer(SplitMix64);

impl Player for AnyServer {
    type Ticket = ();

    fn send(&mut self, servers: &Servers<'_>, _: usize, _: Instant) -> Option<(usize, ())> {
        Some((below(&mut self.0, servers.len()), ()))
    }

    fn answered(&mut self, (): (), _: Instant, _: bool) {}
}

fn arena(scenario: &str, servers: usize, work: &Work) -> Arena {
    let scenario = Scenario::named(scenario).expect("a scenario");
    Arena::new(scenario, servers, work, 3).expect("it can be made")
}

fn by_chance(arena: &Arena) -> Outcome {
    run(arena, AnyServer(SplitMix64::new(4)))
}

/// Exponential times of mean 10 ms: their quantiles, evenly spaced.
fn exponential() -> Work {
    let quantile = |part: f64| Duration::from_secs_f64(-0.01 * (1.0 - part).ln());
    let times = (0..10_000).map(|index| quantile((f64::from(index) + 0.5) / 10_000.0));
    Work::Measured(times.collect())
}

#[test]
fn requests_wait_as_long_as_erlang_says() {
    // Arrivals by chance, split by chance, are Poisson at each server: M/M/4. Erlang's C(4, 3) is
    // 0.50943 (every table of it has 0.509); the mean wait is C / (4 - 3) of the work, for 3 erlangs.
    let outcome = by_chance(&arena("b-75", 20, &exponential()));
    let expected = 10.0 + 10.0 * 0.509_43 + 0.5;
    let mean = outcome.mean();
    assert!(
        (mean / expected - 1.0).abs() < 0.02,
        "{mean} ms, not {expected}"
    );
}

#[test]
fn constant_work_on_idle_servers_takes_the_work_and_both_ways() {
    let work = Work::Measured([Duration::from_millis(10)].into());
    let outcome = by_chance(&arena("b-75", 20, &work));
    assert!(
        (outcome.quantile(0.0) - 10.5).abs() < 1e-9,
        "{}",
        outcome.quantile(0.0)
    );
}

#[test]
fn every_request_counts_once_even_without_an_answer() {
    let arena = arena("a-90", 20, &Work::LogNormal);
    let counted = arena
        .arrivals
        .iter()
        .filter(|arrival| arrival.at >= arena.counted_from());
    let outcome = by_chance(&arena);
    assert_eq!(outcome.requests(), counted.count() as u64);
    // Two servers that get ten times what they can do: most of theirs have none.
    assert!((outcome.quantile(0.99) - 5_000.0).abs() < 1e-9);
}

#[test]
fn a_black_hole_fails_its_share_at_once_and_no_other_server_does() {
    let arena = arena("f", 20, &Work::LogNormal);
    let outcome = by_chance(&arena);
    let share = outcome.share(0);
    assert!((outcome.errors(..) - share).abs() < 1e-3, "{share}");
    assert!((share - 0.05).abs() < 0.005, "{share}");
}

#[test]
fn ten_times_as_slow_is_ten_times_the_work() {
    struct First;
    impl Player for First {
        type Ticket = ();
        fn send(&mut self, _: &Servers<'_>, _: usize, _: Instant) -> Option<(usize, ())> {
            Some((0, ()))
        }
        fn answered(&mut self, (): (), _: Instant, _: bool) {}
    }
    let work = Work::Measured([Duration::from_millis(10)].into());
    let mut arena = arena("a-90", 2, &work);
    arena.arrivals.truncate(1);
    arena.arrivals[0].at = arena.counted_from();
    let latency = run(&arena, First).mean();
    assert!((latency - 100.5).abs() < 1e-9, "{latency}");
}

//! The checker, rule by rule.

use alloc::collections::BTreeMap;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_lb::health::{HealthChecker, HealthConfig, HealthInput, HealthOutput, Outcome};
use purlin_lb::policy::RoundRobin;
use purlin_lb::{Cluster, Health, Instant, NodeId, UpdateError, Upstream};

const ID: NodeId = NodeId(7);

fn outputs(checker: &mut HealthChecker) -> Vec<HealthOutput> {
    core::iter::from_fn(|| checker.poll_output()).collect()
}

/// Sleeps until something is due, and answers when that was.
fn sleep(checker: &mut HealthChecker) -> Instant {
    let due = checker.poll_timeout().expect("something is due");
    checker.handle_timeout(due);
    due
}

fn add(checker: &mut HealthChecker, now: Instant, id: NodeId) {
    assert_eq!(checker.handle(now, HealthInput::Add(id)), Ok(()));
}

/// The number of the one probe that is asked for.
fn asked(checker: &mut HealthChecker) -> u64 {
    let numbers = outputs(checker)
        .into_iter()
        .filter_map(|output| match output {
            HealthOutput::Probe { number, .. } => Some(number),
            HealthOutput::Changed { .. } => None,
        });
    let [number] = numbers.collect::<Vec<_>>()[..] else {
        panic!("not one probe");
    };
    number
}

fn answer(checker: &mut HealthChecker, now: Instant, number: u64, outcome: Outcome) {
    let probed = HealthInput::Probed {
        id: ID,
        number,
        outcome,
    };
    assert_eq!(checker.handle(now, probed), Ok(()));
}

/// What becomes of an endpoint whose probes end like this.
fn healths(config: HealthConfig, outcomes: &[Outcome]) -> Vec<Health> {
    let mut checker = HealthChecker::seeded(config, 0);
    add(&mut checker, Instant::ORIGIN, ID);
    let after = outcomes.iter().map(|outcome| {
        let now = sleep(&mut checker);
        let number = asked(&mut checker);
        answer(&mut checker, now, number, *outcome);
        checker.health(ID).expect("it is checked")
    });
    after.collect()
}

#[test]
fn it_takes_three_failures_to_fall_and_two_successes_to_rise() {
    use Health::{Healthy as Up, Unhealthy as Down};
    use Outcome::{Failure as F, Success as S};
    let outcomes = [S, F, F, S, F, F, F, S, F, S, S, F];
    let expected = [Up, Up, Up, Up, Up, Up, Down, Down, Down, Down, Up, Up];
    assert_eq!(healths(HealthConfig::new(), &outcomes), expected);
}

#[test]
fn the_first_result_decides() {
    for initial in [Health::Healthy, Health::Degraded, Health::Unhealthy] {
        let config = HealthConfig::new().initial(initial);
        let mut checker = HealthChecker::seeded(config, 0);
        add(&mut checker, Instant::ORIGIN, ID);
        let first = outputs(&mut checker);
        let health = initial;
        assert_eq!(first, [HealthOutput::Changed { id: ID, health }]);
        assert_eq!(checker.stats().unknown, 1);

        for (outcome, health) in [
            (Outcome::Success, Health::Healthy),
            (Outcome::Degraded, Health::Degraded),
            (Outcome::Failure, Health::Unhealthy),
            (Outcome::NotServing, Health::Unhealthy),
        ] {
            assert_eq!(healths(config, &[outcome]), [health]);
        }
    }
}

#[test]
fn who_says_so_is_unhealthy_or_degraded_at_once() {
    use Outcome::{Degraded, Failure, NotServing, Success};
    let outcomes = [
        Success, Degraded, Success, NotServing, Degraded, Degraded, Failure, Success,
    ];
    let expected = [
        Health::Healthy,
        Health::Degraded,
        Health::Healthy,
        Health::Unhealthy,
        Health::Unhealthy,
        Health::Degraded,
        Health::Degraded,
        Health::Healthy,
    ];
    assert_eq!(healths(HealthConfig::new(), &outcomes), expected);
}

#[test]
fn a_probe_that_nobody_answers_has_failed() {
    let config = HealthConfig::new().unhealthy_threshold(2).expect("valid");
    let mut checker = HealthChecker::seeded(config, 3);
    add(&mut checker, Instant::ORIGIN, ID);
    let sent = sleep(&mut checker);
    let late = asked(&mut checker);
    assert_eq!(sleep(&mut checker), sent + Duration::from_secs(1));
    assert_eq!(checker.health(ID), Some(Health::Unhealthy));

    // The next one is out, and the answer to the former comes.
    let now = sleep(&mut checker);
    let number = asked(&mut checker);
    answer(&mut checker, now, late, Outcome::Success);
    assert_eq!(checker.health(ID), Some(Health::Unhealthy));
    answer(&mut checker, now, number, Outcome::Success);
    answer(&mut checker, now, number, Outcome::Success);
    let stats = checker.stats();
    assert_eq!((stats.probes, stats.timeouts, stats.ignored), (2, 1, 2));
    assert_eq!(stats.unhealthy, 1, "one success is not two");
}

#[test]
fn a_result_at_the_deadline_is_late_although_nobody_said_that_time_is_over() {
    for (after, health) in [(999, Health::Healthy), (1_000, Health::Unhealthy)] {
        let mut checker = HealthChecker::seeded(HealthConfig::new(), 3);
        add(&mut checker, Instant::ORIGIN, ID);
        let sent = sleep(&mut checker);
        let number = asked(&mut checker);
        let now = sent + Duration::from_millis(after);
        answer(&mut checker, now, number, Outcome::Success);
        assert_eq!(checker.health(ID), Some(health));
        let late = u64::from(after == 1_000);
        let stats = checker.stats();
        assert_eq!((stats.timeouts, stats.ignored), (late, late));
    }
}

#[test]
fn results_for_one_that_was_removed_and_added_again_are_ignored() {
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 0);
    add(&mut checker, Instant::ORIGIN, ID);
    let now = sleep(&mut checker);
    let old = asked(&mut checker);
    assert_eq!(checker.handle(now, HealthInput::Remove(ID)), Ok(()));
    assert_eq!(checker.poll_timeout(), None);
    answer(&mut checker, now, old, Outcome::Failure);

    add(&mut checker, now, ID);
    answer(&mut checker, now, old, Outcome::Failure);
    let now = sleep(&mut checker);
    assert_ne!(asked(&mut checker), old);
    answer(&mut checker, now, old, Outcome::Failure);
    assert_eq!(checker.health(ID), Some(Health::Healthy));
    assert_eq!(checker.stats().ignored, 3);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 0);
    assert!(checker.is_empty());
    add(&mut checker, Instant::ORIGIN, ID);
    let due = checker.poll_timeout();
    let again = checker.handle(Instant::ORIGIN, HealthInput::Add(ID));
    assert_eq!(again, Err(UpdateError::Duplicate { id: ID }));
    let id = NodeId(8);
    let unknown = checker.handle(Instant::ORIGIN, HealthInput::Remove(id));
    assert_eq!(unknown, Err(UpdateError::Unknown { id }));
    assert_eq!((checker.len(), checker.poll_timeout()), (1, due));
    assert_eq!(checker.health(id), None);
}

#[test]
fn outputs_that_nobody_fetches_do_not_pile_up() {
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 0);
    add(&mut checker, Instant::ORIGIN, ID);
    for _ in 0..1_000 {
        sleep(&mut checker);
    }
    for _ in 0..1_000 {
        let now = Instant::from_secs(1_000_000);
        assert_eq!(checker.handle(now, HealthInput::Remove(ID)), Ok(()));
        add(&mut checker, now, ID);
    }
    sleep(&mut checker);
    let (health, number) = (Health::Healthy, checker.stats().probes - 1);
    let deadline = checker.poll_timeout().expect("a probe is out");
    let last = HealthOutput::Probe {
        id: ID,
        number,
        deadline,
    };
    let all = outputs(&mut checker);
    assert_eq!(all, [HealthOutput::Changed { id: ID, health }, last]);
}

#[test]
fn at_the_end_of_time_nothing_is_due() {
    let end = Instant::from_nanos(u64::MAX);
    let config = HealthConfig::new().first_within(Duration::ZERO);
    let mut checker = HealthChecker::seeded(config, 0);
    add(&mut checker, end, ID);
    checker.handle_timeout(end);
    let number = asked(&mut checker);
    assert_eq!(checker.poll_timeout(), None);
    answer(&mut checker, end, number, Outcome::Failure);
    assert_eq!(checker.health(ID), Some(Health::Unhealthy));

    let endless = HealthConfig::new()
        .interval(Duration::MAX)
        .and_then(|it| it.jitter_percent(100))
        .and_then(|it| it.timeout(Duration::MAX))
        .expect("valid");
    let mut checker = HealthChecker::seeded(endless.first_within(Duration::MAX), 1);
    add(&mut checker, Instant::ORIGIN, ID);
    let now = sleep(&mut checker);
    let number = asked(&mut checker);
    assert_eq!(checker.poll_timeout(), None);
    answer(&mut checker, now, number, Outcome::Success);
    assert_eq!(checker.poll_timeout(), None);
}

/// 10,000 endpoints for a minute: each first within a second, then every 5 to 5.5 s, and never all
/// at once.
#[test]
fn ten_thousand_endpoints_are_not_probed_in_one_instant() {
    const ENDPOINTS: u64 = 10_000;
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 1);
    let start = Instant::from_secs(100);
    for id in 0..ENDPOINTS {
        add(&mut checker, start, NodeId(id));
    }
    assert_eq!(
        outputs(&mut checker).len(),
        10_000,
        "what they are at first"
    );
    let mut last = BTreeMap::new();
    let mut of_millisecond = BTreeMap::<u64, u64>::new();
    loop {
        let now = sleep(&mut checker);
        if now > start + Duration::from_secs(60) {
            break;
        }
        for output in outputs(&mut checker) {
            let HealthOutput::Probe { id, number, .. } = output else {
                panic!("nobody fails: {output:?}");
            };
            let (since, range) = match last.insert(id, now) {
                None => (start, 0..=1_000),
                Some(before) => (before, 5_000..=5_500),
            };
            let waited = now.saturating_duration_since(since).as_millis();
            assert!(range.contains(&waited), "{id} after {waited} ms");
            *of_millisecond.entry(now.as_millis()).or_default() += 1;
            let probed = HealthInput::Probed {
                id,
                number,
                outcome: Outcome::Success,
            };
            assert_eq!(checker.handle(now, probed), Ok(()));
        }
    }
    assert_eq!(last.len(), 10_000);
    // 10 are expected in the first second, fewer later. By chance 40 never are: the upper tail of a
    // Poisson distribution is below 1e-11 there.
    let most = of_millisecond.values().max();
    assert!(most < Some(&40), "{most:?} in one millisecond");
    let stats = checker.stats();
    assert_eq!(
        (stats.healthy, stats.unknown, stats.timeouts),
        (10_000, 0, 0)
    );
}

/// Equal inputs at equal times give equal outputs; another seed gives another schedule.
#[test]
fn a_seed_makes_the_schedule() {
    let schedule = |seed| {
        let mut checker = HealthChecker::seeded(HealthConfig::new(), seed);
        add(&mut checker, Instant::ORIGIN, ID);
        [(); 20].map(|()| (sleep(&mut checker), outputs(&mut checker)))
    };
    assert_eq!(schedule(1), schedule(1));
    assert_ne!(schedule(1), schedule(2));
}

fn robin(ids: impl IntoIterator<Item = u64>) -> Cluster<NodeId, RoundRobin> {
    let upstreams = ids.into_iter().map(|id| Upstream::new(NodeId(id)));
    Cluster::new(RoundRobin::from(0), upstreams).expect("distinct")
}

/// Carries out what the checker says; all probes fail.
fn fail_all(checker: &mut HealthChecker, cluster: &Cluster<NodeId, RoundRobin>, now: Instant) {
    while let Some(output) = checker.poll_output() {
        let outcome = Outcome::Failure;
        match output {
            HealthOutput::Changed { id, health } => {
                let _ = cluster.set_health_at(now, id, health);
            }
            HealthOutput::Probe { id, number, .. } => {
                let probed = HealthInput::Probed {
                    id,
                    number,
                    outcome,
                };
                assert_eq!(checker.handle(now, probed), Ok(()));
            }
        }
    }
}

#[test]
fn an_endpoint_that_was_added_again_is_told_what_is_known_of_it() {
    let cluster = robin([ID.0]);
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 0);
    checker.follow(Instant::ORIGIN, &cluster.load());
    let now = sleep(&mut checker);
    fail_all(&mut checker, &cluster, now);
    let health = || {
        let endpoint = cluster.endpoint(ID).expect("it is there");
        endpoint.status().health()
    };
    assert_eq!(health(), Health::Unhealthy);

    assert!(cluster.remove(ID).is_ok());
    assert!(cluster.insert_at(now, Upstream::new(ID)).is_ok());
    assert_eq!(health(), Health::Healthy, "it is another one");
    let due = checker.poll_timeout();
    checker.follow(now, &cluster.load());
    assert_eq!(checker.poll_timeout(), due, "its probes go on");
    fail_all(&mut checker, &cluster, now);
    assert_eq!(health(), Health::Unhealthy);
    checker.follow(now, &cluster.load());
    assert_eq!(outputs(&mut checker), [], "no news");
}

#[test]
fn the_checker_follows_the_endpoints_of_a_cluster() {
    let cluster = robin([1, 2]);
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 0);
    let now = Instant::from_secs(1);
    checker.follow(now, &cluster.load());
    assert!(cluster.remove(NodeId(1)).is_ok());
    assert!(cluster.insert_at(now, Upstream::new(NodeId(3))).is_ok());
    // What it has to say of one that is gone may be fetched before it learns of that.
    fail_all(&mut checker, &cluster, now);
    checker.follow(now, &cluster.load());
    let healths = [1, 2, 3].map(|id| checker.health(NodeId(id)));
    assert_eq!(
        healths,
        [None, Some(Health::Healthy), Some(Health::Healthy)]
    );
    assert_eq!(checker.len(), 2);
}

/// It was O(endpoints) for each: 200,000 took a minute and more.
#[test]
fn endpoints_are_removed_quickly_though_nothing_was_fetched() {
    const ENDPOINTS: u64 = 200_000;
    let mut checker = HealthChecker::seeded(HealthConfig::new(), 1);
    for id in 0..ENDPOINTS {
        add(&mut checker, Instant::ORIGIN, NodeId(id));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "it is real time that is measured"
    )]
    let began = std::time::Instant::now();
    for id in (0..ENDPOINTS).rev() {
        let removed = checker.handle(Instant::ORIGIN, HealthInput::Remove(NodeId(id)));
        assert_eq!(removed, Ok(()));
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(outputs(&mut checker), []);
}

/// Of 1,000 intervals of 5 s and up to a tenth more, some are among the shortest 2 % and some among
/// the longest: of none of them that is so by chance once in 5e8.
#[test]
fn intervals_are_jittered() {
    let waits = |config| {
        let mut checker = HealthChecker::seeded(config, 1);
        add(&mut checker, Instant::ORIGIN, ID);
        let mut before = sleep(&mut checker);
        let waits = (0..1_000).map(|_| {
            let number = asked(&mut checker);
            answer(&mut checker, before, number, Outcome::Success);
            let now = sleep(&mut checker);
            let waited = now.saturating_duration_since(before);
            before = now;
            waited
        });
        let waits: Vec<Duration> = waits.collect();
        (waits.iter().min().copied(), waits.iter().max().copied())
    };
    let millis = |millis| Some(Duration::from_millis(millis));
    let (shortest, longest) = waits(HealthConfig::new());
    assert!(shortest >= millis(5_000) && shortest < millis(5_010));
    assert!(longest > millis(5_490) && longest <= millis(5_500));
    let exact = HealthConfig::new().jitter_percent(0).expect("valid");
    assert_eq!(waits(exact), (millis(5_000), millis(5_000)));
}

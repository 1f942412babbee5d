//! One key, one thread, any time: against a few comparisons of times.

use core::time::Duration;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use purlin_cache::policy::{Lru, S3Fifo};
use purlin_cache::registry::AnyPolicy;
use purlin_cache::sync::Cache;
use purlin_cache::sync::refresh::{Served, Staleness};
use purlin_core::time::ManualClock;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Get,
    Load(bool),
    Token(Option<bool>),
    Insert,
    Invalidate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..30_u64).prop_map(Step::Wait),
        2 => Just(Step::Get),
        3 => any::<bool>().prop_map(Step::Load),
        2 => option::of(any::<bool>()).prop_map(Step::Token),
        1 => Just(Step::Insert),
        1 => Just(Step::Invalidate),
    ]
}

/// All in seconds.
#[derive(Clone, Copy, Debug)]
struct Terms {
    live: u64,
    refresh: Option<u64>,
    while_revalidating: u64,
    if_error: u64,
}

impl Terms {
    fn is_fresh(self, age: u64) -> bool {
        age < self.live && self.refresh.is_none_or(|due| age < due)
    }

    fn serves_while_loading(self, age: u64) -> bool {
        age < self.live + self.while_revalidating
    }

    fn serves_on_error(self, age: u64) -> bool {
        self.serves_while_loading(age) || age < self.live + self.if_error
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

proptest! {
    #[test]
    fn what_is_served_follows_from_its_age(
        live in 1..40_u64,
        refresh in option::of(0..40_u64),
        while_revalidating in 0..30_u64,
        if_error in 0..30_u64,
        shares_hits in any::<bool>(),
        steps in vec(step(), 0..40),
    ) {
        let terms = Terms { live, refresh, while_revalidating, if_error };
        let mut staleness = Staleness::none()
            .stale_while_revalidate(seconds(while_revalidating))
            .stale_if_error(seconds(if_error));
        if let Some(refresh) = refresh {
            staleness = staleness.refresh_after_write(seconds(refresh));
        }
        let clock = ManualClock::new();
        let cache = Cache::builder(10)
            .time_to_live(seconds(live))
            .clock(clock.clone())
            .policy(move |entries| -> AnyPolicy {
                if shares_hits { Box::new(S3Fifo::new(entries)) } else { Box::new(Lru::new(entries)) }
            })
            .build_refreshing(staleness);

        // When which value was put in.
        let mut here: Option<(u64, u64)> = None;
        let mut now = 0;
        for (next, step) in (1_u64..).zip(steps) {
            let aged = here.map(|(written, value)| (now - written, value));
            match step {
                Step::Wait(time) => {
                    clock.advance(seconds(time));
                    now += time;
                }
                Step::Get => {
                    let expected = aged.filter(|(age, _)| *age < live).map(|(_, value)| value);
                    prop_assert_eq!(cache.get(&7), expected);
                }
                Step::Insert => {
                    cache.insert(7, next);
                    here = Some((now, next));
                }
                Step::Invalidate => {
                    cache.invalidate(&7);
                    here = None;
                }
                Step::Load(works) => {
                    let mut asked = false;
                    let served = cache.get_or_refresh(7, || {
                        asked = true;
                        if works { Ok(next) } else { Err(next) }
                    });
                    let fresh = aged.filter(|(age, _)| terms.is_fresh(*age));
                    let old = aged.filter(|(age, _)| terms.serves_on_error(*age));
                    prop_assert_eq!(asked, fresh.is_none());
                    match (fresh, works, old) {
                        (Some((_, fresh)), ..) => {
                            prop_assert!(matches!(served, Ok(Served::Fresh(value)) if value == fresh));
                        }
                        (None, true, _) => {
                            prop_assert!(matches!(served, Ok(Served::Loaded(value)) if value == next));
                            here = Some((now, next));
                        }
                        (None, false, Some((old_age, old))) => {
                            let Ok(Served::StaleIfError { value, age, .. }) = served else {
                                return Err(TestCaseError::fail(format!("{served:?}")));
                            };
                            prop_assert_eq!((value, age), (old, seconds(old_age)));
                        }
                        (None, false, None) => prop_assert!(served.is_err()),
                    }
                }
                Step::Token(load) => {
                    let (served, refresh) = cache.get_and_refresh(7);
                    let fresh = aged.filter(|(age, _)| terms.is_fresh(*age));
                    let stale = aged.filter(|(age, _)| terms.serves_while_loading(*age));
                    prop_assert_eq!(refresh.is_none(), fresh.is_some());
                    match (fresh, stale) {
                        (Some((_, fresh)), _) => {
                            prop_assert!(matches!(served, Some(Served::Fresh(value)) if value == fresh));
                        }
                        (None, Some((old_age, old))) => {
                            let Some(Served::Stale { value, age }) = served else {
                                return Err(TestCaseError::fail(format!("{served:?}")));
                            };
                            prop_assert_eq!((value, age), (old, seconds(old_age)));
                        }
                        (None, None) => prop_assert!(served.is_none()),
                    }
                    if let (Some(refresh), Some(works)) = (refresh, load) {
                        let result = refresh.run(|| if works { Ok(next) } else { Err(next) });
                        prop_assert_eq!(result.is_ok(), works);
                        if works {
                            here = Some((now, next));
                        }
                    }
                }
            }
        }
    }
}

//! What the vector files of circuit breaker, backoff and retry budget mean.

use core::time::Duration;
use purlin_core::random::SplitMix64;
use purlin_ratelimit::Instant;
use purlin_ratelimit::backoff::{Backoff, Jitter};
use purlin_ratelimit::breaker::{BreakerConfig, CircuitBreaker, State, Window};
use purlin_ratelimit::retry_budget::RetryBudget;
use purlin_vectors::{Field, Suite};

pub(crate) fn register(suite: &mut Suite<'_>) {
    suite.schema("ratelimit/circuit_breaker@1", circuit_breaker);
    suite.schema("ratelimit/backoff@1", backoff);
    suite.schema("ratelimit/retry_budget@1", retry_budget);
    suite.schema("ratelimit/retry_budget_percent@1", retry_budget_percent);
}

fn circuit_breaker(file: &Field<'_>) {
    file.case("default", |case| {
        let config = case.at("config");
        // "More than five" failures in a row trip, so six.
        let rule: String = config.read("trip");
        case.check_eq("trip", rule.as_str(), "consecutive_failures > 5");
        let mut story = Story::new(
            BreakerConfig::new()
                .consecutive_failures(6)
                .probes(config.read("half_open_max"))
                .open_for(Duration::from_nanos(config.read("open_timeout_ns"))),
        );
        let steps: Vec<(String, String)> = case.read("steps");
        for (number, (step, state)) in steps.iter().enumerate() {
            let passed = story.step(step);
            let what = format!("after step {number}, {step}");
            if state == "rejected" {
                case.check(&what, !passed);
            } else {
                case.check(&what, passed);
                case.check_eq(&what, story.state(), state.as_str());
            }
        }
    });

    // gobreaker counts every call since the last change of state; so does a large enough window.
    let window = BreakerConfig::new()
        .failure_rate(100)
        .window(Window::Calls(100))
        .minimum_calls(100);
    let mut story = Story::new(window);
    let mut told: Vec<Vec<u32>> = Vec::new();
    for counts in file.at("counts_after").list() {
        let after: String = counts.read("after");
        story.step(after.trim_start_matches('+'));
        let stats = story.breaker.stats_at(story.now);
        told.push(vec![
            stats.calls,
            stats.failures,
            stats.consecutive_failures,
        ]);
    }
    let told = core::cell::RefCell::new(told.into_iter());
    file.cases("counts_after", |case| {
        // Successes in a row serve no rule here, so nobody counts them.
        case.ignore(&["consec_successes"]);
        let expected = ["requests", "failures", "consec_failures"].map(|key| case.read(key));
        let told = told.borrow_mut().next().expect("one for each");
        case.check_eq("counts", told.clone(), expected.to_vec());
        let successes: Option<u32> = case.read("successes");
        case.check_eq("successes", told[0] - told[1], successes.unwrap_or(0));
    });
}

/// A breaker and its time, in the words of gobreaker's test.
struct Story {
    breaker: CircuitBreaker,
    now: Instant,
}

impl Story {
    fn new(config: BreakerConfig) -> Self {
        Self {
            breaker: CircuitBreaker::new(config).expect("valid"),
            now: Instant::from_secs(1),
        }
    }

    /// Does `fail`, `success`, `call`, each perhaps ` xN`, or `advance` by seconds and nanoseconds.
    /// Answers whether all calls passed.
    fn step(&mut self, step: &str) -> bool {
        if let Some(time) = step.strip_prefix("advance ") {
            for part in time.split('+') {
                self.now += duration(part);
            }
            return true;
        }
        let (what, times) = step.split_once(" x").unwrap_or((step, "1"));
        (0..times.parse().expect("a number")).all(|_| self.call(what))
    }

    fn call(&self, what: &str) -> bool {
        let Ok(call) = self.breaker.try_acquire_at(self.now) else {
            return false;
        };
        match what {
            "fail" => self.breaker.failure_at(call, self.now),
            "success" => self.breaker.success_at(call, self.now),
            "call" => None,
            unknown => panic!("no step: {unknown}"),
        };
        true
    }

    fn state(&self) -> &'static str {
        match self.breaker.state_at(self.now) {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half_open",
            State::ForcedOpen | State::Disabled => "by hand",
        }
    }
}

/// `59.999s`, `1ns`.
fn duration(text: &str) -> Duration {
    if let Some(nanos) = text.strip_suffix("ns") {
        return Duration::from_nanos(nanos.parse().expect("nanoseconds"));
    }
    let secs = text.strip_suffix('s').expect("seconds");
    Duration::from_secs_f64(secs.parse().expect("seconds"))
}

fn backoff(file: &Field<'_>) {
    file.case("capped_exponential", |case| {
        let base = Duration::from_millis(case.read("initial_ms"));
        let cap = Duration::from_millis(case.read("cap_ms"));
        let backoff = Backoff::exponential(base, cap)
            .and_then(|backoff| backoff.with_factor(case.read("mult")))
            .expect("valid");
        // resilience4j counts attempts from 1.
        let attempt = |number: u32| backoff.delay(number - 1);
        let millis = |number| u64::try_from(attempt(number).as_millis()).expect("short");
        case.check_eq("attempt 12", millis(12), case.read("attempt12"));
        case.check_eq("attempt 13", millis(13), case.read("attempt13"));
        let last: u32 = case.read("strictly_increasing_until");
        case.check("increases", (1..last).all(|n| attempt(n) < attempt(n + 1)));
    });
    file.case("randomized", |case| {
        let base = Duration::from_millis(case.read("base_ms"));
        let percent = u8::try_from(percent(case.read("factor"))).expect("at most 100");
        let backoff = Backoff::exponential(base, 10 * base)
            .and_then(|backoff| backoff.with_jitter(Jitter::Spread { percent }))
            .expect("valid");
        let [low, high]: [u64; 2] = case.read("range");
        let range = Duration::from_millis(low)..=Duration::from_millis(high);
        let mut random = SplitMix64::new(1);
        let draws = (0..10_000).map(|_| {
            let mut retries = backoff.start_at(Instant::ORIGIN);
            let delay = retries.next_delay(Instant::ORIGIN, &mut random, None);
            delay.expect("endless")
        });
        let draws: Vec<_> = draws.collect();
        case.check(
            "all are in the range",
            draws.iter().all(|draw| range.contains(draw)),
        );
        let near = |end: &Duration| draws.iter().any(|draw| draw.abs_diff(*end) < base / 100);
        case.check(
            "its ends are reached",
            near(range.start()) && near(range.end()),
        );
    });
}

fn retry_budget(file: &Field<'_>) {
    file.ignore(&["config_fields"]);
    file.cases("cases", |case| {
        let (ttl, per_sec, share): (u64, u32, f64) = case.read("config");
        let ttl = Duration::from_millis(ttl);
        let budget = RetryBudget::new(ttl, percent(share), per_sec).expect("valid");
        let steps: Vec<(u64, String, bool)> = case.read("steps");
        for (number, (millis, step, passes)) in steps.into_iter().enumerate() {
            let now = Instant::from_millis(millis);
            case.check_eq("the step", step.as_str(), "withdraw");
            let passed = budget.try_withdraw_at(now).is_ok();
            case.check_eq(&format!("step {number}"), passed, passes);
        }
    });
}

fn retry_budget_percent(file: &Field<'_>) {
    file.cases("cases", |case| {
        // The documented default where the case does not say.
        let ttl: Option<u64> = case.read("ttl");
        let ttl = Duration::from_secs(ttl.unwrap_or(10));
        let share = percent(case.read("percent"));
        let budget = RetryBudget::new(ttl, share, case.read("min_per_sec")).expect("valid");
        for _ in 0..case.read("deposits") {
            budget.deposit_at(Instant::ORIGIN);
        }
        let passes = |_: &u32| budget.try_withdraw_at(Instant::ORIGIN).is_ok();
        let passed = (0..1_000).take_while(passes).count();
        case.check_eq("retries", passed, case.read("retries_allowed"));
    });
}

/// A share in whole percent.
fn percent(share: f64) -> u32 {
    let percent = (0..=1_000).find(|&percent| (f64::from(percent) - share * 100.0).abs() < 1e-9);
    percent.expect("a whole percentage")
}

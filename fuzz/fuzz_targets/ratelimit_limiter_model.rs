//! Any calls at any instants, of every limiter of the registry, against the exact model of its rule:
//! decisions, waits, what remains, reservations, and the bound over every span of time.
#![no_main]

use arbitrary::Arbitrary;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use purlin_ratelimit::conformance::{History, Step, Subject};
use purlin_ratelimit::registry::{Options, VARIANTS};
use purlin_ratelimit::{Instant, Quota};

#[derive(Arbitrary, Debug)]
struct Case {
    variant: u8,
    option: bool,
    count: Number,
    period: Number,
    burst: Number,
    start: Number,
    calls: Vec<(Move, Call)>,
}

/// Small ones, powers of two and their neighbours, anything.
#[derive(Arbitrary, Debug)]
enum Number {
    Small(u8),
    Power { exponent: u8, less: u8 },
    Any(u64),
}

/// How the clock moves.
#[derive(Arbitrary, Debug)]
enum Move {
    Stay,
    On(Number),
    /// By tokens.
    Tokens(u8),
    /// To where the last refusal pointed, or near it.
    Retry(i8),
    Back(Number),
    To(Number),
}

#[derive(Arbitrary, Debug)]
enum Call {
    TryAcquire(Cost),
    Check(Cost),
    Peek(Cost),
    Reserve(Cost, Number),
    ReserveWhenever(Cost),
    Cancel(u8),
    Refund(Cost),
}

#[derive(Arbitrary, Debug)]
enum Cost {
    One,
    All,
    OfAll(Number),
    Any(Number),
}

/// More calls than these teach nothing: the bound is tried over all pairs.
const MOST_CALLS: usize = 64;

impl Number {
    fn value(&self) -> u64 {
        match *self {
            Self::Small(value) => value.into(),
            Self::Power { exponent, less } => (1 << (exponent % 64)) - u64::from(less % 2),
            Self::Any(value) => value,
        }
    }
}

impl Cost {
    fn tokens(&self, limit: u64) -> u64 {
        match self {
            Self::One => 1,
            Self::All => limit,
            Self::OfAll(number) => number.value() % limit,
            Self::Any(number) => number.value(),
        }
    }
}

impl Move {
    fn from(&self, now: u64, token: u64, retry_at: Option<u64>) -> u64 {
        match self {
            Self::Stay => now,
            Self::On(number) => now.saturating_add(number.value()),
            Self::Tokens(tokens) => now.saturating_add(token.saturating_mul((*tokens).into())),
            Self::Retry(by) => retry_at
                .unwrap_or(now)
                .saturating_add_signed((*by).signum().into()),
            Self::Back(number) => now.saturating_sub(number.value()),
            Self::To(number) => number.value(),
        }
    }
}

impl Call {
    fn step(&self, limit: u64) -> Step {
        match self {
            Self::TryAcquire(cost) => Step::TryAcquire {
                cost: cost.tokens(limit),
            },
            Self::Check(cost) => Step::Check {
                cost: cost.tokens(limit),
            },
            Self::Peek(cost) => Step::Peek {
                cost: cost.tokens(limit),
            },
            Self::Reserve(cost, wait) => Step::Reserve {
                cost: cost.tokens(limit),
                max_wait: Duration::from_nanos(wait.value()),
            },
            Self::ReserveWhenever(cost) => Step::Reserve {
                cost: cost.tokens(limit),
                max_wait: Duration::MAX,
            },
            Self::Cancel(back) => Step::Cancel {
                back: usize::from(*back % 8),
            },
            Self::Refund(cost) => Step::Refund {
                cost: cost.tokens(limit),
            },
        }
    }
}

fuzz_target!(|case: Case| {
    let variant = &VARIANTS[usize::from(case.variant) % VARIANTS.len()];
    let [count, period, burst] = [&case.count, &case.period, &case.burst].map(Number::value);
    let burst = if variant.capabilities.bursts {
        burst
    } else {
        count
    };
    let quota = Quota::new(count, Duration::from_nanos(period));
    let Ok(quota) = quota.and_then(|quota| quota.with_burst(burst)) else {
        return;
    };
    let mut options = Options::new(quota);
    if case.option && variant.options.contains(&"at_intervals") {
        options.at_intervals = Some(true);
    }
    if case.option && variant.options.contains(&"slack") {
        options.slack = Some(burst / 2);
    }
    let capabilities = variant.algorithm.capabilities(&options);
    // A word that has to hold a burst which takes longer to come than the horizon is away counts in
    // more than nanoseconds.
    let full_after = u128::from(burst) * u128::from(period) / u128::from(count);
    if !capabilities.exact && full_after > 1 << 57 {
        return;
    }
    // The model's own 128 bits do not hold a clock that goes back under such a burst.
    if full_after > 1 << 60 || burst > 1 << 60 {
        return;
    }
    let subject = Subject::new(capabilities, |_| Ok(variant.algorithm.build(&options)?));
    let Ok(mut history) = History::new(&subject, quota, 0) else {
        return;
    };
    let token = (period / count).max(1);
    let mut now = case.start.value();
    for (movement, call) in case.calls.iter().take(MOST_CALLS) {
        now = movement.from(now, token, history.retry_at().map(Instant::as_nanos));
        history.step(Instant::from_nanos(now), &call.step(quota.burst()));
    }
    history.check_bound();
});

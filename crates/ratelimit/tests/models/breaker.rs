//! A circuit breaker that is slow and obvious, and a history of calls, played to both.
//!
//! The histories are bytes, so that the property test and the fuzz target read the same.

use core::time::Duration;
use purlin_ratelimit::Instant;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::breaker::{
    BreakerConfig, Call, CircuitBreaker, Open, State, Transition, Window,
};

/// 131 us, to which the end of an opening is rounded down.
const OPEN_STEP: u64 = 1 << 17;
/// 4.3 s, to which the end of the probes' leases is rounded up.
const LEASE_STEP: u64 = 1 << 32;
const MILLI: u64 = 1_000_000;

/// More of them teach nothing, and generations must not come round.
const MOST_OPS: usize = 1_000;

#[derive(Clone, Debug)]
struct Settings {
    consecutive: Option<u32>,
    failure_rate: Option<usize>,
    slow_rate: Option<usize>,
    slow: u64,
    window: Window,
    minimum: usize,
    open: u64,
    /// Doubles up to so many times `open`.
    most_growth: u64,
    probes: u32,
    successes: u32,
    failures: u32,
    lease: u64,
}

impl Settings {
    fn read(bytes: [u8; 8]) -> Self {
        let [
            rules,
            consecutive,
            failing,
            slow,
            window,
            minimum,
            probes,
            open,
        ] = bytes.map(u32::from);
        let given = |bit: u32| rules & bit > 0;
        let window = if given(8) {
            Window::Calls(1 + window % 80)
        } else {
            Window::Time(Duration::from_millis(u64::from(window) * 10 + 1))
        };
        let most = match window {
            Window::Calls(calls) => calls.min(20),
            Window::Time(_) => 20,
        };
        Self {
            consecutive: (given(1) || rules & 7 == 0).then_some(1 + consecutive % 8),
            failure_rate: given(2).then_some(1 + failing as usize % 100),
            slow_rate: given(4).then_some(1 + slow as usize % 100),
            slow: 50 * MILLI,
            window,
            minimum: 1 + (minimum % most) as usize,
            open: u64::from(1 + open % 8) * 100 * MILLI,
            most_growth: if given(16) { 10 } else { 1 },
            probes: 1 + probes % 4,
            successes: 1 + (probes >> 2) % 4,
            failures: 1 + (probes >> 4) % 4,
            lease: u64::from(1 + (open >> 4)) * 1_000 * MILLI,
        }
    }

    fn config(&self) -> BreakerConfig {
        let mut config = BreakerConfig::new()
            .window(self.window)
            .minimum_calls(self.minimum as u32)
            .probes(self.probes)
            .probe_successes(self.successes)
            .probe_failures(self.failures)
            .probe_timeout(Duration::from_nanos(self.lease));
        if let Some(failures) = self.consecutive {
            config = config.consecutive_failures(failures);
        }
        if let Some(percent) = self.failure_rate {
            config = config.failure_rate(percent as u32);
        }
        if let Some(percent) = self.slow_rate {
            config = config.slow_call_rate(percent as u32, Duration::from_nanos(self.slow));
        }
        let open = Duration::from_nanos(self.open);
        if self.most_growth == 1 {
            return config.open_for(open);
        }
        let cap = Duration::from_nanos(self.open * self.most_growth);
        config.open_growing(Backoff::exponential(open, cap).expect("not zero"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Closed {
        consecutive: u32,
    },
    Open {
        until: u64,
    },
    HalfOpen {
        out: u32,
        good: u32,
        bad: u32,
        leases: u64,
    },
    ForcedOpen,
    Disabled,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    /// Number of the tenth of the window in which it ended.
    stretch: u64,
    failed: bool,
    slow: bool,
}

/// A call that was let through, as each of the two knows it.
struct Out {
    call: Call,
    known: Known,
}

/// What the model knows of it.
#[derive(Clone, Copy)]
struct Known {
    started: u64,
    period: u64,
}

struct Model {
    settings: Settings,
    phase: Phase,
    /// One more with every change of state, for ever.
    period: u64,
    openings: u32,
    ended: Vec<Ended>,
}

impl Model {
    fn enter(&mut self, phase: Phase) -> Option<Transition> {
        let from = self.phase.state();
        self.phase = phase;
        self.period += 1;
        let to = phase.state();
        (from != to).then_some(Transition { from, to })
    }

    fn acquire(&mut self, now: u64) -> Result<Option<Transition>, (State, Duration)> {
        let lease = (now + self.settings.lease).div_ceil(LEASE_STEP) * LEASE_STEP;
        let first = Phase::HalfOpen {
            out: 1,
            good: 0,
            bad: 0,
            leases: lease,
        };
        let state = self.phase.state();
        let refused = |end: u64| Err((state, Duration::from_nanos(end - now)));
        match &mut self.phase {
            Phase::Closed { .. } | Phase::Disabled => Ok(None),
            Phase::ForcedOpen => Err((State::ForcedOpen, Duration::MAX)),
            Phase::Open { until } if now < *until => refused(*until),
            Phase::Open { .. } => Ok(self.enter(first)),
            Phase::HalfOpen { out, leases, .. } if *out < self.settings.probes => {
                *out += 1;
                *leases = lease.max(*leases);
                Ok(None)
            }
            Phase::HalfOpen { leases, .. } if now < *leases => refused(*leases),
            Phase::HalfOpen { .. } => Ok(self.enter(first)),
        }
    }

    /// The calls in the window, oldest first.
    fn counted(&self, now: u64) -> Vec<Ended> {
        if self.settings.failure_rate.is_none() && self.settings.slow_rate.is_none() {
            return Vec::new();
        }
        match self.settings.window {
            Window::Calls(calls) => {
                let first = self.ended.len().saturating_sub(calls as usize);
                self.ended[first..].to_vec()
            }
            Window::Time(_) => {
                let latest = now / self.stretch();
                let within =
                    |ended: &&Ended| ended.stretch <= latest && ended.stretch + 10 > latest;
                self.ended.iter().filter(within).copied().collect()
            }
        }
    }

    fn stretch(&self) -> u64 {
        match self.settings.window {
            Window::Calls(_) => 1,
            Window::Time(length) => (length.as_nanos() as u64).div_ceil(10),
        }
    }

    fn record(&mut self, now: u64, failed: bool, slow: bool) {
        let stretch = now / self.stretch();
        if let Window::Time(_) = self.settings.window {
            // A stretch takes the bucket of the one ten before it, or after, if the clock went back.
            self.ended
                .retain(|ended| ended.stretch == stretch || ended.stretch % 10 != stretch % 10);
        }
        self.ended.push(Ended {
            stretch,
            failed,
            slow,
        });
    }

    fn report(&mut self, out: Known, now: u64, failed: bool) -> Option<Transition> {
        if out.period != self.period {
            return None;
        }
        let took = now.saturating_sub(out.started);
        let slow = self.settings.slow_rate.is_some() && took >= self.settings.slow;
        if let Phase::Closed { .. } | Phase::Disabled = self.phase {
            self.record(now, failed, slow);
        }
        match &mut self.phase {
            Phase::Closed { consecutive } => {
                *consecutive = if failed { *consecutive + 1 } else { 0 };
                let in_a_row = *consecutive;
                // As resilience4j has it, after every call; a window of time only by a call that
                // raises the rate.
                let always = matches!(self.settings.window, Window::Calls(_));
                let rules = [
                    failed
                        && self
                            .settings
                            .consecutive
                            .is_some_and(|most| in_a_row >= most),
                    (failed || always)
                        && self.exceeds(self.settings.failure_rate, now, |ended| ended.failed),
                    (slow || always)
                        && self.exceeds(self.settings.slow_rate, now, |ended| ended.slow),
                ];
                rules.contains(&true).then(|| self.open(now, 0)).flatten()
            }
            Phase::HalfOpen { out, good, bad, .. } => {
                *out -= 1;
                *(if failed || slow {
                    &mut *bad
                } else {
                    &mut *good
                }) += 1;
                if *bad == self.settings.failures {
                    self.open(now, self.openings + 1)
                } else if *good == self.settings.successes {
                    self.close()
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    fn exceeds(&self, percent: Option<usize>, now: u64, which: fn(&Ended) -> bool) -> bool {
        let counted = self.counted(now);
        let hits = counted.iter().filter(|ended| which(ended)).count();
        let most = percent.is_some_and(|percent| hits * 100 >= percent * counted.len());
        counted.len() >= self.settings.minimum && most
    }

    fn open(&mut self, now: u64, openings: u32) -> Option<Transition> {
        self.openings = openings.min(15);
        let growth = 2_u64.pow(self.openings).min(self.settings.most_growth);
        let until = (now + self.settings.open * growth) / OPEN_STEP * OPEN_STEP;
        self.enter(Phase::Open { until })
    }

    fn close(&mut self) -> Option<Transition> {
        self.ended.clear();
        self.enter(Phase::Closed { consecutive: 0 })
    }

    fn ignore(&mut self, call: Known) {
        if let Phase::HalfOpen { out, .. } = &mut self.phase
            && call.period == self.period
        {
            *out -= 1;
        }
    }
}

impl Phase {
    fn state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::ForcedOpen => State::ForcedOpen,
            Self::Disabled => State::Disabled,
        }
    }
}

struct Game {
    breaker: CircuitBreaker,
    model: Model,
    out: Vec<Out>,
    now: u64,
}

impl Game {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.now)
    }

    /// Asks both; answers how long to wait where they refuse.
    fn acquire(&mut self) -> Option<Duration> {
        let ours = self.breaker.try_acquire_at(self.now());
        match (ours, self.model.acquire(self.now)) {
            (Ok(call), Ok(transition)) => {
                assert_eq!(call.transition(), transition);
                assert_eq!(call.started(), self.now());
                let (started, period) = (self.now, self.model.period);
                let known = Known { started, period };
                self.out.push(Out { call, known });
                None
            }
            (
                Err(Open {
                    state, retry_after, ..
                }),
                Err(refused),
            ) => {
                assert_eq!((state, retry_after), refused);
                Some(retry_after)
            }
            (ours, model) => panic!("{ours:?}, the model {model:?}"),
        }
    }

    fn report(&mut self, which: u8, failed: bool) {
        if let Some(index) = usize::from(which).checked_rem(self.out.len()) {
            let out = self.out.remove(index);
            let ours = match failed {
                true => self.breaker.failure_at(out.call, self.now()),
                false => self.breaker.success_at(out.call, self.now()),
            };
            assert_eq!(ours, self.model.report(out.known, self.now, failed));
        }
    }

    fn ignore(&mut self, which: u8) {
        if let Some(index) = usize::from(which).checked_rem(self.out.len()) {
            let out = self.out.remove(index);
            self.breaker.ignore(out.call);
            self.model.ignore(out.known);
        }
    }

    /// What a refusal says is the least time to wait.
    fn wait_as_told(&mut self) {
        match self.acquire() {
            Some(wait) if wait < Duration::MAX => {
                self.now += wait.as_nanos() as u64 - 1;
                assert_eq!(self.acquire(), Some(Duration::from_nanos(1)));
                self.now += 1;
                assert_eq!(self.acquire(), None);
            }
            _ => {}
        }
    }

    fn set_by_hand(&mut self, how: u8) {
        let (ours, model) = match how {
            0 => (
                self.breaker.force_open(),
                self.model.enter(Phase::ForcedOpen),
            ),
            1 => (self.breaker.disable(), self.model.enter(Phase::Disabled)),
            _ => (self.breaker.reset(), self.model.close()),
        };
        assert_eq!(ours, model);
    }

    fn play(&mut self, op: u8, argument: u8) {
        let step = u64::from(argument) * 10 * MILLI;
        match op % 16 {
            0..=4 => drop(self.acquire()),
            5..=7 => self.report(argument, false),
            8..=10 => self.report(argument, true),
            11 => self.ignore(argument),
            12 => self.now += step,
            13 => self.now += 10 * step,
            14 => self.now = self.now.saturating_sub(5 * step),
            _ if argument % 16 < 3 => self.set_by_hand(argument % 16),
            _ => self.wait_as_told(),
        }
    }

    fn check(&self) {
        self.breaker.check_invariants(self.now());
        let stats = self.breaker.stats_at(self.now());
        let counted = self.model.counted(self.now);
        assert_eq!(stats.calls as usize, counted.len());
        assert_eq!(
            stats.failures as usize,
            counted.iter().filter(|ended| ended.failed).count()
        );
        assert_eq!(
            stats.slow_calls as usize,
            counted.iter().filter(|ended| ended.slow).count()
        );
        let (mut consecutive, mut out) = (0, 0);
        let state = match self.model.phase {
            Phase::Open { until } if self.now >= until => State::HalfOpen,
            phase => {
                match phase {
                    Phase::Closed {
                        consecutive: in_a_row,
                    } => consecutive = in_a_row,
                    Phase::HalfOpen { out: probes, .. } => out = probes,
                    _ => {}
                }
                phase.state()
            }
        };
        assert_eq!(
            (stats.state, self.breaker.state_at(self.now())),
            (state, state)
        );
        assert_eq!(
            (stats.consecutive_failures, stats.probes_out),
            (consecutive, out)
        );
    }
}

/// Plays a history: eight bytes of settings, then two bytes a step. Panics where the breaker and the
/// model differ.
pub(crate) fn play(history: &[u8]) {
    let Some((settings, ops)) = history.split_first_chunk::<8>() else {
        return;
    };
    let settings = Settings::read(*settings);
    let mut game = Game {
        breaker: CircuitBreaker::new(settings.config()).expect("all in range"),
        model: Model {
            settings,
            phase: Phase::Closed { consecutive: 0 },
            period: 0,
            openings: 0,
            ended: Vec::new(),
        },
        out: Vec::new(),
        now: 0,
    };
    for op in ops.chunks_exact(2).take(MOST_OPS) {
        game.play(op[0], op[1]);
        game.check();
    }
}

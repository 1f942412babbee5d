//! Any calls for a few keys under two plans, against a limiter of one word for each key: where there
//! is room they agree in everything, and where there is not nobody gets more than the table promises.
#![no_main]

use arbitrary::Arbitrary;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use purlin_ratelimit::{
    Algorithm, Carry, Gcra, Instant, KeyHash, Keyed, Limiter, Local, Quota, Reconfigure, WhenFull,
};

#[derive(Arbitrary, Debug)]
struct Case {
    /// Whether there is room for all keys.
    room: bool,
    when_full: u8,
    rates: [(u8, u16, u8); 2],
    calls: Vec<(u8, u16, Call)>,
}

#[derive(Arbitrary, Debug)]
enum Call {
    TryAcquire { second_plan: bool, cost: u8 },
    Check { cost: u8 },
    Peek { cost: u8 },
    Reserve { cost: u8, wait: u16 },
    ReserveAndCancel { cost: u8 },
    Refund { cost: u8 },
    Remove,
}

const KEYS: u8 = 64;

fn rule(&(count, period, burst): &(u8, u16, u8)) -> Option<Gcra> {
    let quota = Quota::new(count.into(), Duration::from_nanos(period.into())).ok()?;
    Gcra::new(quota.with_burst(burst.into()).ok()?).ok()
}

/// Under which plan each key is, and its state.
struct Model<'a> {
    plans: &'a [Gcra; 2],
    keys: Vec<Option<(usize, u64)>>,
}

impl Model<'_> {
    /// Asks the limiter of a key under a plan, which takes over what the key has left. The key changes
    /// its plan only when something is recorded.
    fn ask<R>(
        &mut self,
        key: u8,
        plan: usize,
        now: Instant,
        ask: impl FnOnce(&Local<Gcra>) -> R,
    ) -> R {
        let entry = &mut self.keys[usize::from(key)];
        let start = match entry {
            Some((from, state)) if *from == plan => *state,
            Some((from, state)) if !self.plans[*from].is_idle(state, now) => {
                let (old, new) = (&self.plans[*from], &self.plans[plan]);
                new.migrate(old, state, now, Carry::AsIs)
            }
            _ => 0,
        };
        let limiter = Local::with_state(self.plans[plan].clone(), start);
        let answer = ask(&limiter);
        if limiter.state() != start {
            *entry = Some((plan, limiter.state()));
        }
        answer
    }
}

fuzz_target!(|case: Case| {
    let (Some(first), Some(second)) = (rule(&case.rates[0]), rule(&case.rates[1])) else {
        return;
    };
    let plans = [first, second];
    let when_full = [
        WhenFull::Deny,
        WhenFull::EvictNearestIdle,
        WhenFull::SharedBucket,
    ];
    // A table for one key has some slots, far fewer than there are keys.
    let capacity = if case.room { 4096 } else { 1 };
    let table = Keyed::builder(plans[0].clone(), capacity)
        .plan(plans[1].clone())
        .when_full(when_full[usize::from(case.when_full) % 3]);
    let Ok(table) = table.build() else { return };
    let keys = (0..KEYS).map(|_| None).collect();
    let mut model = Model {
        plans: &plans,
        keys,
    };
    let mut now = Instant::from_nanos(0);
    for (key, after, call) in &case.calls {
        now = now.saturating_add(Duration::from_nanos((*after).into()));
        let key = key % KEYS;
        let hash = KeyHash(u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let entry = table.of(&hash);
        // Without room the model says nothing; nothing may panic, and the table stays sound.
        macro_rules! same {
            ($ours:expr, $limiter:ident => $theirs:expr) => {{
                let ours = $ours;
                if case.room {
                    let theirs = model.ask(key, 0, now, |$limiter| $theirs);
                    assert_eq!(ours, theirs, "{call:?} of {key} at {now:?}");
                }
            }};
        }
        match *call {
            Call::TryAcquire {
                second_plan: false,
                cost,
            } => {
                let cost = cost.into();
                same!(table.try_acquire_at(&hash, now, cost), it => it.try_acquire_at(now, cost));
            }
            Call::TryAcquire { cost, .. } => {
                let gold = table.of_plan(&hash, 1).expect("there are two");
                let ours = gold.try_acquire_at(now, cost.into());
                if case.room {
                    let theirs = model.ask(key, 1, now, |it| it.try_acquire_at(now, cost.into()));
                    assert_eq!(ours, theirs, "{call:?} of {key} at {now:?}");
                }
            }
            Call::Check { cost } => {
                same!(table.check_at(&hash, now, cost.into()), it => it.check_at(now, cost.into()));
            }
            Call::Peek { cost } => {
                same!(entry.peek_at(now, cost.into()), it => it.peek_at(now, cost.into()));
            }
            Call::Reserve { cost, wait } => {
                let wait = Duration::from_nanos(wait.into());
                same!(
                    entry.reserve_at(now, cost.into(), wait).map(|it| it.ready_at()),
                    it => it.reserve_at(now, cost.into(), wait).map(|it| it.ready_at())
                );
            }
            Call::ReserveAndCancel { cost } => {
                let reserve = |limiter: &dyn Limiter| {
                    let reserved = limiter.reserve_at(now, cost.into(), Duration::MAX);
                    reserved.ok()
                };
                let ours = reserve(&entry).map(|it| entry.cancel_at(now, it));
                if case.room {
                    // Two steps, since the first one may change the plan.
                    let theirs = model.ask(key, 0, now, |it| reserve(it));
                    let theirs =
                        theirs.map(|one| model.ask(key, 0, now, |it| it.cancel_at(now, one)));
                    assert_eq!(ours, theirs, "{call:?} of {key} at {now:?}");
                }
            }
            Call::Refund { cost } => {
                same!(entry.refund_at(now, cost.into()), it => it.refund_at(now, cost.into()));
            }
            Call::Remove => {
                table.remove(&hash);
                model.keys[usize::from(key)] = None;
            }
        }
    }
    table.check_invariants();
});

//! The retry budget against a ledger of every deposit.

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::retry_budget::{BudgetExhausted, RetryBudget};
use purlin_ratelimit::{ConfigError, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Every deposit with the half time to live in which it was made, in percent of a retry; every
/// retry in the reserve with the time at which it is there again.
struct Ledger {
    half: u64,
    percent: u64,
    deposits: Vec<(u64, u64)>,
    /// The latest half that was seen by a change.
    latest: u64,
    interval: u64,
    held: u64,
    next: u64,
}

impl Ledger {
    fn turn(&mut self, now: u64) {
        self.latest = self.latest.max(now / self.half);
        let latest = self.latest;
        self.deposits
            .retain(|(half, left)| half + 1 >= latest && *left > 0);
    }

    fn deposit(&mut self, now: u64) {
        self.turn(now);
        self.deposits.push((self.latest, self.percent));
    }

    fn withdraw(&mut self, now: u64) -> bool {
        let mut valid = self.deposits.clone();
        let latest = self.latest.max(now / self.half);
        valid.retain(|(half, _)| half + 1 >= latest);
        if valid.iter().map(|(_, left)| left).sum::<u64>() >= 100 {
            self.turn(now);
            let mut owed = 100;
            for (_, left) in &mut self.deposits {
                let paid = owed.min(*left);
                *left -= paid;
                owed -= paid;
            }
            return true;
        }
        let next = self.next.max(now) + self.interval;
        let there = self.held > 0 && next <= now + self.held * self.interval;
        if there {
            self.next = next;
        }
        there
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_history_goes_as_in_the_ledger(
        ttl in 1..5_000_u64,
        percent in 0..=1_000_u32,
        per_sec in 0..20_u32,
        ops in prop::collection::vec((0..8_u8, 0..1_000_u64), 1..300),
    ) {
        prop_assume!(percent > 0 || per_sec > 0);
        let ttl_nanos = ttl * 1_000_000;
        let budget = RetryBudget::new(Duration::from_millis(ttl), percent, per_sec).expect("valid");
        let mut ledger = Ledger {
            half: ttl_nanos.div_ceil(2),
            percent: percent.into(),
            deposits: Vec::new(),
            latest: 0,
            interval: 1_000_000_000_u64.div_ceil(per_sec.max(1).into()),
            held: if per_sec > 0 { (ttl * u64::from(per_sec) / 1_000).max(1) } else { 0 },
            next: 0,
        };
        let mut now = 0_u64;
        for (op, step) in ops {
            match op {
                0..=2 => {
                    budget.deposit_at(Instant::from_nanos(now));
                    ledger.deposit(now);
                }
                3..=5 => {
                    let passed = budget.try_withdraw_at(Instant::from_nanos(now)).is_ok();
                    prop_assert_eq!(passed, ledger.withdraw(now));
                }
                6 => now += step * 1_000_000,
                _ => now = now.saturating_sub(step * 1_000_000),
            }
        }
    }

    /// In all, retries are at most the percentage of the requests and the reserve with its refill,
    /// whatever the clock does.
    #[test]
    fn no_clock_mints_retries(
        percent in 0..=1_000_u32,
        per_sec in 0..100_u32,
        times in prop::collection::vec(prop_oneof![0..20_000_000_000_u64, any::<u64>()], 1..200),
    ) {
        prop_assume!(percent > 0 || per_sec > 0);
        let budget = RetryBudget::new(SECOND, percent, per_sec).expect("valid");
        let (mut requests, mut retries) = (0_u128, 0_u128);
        for (turn, &time) in times.iter().enumerate() {
            let now = Instant::from_nanos(time);
            if turn % 2 == 0 {
                budget.deposit_at(now);
                requests += 1;
            }
            let stats = budget.stats_at(now);
            let held = u128::from(stats.from_deposits) + u128::from(stats.from_reserve);
            let mut passed = 0;
            // To the bottom: what was seen is what is there.
            while budget.try_withdraw_at(now).is_ok() {
                passed += 1;
            }
            prop_assert_eq!(passed, held);
            retries += passed;
        }
        let latest = u128::from(*times.iter().max().expect("some"));
        let reserve = u128::from(per_sec) * (1 + latest.div_ceil(1_000_000_000)) + u128::from(per_sec > 0);
        prop_assert!(retries <= requests * u128::from(percent) / 100 + reserve);
    }
}

#[test]
fn deposits_expire_and_the_reserve_refills() {
    let budget = RetryBudget::new(10 * SECOND, 100, 0).expect("valid");
    let at = |secs| Instant::from_secs(secs);
    budget.deposit_at(at(4));
    assert_eq!(
        budget.stats_at(at(9)).from_deposits,
        1,
        "younger than half of its time"
    );
    assert_eq!(budget.stats_at(at(10)).from_deposits, 0);
    assert_eq!(budget.try_withdraw_at(at(14)), Err(BudgetExhausted));

    let budget = RetryBudget::new(10 * SECOND, 0, 2).expect("valid");
    let drain = |now| {
        (0..100)
            .filter(|_| budget.try_withdraw_at(now).is_ok())
            .count()
    };
    assert_eq!(drain(at(0)), 20);
    assert_eq!(drain(at(3)), 6);
    assert_eq!(drain(at(2)), 0, "a clock that stepped back");
    assert_eq!(drain(at(1_000)), 20);
}

#[test]
fn deposits_are_bounded() {
    let budget = RetryBudget::new(SECOND, 1_000, 0).expect("valid");
    for _ in 0..200_000 {
        budget.deposit_at(Instant::ORIGIN);
    }
    assert_eq!(
        budget.stats_at(Instant::ORIGIN).from_deposits,
        (1 << 20) - 1
    );
}

#[test]
fn no_retry_passes_twice_between_threads() {
    let budget = RetryBudget::new(10 * SECOND, 20, 10).expect("valid");
    let now = Instant::from_secs(1);
    let retries: usize = std::thread::scope(|scope| {
        let client = || {
            let mut retries = 0;
            for _ in 0..1_000 {
                budget.deposit_at(now);
                retries += usize::from(budget.try_withdraw_at(now).is_ok());
            }
            retries
        };
        let clients = [(); 4].map(|()| scope.spawn(client));
        clients
            .into_iter()
            .map(|client| client.join().expect("no panic"))
            .sum()
    });
    let left = budget.stats_at(now);
    let left = usize::try_from(left.from_deposits + left.from_reserve).expect("few");
    assert_eq!(retries + left, 4_000 / 5 + 100);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refused = |ttl, percent, per_sec| RetryBudget::new(ttl, percent, per_sec).unwrap_err();
    assert_eq!(
        refused(Duration::ZERO, 20, 10),
        ConfigError::Zero { field: "ttl" }
    );
    assert_eq!(
        refused(SECOND, 0, 0),
        ConfigError::Zero { field: "percent" }
    );
    let too_large = |field, value, max| ConfigError::TooLarge { field, value, max };
    assert_eq!(
        refused(SECOND, 1_001, 0),
        too_large("percent", 1_001, 1_000)
    );
    let (value, max) = (1_000_000_001, 1_000_000_000);
    assert_eq!(
        refused(SECOND, 0, 1_000_000_001),
        too_large("min_per_sec", value, max)
    );
    let (value, max) = (Duration::MAX.as_nanos(), u64::MAX.into());
    assert_eq!(refused(Duration::MAX, 20, 0), too_large("ttl", value, max));
}

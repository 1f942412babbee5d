//! `ManualClock` and its sleepers against a clock that is a number and sleepers that are rows of a
//! table.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use purlin_core::time::{Clock, Instant, ManualClock, ManualSleep, Timer, UnixTime, WallClock};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// What is done to the clock. Sleepers are named by their place in the table, modulo its length.
#[derive(Arbitrary, Debug)]
enum Op {
    /// Small steps, so that deadlines and readings meet.
    Advance(u8),
    AdvanceFar(Duration),
    Set(u16),
    SetFar(u64),
    SetUnix(u64),
    Sleep {
        deadline: u16,
    },
    SleepFar {
        deadline: u64,
    },
    Poll {
        sleeper: u8,
    },
    Drop {
        sleeper: u8,
    },
}

/// More sleepers than this teach nothing.
const MOST_SLEEPERS: usize = 64;

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A sleep and what the model knows of it.
struct Sleeper {
    sleep: Pin<Box<ManualSleep>>,
    deadline: u64,
    count: Arc<Count>,
    /// Polled while not due, and not woken since.
    waits: bool,
    wakes: u32,
}

#[derive(Default)]
struct Model {
    now: u64,
    /// Civil time minus `now`, modulo 2^64.
    unix_offset: i128,
    sleepers: Vec<Sleeper>,
}

impl Model {
    fn set(&mut self, now: u64) {
        self.now = now;
        for sleeper in &mut self.sleepers {
            if sleeper.waits && sleeper.deadline <= now {
                sleeper.waits = false;
                sleeper.wakes += 1;
            }
        }
    }

    fn apply(&mut self, clock: &ManualClock, op: &Op) {
        match *op {
            Op::Advance(by) => self.advance(clock, Duration::from_nanos(by.into())),
            Op::AdvanceFar(by) => self.advance(clock, by),
            Op::Set(now) => self.set_both(clock, now.into()),
            Op::SetFar(now) => self.set_both(clock, now),
            Op::SetUnix(time) => {
                clock.set_unix_now(UnixTime::from_nanos(time));
                self.unix_offset = i128::from(time) - i128::from(self.now);
            }
            Op::Sleep { deadline } => self.sleep(clock, deadline.into()),
            Op::SleepFar { deadline } => self.sleep(clock, deadline),
            Op::Poll { sleeper } => self.poll(sleeper),
            Op::Drop { sleeper } => {
                if let Some(index) = usize::from(sleeper).checked_rem(self.sleepers.len()) {
                    let dropped = self.sleepers.swap_remove(index);
                    drop(dropped.sleep);
                    assert_eq!(
                        Arc::strong_count(&dropped.count),
                        1,
                        "its waker is still held"
                    );
                }
            }
        }
    }

    fn advance(&mut self, clock: &ManualClock, by: Duration) {
        clock.advance(by);
        let now = u128::from(self.now) + by.as_nanos();
        self.set(u64::try_from(now).unwrap_or(u64::MAX));
    }

    fn set_both(&mut self, clock: &ManualClock, now: u64) {
        clock.set(Instant::from_nanos(now));
        self.set(now);
    }

    fn sleep(&mut self, clock: &ManualClock, deadline: u64) {
        if self.sleepers.len() < MOST_SLEEPERS {
            self.sleepers.push(Sleeper {
                sleep: Box::pin(clock.sleep_until(Instant::from_nanos(deadline))),
                deadline,
                count: Arc::default(),
                waits: false,
                wakes: 0,
            });
        }
    }

    fn poll(&mut self, sleeper: u8) {
        let Some(index) = usize::from(sleeper).checked_rem(self.sleepers.len()) else {
            return;
        };
        let sleeper = &mut self.sleepers[index];
        let waker = Waker::from(Arc::clone(&sleeper.count));
        let ready = sleeper
            .sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        assert_eq!(ready, sleeper.deadline <= self.now);
        sleeper.waits = !ready;
    }

    fn check(&self, clock: &ManualClock) {
        assert_eq!(clock.now().as_nanos(), self.now);
        assert_eq!(
            i128::from(clock.unix_now().as_nanos()),
            (i128::from(self.now) + self.unix_offset).clamp(0, i128::from(u64::MAX))
        );
        let waiting = self.sleepers.iter().filter(|sleeper| sleeper.waits);
        let next = waiting.map(|sleeper| sleeper.deadline).min();
        assert_eq!(clock.next_deadline(), next.map(Instant::from_nanos));
        for sleeper in &self.sleepers {
            assert_eq!(
                sleeper.count.0.load(Ordering::SeqCst),
                sleeper.wakes,
                "woken too often or too rarely"
            );
            assert_eq!(
                Arc::strong_count(&sleeper.count),
                1 + usize::from(sleeper.waits),
                "wakers held"
            );
        }
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let clock = ManualClock::new();
    let mut model = Model::default();
    for op in &ops {
        model.apply(&clock, op);
        model.check(&clock);
    }
});

use super::step::Arrival;
use crate::StorageModel;
use crate::host::{Host, Moment};
use crate::node_clock::NodeClock;
use crate::storage::{Disk, Fates, SyncResult};
use alloc::collections::VecDeque;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::Xoshiro256PlusPlus;
use purlin_core::time::Instant;

/// One node: its machine while it is up, and all that is around it.
pub(super) struct Node<H: Host> {
    pub(super) machine: Option<H::Machine>,
    pub(super) disk: Disk<H::Store>,
    pub(super) clock: NodeClock,
    pub(super) random: Xoshiro256PlusPlus,
    /// How many times it was started. Completions of an earlier life are void.
    pub(super) life: u32,
    /// When the timer events in the queue fire, the earliest last. One is put into the queue only
    /// before all others, and each fires, needed or not: a deadline that keeps moving leaves
    /// nothing behind.
    pub(super) wakes: Vec<Instant>,
    /// Whether a timer is in the backlog.
    pub(super) timer_waits: bool,
    /// How often in a row `handle_timeout` has left its deadline in the past.
    pub(super) spins: u32,
    /// What arrived while the node could not handle it.
    pub(super) backlog: VecDeque<Arrival<H>>,
    /// Whether the node is at work on the first of what waits.
    pub(super) is_busy: bool,
    /// How many times it set to work while it was slow.
    pub(super) jobs: u64,
    /// When the last of its writes and syncs is reported: the next sync is reported after them.
    pub(super) disk_done: Instant,
    /// A crash is due after so many more effects, or with the end of the next step that has some.
    pub(super) crash_after: Option<u64>,
    pub(super) troubles: Troubles,
    /// Whether it is still to be started for the first time.
    pub(super) is_absent: bool,
}

/// The incidents that are at work on a node. They may overlap, hence counts and sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Troubles {
    pub(super) down: u32,
    /// How many of these are crashes in the middle of a step, which came.
    pub(super) down_in_step: u32,
    pub(super) paused: u32,
    pub(super) sync_errors: u32,
    pub(super) slow: Duration,
    pub(super) slow_disk: Duration,
}

impl<H: Host> Node<H> {
    pub(super) fn new(clock: NodeClock, random: Xoshiro256PlusPlus) -> Self {
        Self {
            machine: None,
            disk: Disk::new(),
            clock,
            random,
            life: 0,
            wakes: Vec::new(),
            timer_waits: false,
            spins: 0,
            backlog: VecDeque::new(),
            is_busy: false,
            jobs: 0,
            disk_done: Instant::ORIGIN,
            crash_after: None,
            troubles: Troubles::default(),
            is_absent: false,
        }
    }

    /// What time it believes it is.
    pub(super) fn moment(&self, node: NodeId, now: Instant) -> Moment {
        let local = self.clock.local(now);
        Moment {
            node,
            now: local,
            unix_now: self.clock.unix(local),
        }
    }

    /// Whether it handles what arrives at once.
    pub(super) fn is_free(&self) -> bool {
        self.troubles.paused == 0 && self.troubles.slow.is_zero() && self.backlog.is_empty()
    }

    /// Whether the machine's deadline has come.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let deadline = self.machine.as_ref().and_then(Machine::poll_timeout);
        deadline.is_some_and(|deadline| deadline <= self.clock.local(now))
    }

    /// Loses power.
    pub(super) fn crash(&mut self, storage: &StorageModel) -> Fates {
        self.machine = None;
        let fates = self.disk.crash(storage, &mut self.random);
        self.timer_waits = false;
        self.spins = 0;
        self.backlog.clear();
        self.is_busy = false;
        self.disk_done = Instant::ORIGIN;
        self.crash_after = None;
        fates
    }

    /// How a sync that ends now went.
    pub(super) fn sync_result(&mut self, storage: &StorageModel) -> SyncResult {
        if self.troubles.sync_errors > 0 || storage.sync_failure.happens(&mut self.random) {
            SyncResult::Failed
        } else if storage.sync_lie.happens(&mut self.random) {
            SyncResult::Lied
        } else {
            SyncResult::Done
        }
    }
}

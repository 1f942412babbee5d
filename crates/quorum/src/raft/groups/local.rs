//! The groups of a machine in motion: what is due when, and what comes of it.

use super::GroupsOutput;
use super::message::{Answer, Beat, GroupId, GroupsMessage};
use super::peers::Peers;
use super::slots::{Slot, SlotSet, Standing};
use super::timers::Timers;
use crate::raft::rounds::Heartbeat;
use crate::raft::{Body, Config, Output, Raft};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::time::Instant;

/// All of [`Groups`](super::Groups) but the names of the groups.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) config: Arc<Config>,
    run: u64,
    /// The latest time seen.
    pub(super) now: Instant,
    pub(super) slots: Vec<Option<Box<Slot>>>,
    /// Those that lead and are awake.
    pub(super) beating: SlotSet,
    pub(super) timers: Timers,
    pub(super) peers: Peers,
    pub(super) next_beat: Instant,
    /// The outputs of the group at hand.
    pub(super) lent: VecDeque<Output>,
    pub(super) outbox: VecDeque<GroupsOutput>,
}

impl Local {
    pub(super) fn new(config: Arc<Config>, run: u64, now: Instant) -> Self {
        Self {
            next_beat: now + config.heartbeat_interval,
            config,
            run,
            now,
            slots: Vec::new(),
            beating: SlotSet::default(),
            timers: Timers::default(),
            peers: Peers::default(),
            lent: VecDeque::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Notes the time. What the table of peers goes by never goes back.
    #[inline]
    pub(super) fn note(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)?.as_deref()
    }

    pub(super) fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.slots.get_mut(at as usize)?.as_deref_mut()
    }

    pub(super) fn put(&mut self, at: u32, id: GroupId, raft: Raft) {
        let members = raft.configuration().clone();
        self.peers.share(&members, self.config.id, self.now);
        let place = at as usize;
        if place >= self.slots.len() {
            self.slots.resize_with(place + 1, || None);
        }
        self.slots[place] = Some(Box::new(Slot {
            id,
            raft,
            standing: Standing::Timed,
            timer: None,
            members,
        }));
        self.settle(at);
    }

    pub(super) fn take(&mut self, at: u32) -> Option<Raft> {
        self.stand(at, Standing::Timed);
        let slot = self.slots.get_mut(at as usize)?.take()?;
        self.peers.unshare(&slot.members, self.config.id);
        Some(slot.raft)
    }

    /// Does something with one group, and sees to what comes of it.
    pub(super) fn touch<T>(&mut self, at: u32, act: impl FnOnce(&mut Raft) -> T) -> Option<T> {
        let slot = self.slots.get_mut(at as usize)?.as_mut()?;
        if let Standing::SilentUnder(leader) = slot.standing
            && let Some(heard) = self.peers.heard(leader)
        {
            slot.raft.vouch(heard);
        }
        slot.raft.swap_outbox(&mut self.lent);
        let done = act(&mut slot.raft);
        slot.raft.swap_outbox(&mut self.lent);
        let id = slot.id;
        self.carry(id);
        self.settle(at);
        Some(done)
    }

    /// Takes over what a group has put out; heartbeats and their answers wait for those of others.
    pub(super) fn carry(&mut self, id: GroupId) {
        while let Some(output) = self.lent.pop_front() {
            let Output::Send(message) = output else {
                self.outbox.push_back(GroupsOutput::Group(id, output));
                continue;
            };
            match message.body {
                Body::Heartbeat {
                    commit,
                    round,
                    quiesce,
                } => {
                    let heartbeat = Heartbeat {
                        commit,
                        round,
                        quiesce,
                    };
                    let beat = Beat::new(id, message.term, heartbeat);
                    self.peers.beat(message.to, self.now, beat);
                }
                Body::HeartbeatAck {
                    matched,
                    received,
                    round,
                    quiesced,
                } => {
                    let answer = Answer {
                        group: id,
                        term: message.term,
                        matched,
                        received,
                        round,
                        quiesced,
                    };
                    self.peers.answer(message.to, self.now, answer);
                }
                _ => {
                    let message = GroupsMessage::Group(id, message);
                    self.outbox.push_back(GroupsOutput::Send(message));
                }
            }
        }
    }

    /// Brings what is known of a group up to date.
    pub(super) fn settle(&mut self, at: u32) {
        let idle = !self.is_active();
        let (own, now) = (self.config.id, self.now);
        let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::as_mut) else {
            return;
        };
        let members = slot.raft.configuration();
        if !Arc::ptr_eq(&slot.members, members) {
            let before = mem::replace(&mut slot.members, members.clone());
            self.peers.share(&slot.members, own, now);
            self.peers.unshare(&before, own);
        }
        let standing = Standing::of(&slot.raft);
        if standing == Standing::Timed
            && let Some(deadline) = slot.raft.poll_timeout()
            && slot.timer.is_none_or(|timer| deadline < timer)
        {
            slot.timer = Some(deadline);
            self.timers.set(deadline, at);
        }
        if standing != slot.standing {
            self.stand(at, standing);
        }
        if idle && self.is_active() && self.next_beat <= now {
            self.next_beat = following(self.next_beat, self.config.heartbeat_interval, now);
        }
    }

    /// Lists a group where its new standing belongs.
    fn stand(&mut self, at: u32, standing: Standing) {
        let now = self.now;
        let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::as_mut) else {
            return;
        };
        let before = mem::replace(&mut slot.standing, standing);
        match before {
            Standing::Beating => self.beating.remove(at),
            Standing::SilentUnder(leader) => {
                if slot.raft.leader() == Some(leader) {
                    // A leader that is silent still would be missed.
                    let answer = slot.raft.awake(slot.id);
                    self.peers.answer(leader, now, answer);
                }
                self.peers.woke(leader, at);
            }
            Standing::Timed | Standing::SilentLeader => {}
        }
        match standing {
            Standing::Beating => self.beating.insert(at),
            Standing::SilentUnder(leader) => self.peers.fell_silent(leader, at, now),
            Standing::Timed | Standing::SilentLeader => {}
        }
        if before.leads() && !standing.leads() {
            self.peers.retract(slot.id, &slot.members);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.note(now);
        if self.beat_due().is_some_and(|due| due <= now) {
            self.beat(now);
        }
        self.fire(now, now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (beat, timer) = (self.beat_due(), self.timers.first());
        beat.into_iter().chain(timer).min()
    }

    fn beat_due(&self) -> Option<Instant> {
        self.is_active().then_some(self.next_beat)
    }

    /// Whether anything is to be done at beats.
    fn is_active(&self) -> bool {
        self.beating.len() > 0 || !self.peers.is_empty()
    }

    /// Looks at the timers up to `until`.
    pub(super) fn fire(&mut self, now: Instant, until: Instant) {
        let mut due = Vec::new();
        self.timers.take(until, &mut due);
        for (timer, at) in due {
            let Some(slot) = self.slot_mut(at) else {
                continue;
            };
            if slot.timer != Some(timer) {
                continue; // Left over.
            }
            slot.timer = None;
            if slot.raft.poll_timeout().is_some_and(|due| due <= now) {
                self.touch(at, |raft| {
                    raft.handle_timeout(now);
                });
            } else {
                self.settle(at);
            }
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<GroupsOutput> {
        if self.outbox.is_empty() && self.peers.has_unsent() {
            let keep_alive = self.config.quiesce;
            let Self {
                peers,
                config,
                run,
                outbox,
                ..
            } = self;
            peers.flush(config, *run, keep_alive, |heartbeats| {
                let message = GroupsMessage::Heartbeats(heartbeats);
                outbox.push_back(GroupsOutput::Send(message));
            });
        }
        self.outbox.pop_front()
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn check_invariants(&self) {
        let (mut beating, mut peers) = (0, alloc::collections::BTreeMap::new());
        for slot in self.slots.iter().flatten() {
            let id = slot.id;
            assert_eq!(slot.standing, Standing::of(&slot.raft), "standing of {id}");
            beating += usize::from(slot.standing == Standing::Beating);
            if slot.standing == Standing::Timed
                && let Some(deadline) = slot.raft.poll_timeout()
            {
                let timer = slot.timer.expect("a timer where there is a deadline");
                assert!(timer <= deadline, "timer of {id}");
            }
            for member in slot.raft.configuration().members() {
                if member != self.config.id {
                    *peers.entry(member).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(beating, self.beating.len(), "groups that lead awake");
        assert_eq!(peers, self.peers.shared(), "groups in common with peers");
    }
}

/// The first beat after `now`, whole intervals after `beat`.
pub(super) fn following(beat: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(beat);
    let past = late.as_nanos() % interval.as_nanos().max(1);
    let past = Duration::from_nanos(u64::try_from(past).unwrap_or(0));
    beat.max(now) - past + interval
}

//! The groups of a store in motion: what is due when, and what comes of it.

use super::message::{Answer, Beat, GroupId, Heartbeats, StoreMessage};
use super::peers::{Heard, Peers};
use super::slots::{Slot, SlotSet, Standing};
use super::timers::Timers;
use super::{Index, StoreOutput};
use crate::raft::read::Heartbeat;
use crate::raft::{Body, Config, Message, Output, Position, Raft};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_core::time::Instant;

/// All of a store but the names of its groups.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) config: Arc<Config>,
    run: u64,
    /// The latest time seen.
    now: Instant,
    slots: Vec<Option<Box<Slot>>>,
    /// Those that lead and are awake.
    pub(super) beating: SlotSet,
    pub(super) timers: Timers,
    pub(super) peers: Peers,
    next_beat: Instant,
    /// The outputs of the group at hand.
    lent: VecDeque<Output>,
    pub(super) outbox: VecDeque<StoreOutput>,
}

impl Store {
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

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
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
    fn carry(&mut self, id: GroupId) {
        while let Some(output) = self.lent.pop_front() {
            let Output::Send(message) = output else {
                self.outbox.push_back(StoreOutput::Group(id, output));
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
                    let message = StoreMessage::Group(id, message);
                    self.outbox.push_back(StoreOutput::Send(message));
                }
            }
        }
    }

    /// Brings what is known of a group up to date.
    fn settle(&mut self, at: u32) {
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
            Standing::SilentUnder(leader) => self.peers.woke(leader, at),
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

    fn beat(&mut self, now: Instant) {
        self.next_beat = following(self.next_beat, self.config.heartbeat_interval, now);
        for (peer, heard) in self.peers.pass_beat(patience(&self.config)) {
            for at in self.peers.silent(peer) {
                self.touch(at, |raft| raft.orphan(now, heard));
            }
        }
        let mut from = 0;
        while let Some(at) = self.beating.next(from) {
            self.beat_one(at, now);
            from = at.saturating_add(1);
        }
        // Timers that were put off since they were set are set again now, all at once, rather than
        // each at its own time.
        self.fire(now, self.next_beat);
    }

    /// As [`touch`](Self::touch), but heartbeats go to the table of peers at once.
    fn beat_one(&mut self, at: u32, now: Instant) {
        let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::as_mut) else {
            return;
        };
        let (group, peers, latest) = (slot.id, &mut self.peers, self.now);
        slot.raft.swap_outbox(&mut self.lent);
        let term = slot.raft.term();
        slot.raft.beat(now, |to, heartbeat| {
            peers.beat(to, latest, Beat::new(group, term, heartbeat));
        });
        slot.raft.swap_outbox(&mut self.lent);
        self.carry(group);
        self.settle(at);
    }

    /// Looks at the timers up to `until`.
    fn fire(&mut self, now: Instant, until: Instant) {
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

    pub(super) fn hear(&mut self, now: Instant, index: &Index, heartbeats: &Heartbeats) {
        let from = heartbeats.from;
        let heard = self.peers.hear(heartbeats, self.now);
        match heard {
            Heard::AllRetracted => {
                for at in self.peers.silent(from) {
                    self.touch(at, |raft| raft.wake(now));
                }
            }
            Heard::Retracted => {
                for at in heartbeats.retracted.iter().filter_map(|&id| index.get(id)) {
                    let silent = Standing::SilentUnder(from);
                    if self.slot(at).is_some_and(|slot| slot.standing == silent) {
                        self.touch(at, |raft| raft.wake(now));
                    }
                }
            }
            Heard::Nothing | Heard::Late => {}
        }
        self.hear_beats(now, index, heartbeats, heard != Heard::Late);
        self.hear_answers(now, index, heartbeats);
    }

    /// With `quiesce` groups may fall silent on these beats.
    fn hear_beats(&mut self, now: Instant, index: &Index, heartbeats: &Heartbeats, quiesce: bool) {
        let (from, incarnation) = (heartbeats.from, heartbeats.incarnation);
        let mut answers = Vec::with_capacity(heartbeats.beats.len());
        let mut lookup = index.lookup();
        for beat in &heartbeats.beats {
            let Some(at) = lookup.get(beat.group) else {
                continue;
            };
            let slot = self.slot_mut(at);
            let answer = slot.and_then(|slot| slot.raft.hear_beat(now, from, incarnation, beat));
            if let Some(answer) = answer {
                answers.push(answer);
                continue;
            }
            let quiesce = beat.quiesce && quiesce;
            let body = Body::Heartbeat {
                commit: beat.commit,
                round: beat.round,
                quiesce: quiesce.then(|| Position::new(beat.term, beat.commit)),
            };
            self.deliver(now, at, message(heartbeats, beat.term, body));
        }
        self.peers.answers(from, self.now, answers);
    }

    fn hear_answers(&mut self, now: Instant, index: &Index, heartbeats: &Heartbeats) {
        let (from, incarnation) = (heartbeats.from, heartbeats.incarnation);
        let mut lookup = index.lookup();
        for answer in &heartbeats.answers {
            let Some(at) = lookup.get(answer.group) else {
                continue;
            };
            let slot = self.slot_mut(at);
            if slot.is_some_and(|slot| slot.raft.hear_answer(now, from, incarnation, answer)) {
                continue;
            }
            let body = Body::HeartbeatAck {
                matched: answer.matched,
                received: answer.received,
                round: answer.round,
                quiesced: answer.quiesced,
            };
            self.deliver(now, at, message(heartbeats, answer.term, body));
        }
    }

    /// What one group refuses does not concern the others: it is as if lost.
    fn deliver(&mut self, now: Instant, at: u32, message: Message) {
        self.touch(at, |raft| drop(raft.receive(now, message)));
    }

    pub(super) fn poll_output(&mut self) -> Option<StoreOutput> {
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
                let message = StoreMessage::Heartbeats(heartbeats);
                outbox.push_back(StoreOutput::Send(message));
            });
        }
        self.outbox.pop_front()
    }
}

fn message(heartbeats: &Heartbeats, term: crate::raft::Term, body: Body) -> Message {
    Message {
        cluster: heartbeats.cluster,
        from: heartbeats.from,
        to: heartbeats.to,
        term,
        incarnation: heartbeats.incarnation,
        body,
    }
}

/// So many beats without a sign of life are an election timeout.
fn patience(config: &Config) -> u32 {
    let interval = config.heartbeat_interval.as_nanos().max(1);
    let beats = config.election_timeout.as_nanos().div_ceil(interval);
    u32::try_from(beats).unwrap_or(u32::MAX)
}

/// The first beat after `now`, whole intervals after `beat`.
fn following(beat: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(beat);
    let past = late.as_nanos() % interval.as_nanos().max(1);
    let past = Duration::from_nanos(u64::try_from(past).unwrap_or(0));
    beat.max(now) - past + interval
}

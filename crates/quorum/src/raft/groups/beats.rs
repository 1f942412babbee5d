//! What a machine does at its beats, and when it hears of those of others.

use super::local::{Local, following};
use super::message::{Beat, Heartbeats};
use super::peers::Heard;
use super::slots::{Index, Standing};
use crate::raft::{Body, Config, Message, Position, Term};
use alloc::vec::Vec;
use core::hint;
use purlin_core::time::Instant;

/// So many groups are fetched from memory together.
const BATCH: usize = 32;

impl Local {
    /// Sends the heartbeats of all groups that lead, and sees which machines are lost.
    pub(super) fn beat(&mut self, now: Instant) {
        self.next_beat = following(self.next_beat, self.config.heartbeat_interval, now);
        for (peer, heard) in self.peers.pass_beat(patience(&self.config)) {
            for at in self.peers.silent(peer) {
                self.touch(at, |raft| raft.orphan(now, heard));
            }
        }
        let mut from = 0;
        loop {
            let batch = core::array::from_fn(|_| {
                let at = self.beating.next(from)?;
                from = at.saturating_add(1);
                Some(at)
            });
            if batch[0].is_none() {
                break;
            }
            self.warm(&batch);
            for at in batch.into_iter().flatten() {
                self.beat_one(now, at);
            }
        }
        // Timers that were put off since they were set are set again now, all at once, rather than
        // each at its own time.
        self.fire(now, self.next_beat);
    }

    /// As [`touch`](Self::touch), but heartbeats go to the table of peers without becoming messages.
    fn beat_one(&mut self, now: Instant, at: u32) {
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

    /// Another machine has spoken.
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
        for batch in heartbeats.beats.chunks(BATCH) {
            let places = self.fetch(batch.iter().map(|beat| lookup.get(beat.group)));
            for (beat, at) in batch.iter().zip(places) {
                let Some((at, slot)) = at.and_then(|at| Some((at, self.slot_mut(at)?))) else {
                    continue;
                };
                if let Some(answer) = slot.raft.hear_beat(now, from, incarnation, beat) {
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
        }
        self.peers.answers(from, self.now, answers);
    }

    fn hear_answers(&mut self, now: Instant, index: &Index, heartbeats: &Heartbeats) {
        let (from, incarnation) = (heartbeats.from, heartbeats.incarnation);
        let mut lookup = index.lookup();
        for batch in heartbeats.answers.chunks(BATCH) {
            let places = self.fetch(batch.iter().map(|answer| lookup.get(answer.group)));
            for (answer, at) in batch.iter().zip(places) {
                let Some((at, slot)) = at.and_then(|at| Some((at, self.slot_mut(at)?))) else {
                    continue;
                };
                if slot.raft.hear_answer(now, from, incarnation, answer) {
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
    }

    /// The next slots, of which there are no more than a batch, fetched.
    fn fetch(&self, mut slots: impl Iterator<Item = Option<u32>>) -> [Option<u32>; BATCH] {
        let batch = core::array::from_fn(|_| slots.next().flatten());
        self.warm(&batch);
        batch
    }

    /// Touches a batch of groups, so that their memory is fetched at the same time and not one after
    /// the other. With 10,000 groups a beat takes less than half as long for it.
    fn warm(&self, batch: &[Option<u32>; BATCH]) {
        let slots = batch.iter().filter_map(|&at| self.slot(at?));
        hint::black_box(slots.fold(0, |sum, slot| sum ^ slot.raft.warm()));
    }

    /// What one group refuses does not concern the others: it is as if lost.
    fn deliver(&mut self, now: Instant, at: u32, message: Message) {
        self.touch(at, |raft| drop(raft.receive(now, message)));
    }
}

/// The message that a beat or an answer stands for.
fn message(heartbeats: &Heartbeats, term: Term, body: Body) -> Message {
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

//! The other machines: what is to be said to each at the next beat, whether it lives, and which
//! groups are silent because it does.

#[cfg(test)]
mod tests;

use super::message::{Answer, Beat, GroupId, Heartbeats};
use crate::raft::{Config, Configuration};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::mem;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

/// The machines that some group here has a replica on.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    by_id: BTreeMap<NodeId, Peer>,
    /// Some have something to be sent.
    unsent: bool,
    /// No peer has had more retractions and is gone: one that comes back must not count from 0.
    forgotten: u64,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// How many groups have replicas both here and there.
    shared: usize,
    /// When it was last heard of.
    pub(super) heard: Instant,
    /// Beats of our own since then. Not time: after a pause of this process what the other said
    /// meanwhile is still to be read.
    missed: u32,
    /// The run, and the retractions in it, that were last heard of.
    known: Option<(u64, u64)>,
    /// Which groups here are silent and led there, by slot.
    silent: BTreeSet<u32>,

    due: bool,
    retractions: u64,
    retracted: Vec<GroupId>,
    beats: Vec<Beat>,
    /// How many beats there were in the last message.
    usual: usize,
    answers: Vec<Answer>,
}

impl Peers {
    #[inline]
    fn at(&mut self, id: NodeId, now: Instant) -> &mut Peer {
        let retractions = self.forgotten;
        self.by_id.entry(id).or_insert_with(|| Peer {
            shared: 0,
            heard: now,
            missed: 0,
            known: None,
            silent: BTreeSet::new(),
            due: false,
            retractions,
            retracted: Vec::new(),
            beats: Vec::new(),
            usual: 0,
            answers: Vec::new(),
        })
    }

    fn forget_idle(&mut self, id: NodeId) {
        if let Some(peer) = self.by_id.get(&id)
            && peer.is_idle()
        {
            self.forgotten = self.forgotten.max(peer.retractions);
            self.by_id.remove(&id);
        }
    }

    /// A group here has these members.
    pub(super) fn share(&mut self, members: &Configuration, own: NodeId, now: Instant) {
        for member in members.members() {
            if member != own {
                self.at(member, now).shared += 1;
            }
        }
    }

    /// It has them no longer.
    pub(super) fn unshare(&mut self, members: &Configuration, own: NodeId) {
        for member in members.members() {
            if member != own {
                if let Some(peer) = self.by_id.get_mut(&member) {
                    peer.shared -= 1;
                }
                self.forget_idle(member);
            }
        }
    }

    /// The group in this slot is silent, led by that machine.
    pub(super) fn fell_silent(&mut self, leader: NodeId, slot: u32, now: Instant) {
        self.at(leader, now).silent.insert(slot);
    }

    /// It is not any more.
    pub(super) fn woke(&mut self, leader: NodeId, slot: u32) {
        if let Some(peer) = self.by_id.get_mut(&leader) {
            peer.silent.remove(&slot);
            self.forget_idle(leader);
        }
    }

    #[inline]
    pub(super) fn beat(&mut self, to: NodeId, now: Instant, beat: Beat) {
        self.unsent = true;
        let peer = self.at(to, now);
        if peer.beats.is_empty() {
            // As many as last time, probably.
            peer.beats.reserve(peer.usual);
        }
        peer.beats.push(beat);
    }

    pub(super) fn answer(&mut self, to: NodeId, now: Instant, answer: Answer) {
        self.unsent = true;
        self.at(to, now).answers.push(answer);
    }

    /// The same for many at once, in the order of their groups.
    pub(super) fn answers(&mut self, to: NodeId, now: Instant, mut answers: Vec<Answer>) {
        if !answers.is_empty() {
            self.unsent = true;
            let waiting = &mut self.at(to, now).answers;
            if waiting.is_empty() {
                *waiting = answers;
            } else {
                waiting.append(&mut answers);
            }
        }
    }

    /// This machine leads the group no longer; its members rely on that no more.
    pub(super) fn retract(&mut self, group: GroupId, members: &Configuration) {
        for member in members.members() {
            if let Some(peer) = self.by_id.get_mut(&member) {
                self.unsent = true;
                peer.retractions += 1;
                peer.retracted.push(group);
            }
        }
    }

    /// At each beat: every peer is due a sign of life. Those not heard of for `patience` beats are
    /// lost: which they are, and when they were heard of.
    pub(super) fn pass_beat(&mut self, patience: u32) -> Vec<(NodeId, Instant)> {
        let mut lost = Vec::new();
        for (&id, peer) in &mut self.by_id {
            self.unsent = true;
            peer.due = true;
            peer.missed = peer.missed.saturating_add(1);
            if peer.missed > patience && !peer.silent.is_empty() {
                lost.push((id, peer.heard));
            }
        }
        lost
    }

    /// When a machine was last heard of, for the groups that are silent under it.
    pub(super) fn heard(&self, id: NodeId) -> Option<Instant> {
        self.by_id.get(&id).map(|peer| peer.heard)
    }

    /// Which slots are silent under a machine.
    pub(super) fn silent(&self, id: NodeId) -> Vec<u32> {
        let peer = self.by_id.get(&id);
        peer.map_or_else(Vec::new, |peer| peer.silent.iter().copied().collect())
    }

    /// A machine has spoken: what of its silent groups it does not lead any more.
    pub(super) fn hear(&mut self, heartbeats: &Heartbeats, now: Instant) -> Heard {
        let Some(peer) = self.by_id.get_mut(&heartbeats.from) else {
            return Heard::Nothing;
        };
        peer.heard = now;
        peer.missed = 0;
        let (run, retractions) = (heartbeats.run, heartbeats.retractions);
        match peer.known {
            Some((known, before)) if known == run && retractions < before => Heard::Late,
            Some((known, before)) if known == run => {
                peer.known = Some((run, retractions));
                let new = retractions - before;
                if new == 0 {
                    Heard::Nothing
                } else if new <= heartbeats.retracted.len() as u64 {
                    Heard::Retracted
                } else {
                    Heard::AllRetracted
                }
            }
            _ => {
                peer.known = Some((run, retractions));
                Heard::AllRetracted
            }
        }
    }

    /// What is to be sent, one message a peer. With `keep_alive` those peers hear of this machine that
    /// nothing else is to be said to.
    pub(super) fn flush(
        &mut self,
        config: &Config,
        run: u64,
        keep_alive: bool,
        mut send: impl FnMut(Heartbeats),
    ) {
        if !mem::take(&mut self.unsent) {
            return;
        }
        let mut idle = Vec::new();
        for (&id, peer) in &mut self.by_id {
            let due = mem::take(&mut peer.due) && keep_alive && peer.shared > 0;
            if due || peer.has_news() {
                peer.usual = peer.beats.len();
                send(Heartbeats {
                    cluster: config.cluster,
                    from: config.id,
                    to: id,
                    incarnation: config.incarnation,
                    run,
                    retractions: peer.retractions,
                    retracted: mem::take(&mut peer.retracted),
                    beats: mem::take(&mut peer.beats),
                    answers: mem::take(&mut peer.answers),
                });
            }
            if peer.is_idle() {
                idle.push(id);
            }
        }
        idle.into_iter().for_each(|id| self.forget_idle(id));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.unsent
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn shared(&self) -> BTreeMap<NodeId, usize> {
        let shared = self.by_id.iter().map(|(&id, peer)| (id, peer.shared));
        shared.filter(|&(_, shared)| shared > 0).collect()
    }
}

impl Peer {
    fn has_news(&self) -> bool {
        !(self.beats.is_empty() && self.answers.is_empty() && self.retracted.is_empty())
    }

    /// Whether there is no reason to remember it.
    fn is_idle(&self) -> bool {
        self.shared == 0 && self.silent.is_empty() && !self.has_news()
    }
}

/// What a sign of life means for the groups that are silent under its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing has changed.
    Nothing,
    /// The groups that the message names are led there no longer.
    Retracted,
    /// A message was lost, or the machine was started anew: perhaps none is.
    AllRetracted,
    /// The message is older than the last retraction: nobody may fall silent on its word.
    Late,
}

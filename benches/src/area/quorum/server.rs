//! A node of a simulated group: the core, its disk, and clients that wait for answers.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::convert::Infallible;
use core::mem;

use bytes::Bytes;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{
    Config, Configuration, Entries, Entry, HardState, Index, Message, Output, Position, Raft,
    ReadMode, ReadToken, Recovered, Refusal, Ticket, Write,
};
use purlin_sim::{Boot, Effects, Event, Host, Moment, RequestId, Store};

use super::record::{Answer, Delivery, Record};

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Commit a command of 64 bytes.
    Propose,
    /// Make a read linearizable, in this mode.
    Read(ReadMode),
}

/// A message and when it was sent.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    sent: Instant,
    message: Message,
}

/// What is on a disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    hard_state: HardState,
    entries: Vec<Entry>,
}

impl Store for Disk {
    type Write = Write;

    fn apply(&mut self, write: &Write) {
        self.hard_state = write.hard_state.unwrap_or(self.hard_state);
        if !write.entries.is_empty() {
            let kept = write.entries.first_index().0 - 1;
            self.entries
                .truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            let entries = write.entries.iter().map(|(_, entry)| entry.clone());
            self.entries.extend(entries);
        }
    }
}

/// What happens to a node.
pub(super) enum Input {
    Mail(Mail),
    Request(RequestId, Request),
    Synced(Ticket),
    SyncFailed,
}

/// What a node does.
pub(super) enum Deed {
    Send(Message),
    Write(Write),
    Sync(Ticket),
}

/// One node.
pub(super) struct Server {
    node: NodeId,
    raft: Raft,
    record: Rc<RefCell<Record>>,
    /// The last write that no sync covers yet. There is one sync at a time; what is written
    /// meanwhile shares the next.
    unsynced: Option<Ticket>,
    is_syncing: bool,
    /// Commands that clients wait for.
    proposals: VecDeque<(Position, RequestId)>,
    deeds: VecDeque<Deed>,
}

impl Server {
    fn ask(&mut self, now: Instant, id: RequestId, request: Request) {
        let accepted = match request {
            Request::Propose => {
                let command = Bytes::from_static(&[7; 64]);
                let proposed = self.raft.propose(now, command);
                let proposed = proposed.map_err(|error| error.reason);
                proposed.map(|position| self.proposals.push_back((position, id)))
            }
            Request::Read(mode) => self.raft.read(now, ReadToken(id.0), mode),
        };
        if let Err(refusal) = accepted {
            let leader = match refusal {
                Refusal::NotLeader { leader } => leader.map(world_id),
                _ => None,
            };
            self.answer(now, id, Answer::AskElsewhere(leader));
        }
    }

    fn answer(&self, now: Instant, id: RequestId, answer: Answer) {
        self.record.borrow_mut().answers.push((id, answer, now));
    }

    fn receive(&mut self, now: Instant, mail: Mail) {
        let Mail { sent, message } = mail;
        self.record.borrow_mut().delivered(|| Delivery {
            sent,
            at: now,
            from: world_id(message.from),
            to: self.node,
            kind: message.body.clone().into(),
        });
        // What a node refuses it has no use for.
        let _ = self.raft.receive(now, message);
    }

    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.raft.poll_output() {
            match output {
                Output::Write(write) => {
                    self.unsynced = Some(write.ticket);
                    self.deeds.push_back(Deed::Write(write));
                }
                Output::Send(message) => self.deeds.push_back(Deed::Send(message)),
                Output::Commit(entries) => self.apply(now, &entries),
                Output::ReadReady(token) => self.answer(now, RequestId(token.0), Answer::Done),
                Output::ReadAborted(token, _) => {
                    self.answer(now, RequestId(token.0), Answer::AskElsewhere(None));
                }
                Output::LeaderChanged { leader, .. } => self.leader_changed(now, leader),
                _ => {}
            }
        }
        if !self.is_syncing
            && let Some(ticket) = self.unsynced.take()
        {
            self.is_syncing = true;
            self.deeds.push_back(Deed::Sync(ticket));
        }
        let (role, term) = (self.raft.role(), self.raft.term());
        let mut record = self.record.borrow_mut();
        record.plays(now, self.node, Some((role, term)));
    }

    fn apply(&mut self, now: Instant, entries: &Entries) {
        let Some(last) = entries.last() else { return };
        while let Some(&(position, id)) = self.proposals.front()
            && position.index <= last.index
        {
            self.proposals.pop_front();
            let is_it = entries.term(position.index) == Some(position.term);
            let answer = if is_it {
                Answer::Done
            } else {
                Answer::AskElsewhere(None)
            };
            self.answer(now, id, answer);
        }
        let applied = self.raft.applied(now, last.index);
        applied.unwrap_or_else(|refusal| unreachable!("it was given out: {refusal}"));
    }

    /// Who leads no more tells its clients that it does not know what becomes of their commands.
    fn leader_changed(&mut self, now: Instant, leader: Option<NodeId>) {
        let leader = leader.map(world_id);
        if leader != Some(self.node) {
            for (_, id) in mem::take(&mut self.proposals) {
                self.answer(now, id, Answer::AskElsewhere(leader));
            }
        }
    }
}

impl Machine for Server {
    type Input = Input;
    type Output = Deed;
    type Error = Infallible;

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), Infallible> {
        match input {
            Input::Mail(mail) => self.receive(now, mail),
            Input::Request(id, request) => self.ask(now, id, request),
            Input::Synced(ticket) => {
                self.is_syncing = false;
                let persisted = self.raft.persisted(now, ticket);
                persisted.unwrap_or_else(|refusal| unreachable!("it was given out: {refusal}"));
            }
            Input::SyncFailed => self.raft.write_failed(now),
        }
        self.drain(now);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.raft.handle_timeout(now);
        self.drain(now);
    }

    fn poll_output(&mut self) -> Option<Deed> {
        self.deeds.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.raft.poll_timeout()
    }
}

/// A group of nodes that are configured alike.
pub(super) struct Group {
    pub(super) config: Config,
    pub(super) record: Rc<RefCell<Record>>,
}

/// In Raft no node is 0; in the simulator the first one is.
fn raft_id(node: NodeId) -> NodeId {
    NodeId(node.0 + 1)
}

fn world_id(node: NodeId) -> NodeId {
    NodeId(node.0 - 1)
}

impl Host for Group {
    type Machine = Server;
    type Message = Mail;
    type Store = Disk;
    type Request = Request;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, Disk>) -> Server {
        let members = (0..boot.nodes as u64).map(NodeId).map(raft_id);
        let recovered = Recovered {
            hard_state: boot.store.hard_state,
            entries: boot.store.entries.clone(),
            applied: Index::ZERO,
            ..Recovered::bootstrap(Configuration::new(members))
        };
        let mut config = self.config.clone();
        config.id = raft_id(boot.node);
        let raft = Raft::new(config, recovered, boot.seed, boot.now);
        let raft = raft.unwrap_or_else(|error| unreachable!("the disk is honest: {error}"));
        let role = Some((raft.role(), raft.term()));
        self.record.borrow_mut().plays(boot.now, boot.node, role);
        Server {
            node: boot.node,
            raft,
            record: Rc::clone(&self.record),
            unsynced: None,
            is_syncing: false,
            proposals: VecDeque::new(),
            deeds: VecDeque::new(),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<Input> {
        match event {
            Event::Message { message, .. } => Some(Input::Mail(message)),
            Event::Request { id, request } => Some(Input::Request(id, request)),
            Event::Synced { token } => Some(Input::Synced(Ticket(token))),
            Event::SyncFailed { .. } => Some(Input::SyncFailed),
            _ => None,
        }
    }

    fn output(&self, at: Moment, deed: Deed, effects: &mut Effects<Self>) {
        match deed {
            Deed::Send(message) => {
                let to = world_id(message.to);
                let sent = at.now;
                effects.send(to, Mail { sent, message });
            }
            Deed::Write(write) => effects.write(write.ticket.0, write),
            Deed::Sync(ticket) => effects.sync(ticket.0),
        }
    }
}

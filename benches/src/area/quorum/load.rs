//! Clients of a simulated group that do not wait for each other's answers: requests come as they
//! come, and when the group is slow, more of them wait.

use alloc::collections::BinaryHeap;
use alloc::rc::Rc;
use core::cell::{RefCell, RefMut};
use core::cmp::Reverse;
use core::time::Duration;

use purlin_core::node::NodeId;
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;
use purlin_quorum::raft::Config;
use purlin_sim::{Fault, Latency, Link, Order, Probability, RequestId, StorageModel, World};

use super::record::{Answer, Record};
use super::server::{Group, Request};
use crate::error::LabError;
use crate::workload::{Gaps as _, Poisson};

/// A client that was sent away asks somebody else after this time.
const BACKOFF: Duration = Duration::from_millis(20);

/// A client that gets no answer asks somebody else after this time.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whom a client turns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Leader,
    Follower,
}

/// What clients ask for, and whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) request: Request,
    pub(super) target: Target,
}

/// One wish of a client, until it is fulfilled.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) wish: Wish,
    pub(super) begun: Instant,
    pub(super) done: Option<Instant>,
    /// How many times it was asked for.
    pub(super) asked: u32,
    /// The last time it was asked for, if that is not answered, and whom.
    open: Option<(RequestId, NodeId)>,
}

impl Operation {
    pub(super) fn latency(&self) -> Option<Duration> {
        let done = self.done?;
        Some(done.saturating_duration_since(self.begun))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Arrive,
    Ask(usize),
    GiveUp(usize, u64),
}

/// A group and its clients.
pub(super) struct Load {
    pub(super) world: World<Group>,
    record: Rc<RefCell<Record>>,
    wishes: Vec<Wish>,
    arrivals: Poisson<SplitMix64>,
    /// When clients do something next.
    agenda: BinaryHeap<Reverse<(Instant, Task)>>,
    pub(super) operations: Vec<Operation>,
    /// Which operation a request belongs to, by its number.
    requests: Vec<usize>,
    /// Whom clients believe to lead.
    favourite: NodeId,
}

impl Load {
    /// A group in a data centre, with honest disks that take about a millisecond to sync, run until
    /// it has a leader. Then clients begin to ask for `wishes` in turn, so many a second.
    ///
    /// # Errors
    ///
    /// When the rate is none.
    pub(super) fn new(
        config: Config,
        nodes: usize,
        wishes: Vec<Wish>,
        rate: f64,
        seed: u64,
    ) -> Result<Self, LabError> {
        let record = Rc::new(RefCell::new(Record::default()));
        let group = Group {
            config,
            record: Rc::clone(&record),
        };
        // A crash takes what was not synced.
        let storage = StorageModel {
            write_latency: Latency::Constant(Duration::from_micros(20)),
            sync_latency: Latency::LogNormal {
                median: Duration::from_millis(1),
                p99: Duration::from_millis(5),
            },
            lost: Probability::ALWAYS,
            ..StorageModel::perfect()
        };
        // Streams, as most transports are.
        let link = Link {
            order: Order::Fifo,
            ..Link::lan()
        };
        let mut world = World::builder(group, nodes, seed)
            .links(link)
            .storage(storage)
            .build();
        let elected = world.run_until_true(Duration::from_secs(60), |world| {
            world.host().record.borrow().leader().is_some()
        });
        debug_assert!(elected.is_some(), "nothing is wrong");
        let first = world.now();
        let favourite = record.borrow().leader().unwrap_or(NodeId(0));
        Ok(Self {
            world,
            record,
            wishes,
            arrivals: Poisson::new(rate, SplitMix64::new(seed))?,
            agenda: BinaryHeap::from([Reverse((first, Task::Arrive))]),
            operations: Vec::new(),
            requests: Vec::new(),
            favourite,
        })
    }

    pub(super) fn record(&self) -> RefMut<'_, Record> {
        self.record.borrow_mut()
    }

    /// Lets something go wrong now, and writes down who is down for it.
    pub(super) fn inject(&mut self, fault: Fault, lasts: Duration) {
        if let Fault::Crash(node) = fault {
            self.record().plays(self.world.now(), node, None);
        }
        self.world.inject(fault, lasts);
    }

    /// Goes on for so long.
    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.world.now() + duration;
        while let Some(&Reverse((at, task))) = self.agenda.peek()
            && at <= until
        {
            self.agenda.pop();
            self.world.run_until(at);
            self.collect();
            match task {
                Task::Arrive => self.arrive(at),
                Task::Ask(operation) => self.ask(operation),
                Task::GiveUp(operation, request) => self.give_up(operation, request),
            }
        }
        self.world.run_until(until);
        self.collect();
    }

    /// Nobody begins anything new.
    pub(super) fn close(&mut self) {
        self.agenda
            .retain(|Reverse((_, task))| *task != Task::Arrive);
    }

    fn arrive(&mut self, now: Instant) {
        let operation = self.operations.len();
        self.operations.push(Operation {
            wish: self.wishes[operation % self.wishes.len()],
            begun: now,
            done: None,
            asked: 0,
            open: None,
        });
        let next = now + self.arrivals.next_gap();
        self.agenda.push(Reverse((next, Task::Arrive)));
        self.ask(operation);
    }

    fn ask(&mut self, operation: usize) {
        let now = self.world.now();
        let Operation { wish, done, .. } = self.operations[operation];
        if done.is_some() {
            return;
        }
        let node = match wish.target {
            Target::Leader => self.favourite,
            Target::Follower => self.after(self.favourite),
        };
        self.operations[operation].asked += 1;
        if self.world.machine(node).is_none() {
            return self.sent_away(operation, node, None);
        }
        let request = self.world.request(0, node, wish.request);
        debug_assert_eq!(request.0, self.requests.len() as u64, "numbered in order");
        self.requests.push(operation);
        self.operations[operation].open = Some((request, node));
        let patience = Task::GiveUp(operation, request.0);
        self.agenda.push(Reverse((now + PATIENCE, patience)));
    }

    fn after(&self, node: NodeId) -> NodeId {
        NodeId((node.0 + 1) % self.world.len() as u64)
    }

    /// Who has no answer for it, but may know who has.
    fn sent_away(&mut self, operation: usize, by: NodeId, leader: Option<NodeId>) {
        match leader {
            Some(leader) => self.favourite = leader,
            None if self.favourite == by => self.favourite = self.after(by),
            None => {}
        }
        let later = self.world.now() + BACKOFF;
        self.agenda.push(Reverse((later, Task::Ask(operation))));
    }

    fn give_up(&mut self, operation: usize, request: u64) {
        let open = &mut self.operations[operation].open;
        if let Some((_, node)) = open.take_if(|(open, _)| open.0 == request) {
            if self.favourite == node {
                self.favourite = self.after(node);
            }
            self.ask(operation);
        }
    }

    /// Clients look at what they were told.
    fn collect(&mut self) {
        let answers = core::mem::take(&mut self.record().answers);
        for (request, answer, at) in answers {
            let place = usize::try_from(request.0).unwrap_or(usize::MAX);
            let number = self.requests[place];
            let operation = &mut self.operations[number];
            let asked = operation.open.take_if(|(open, _)| *open == request);
            match (answer, asked) {
                // A late answer is an answer, too.
                (Answer::Done, _) => {
                    operation.done = operation.done.or(Some(at));
                    operation.open = None;
                }
                (Answer::AskElsewhere(leader), Some((_, node))) => {
                    self.sent_away(number, node, leader);
                }
                (Answer::AskElsewhere(_), None) => {}
            }
        }
    }
}

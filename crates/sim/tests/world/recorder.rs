//! A machine that does what it is told and records what happens to it.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::rc::Rc;
use core::cell::RefCell;
use core::convert::Infallible;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::{Instant, UnixTime};
use purlin_sim::{
    Boot, Effects, Event, FileWrite, Files, Host, Moment, RequestId, World, WorldBuilder,
};

/// What a node can be told to do, in a request or by its script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    /// Sends a message; it is as many bytes large as its number says.
    Send(u64, u64),
    Write(u64, FileWrite),
    Sync(u64),
    Read(u64),
    /// Answers the request that is being handled.
    Reply(u64),
    /// Answers any request.
    ReplyTo(RequestId, u64),
    /// Refuses the request that is being handled.
    Refuse,
    /// Refuses any request.
    RefuseTo(RequestId),
    /// Sets one more timer, in the node's own time.
    At(Instant),
    /// Forgets all timers.
    Disarm,
}

/// What happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Start {
        restarts: u32,
        nodes: usize,
        seed: u64,
        files: Files,
    },
    Message {
        from: u64,
        number: u64,
    },
    Request(RequestId),
    Written(u64),
    Synced(u64),
    SyncFailed(u64),
    Read(u64, Files),
    Timeout,
}

/// One thing that happened: to whom, in which of its lives (from 0), and when by its own clock.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) node: u64,
    pub(crate) life: u32,
    pub(crate) at: Instant,
    pub(crate) what: What,
}

type Plan = dyn Fn(&Seen) -> Vec<Do>;

/// The host of recorders: what all nodes do by themselves, and the record of what happened to all
/// of them, over all their lives.
#[derive(Clone)]
pub(crate) struct Script(Rc<Shared>);

struct Shared {
    plan: Box<Plan>,
    seen: RefCell<Vec<Seen>>,
    times: RefCell<Vec<Time>>,
}

/// What a host is told of the time, at each of its calls: by which node, the monotonic time and the
/// civil one.
pub(crate) type Time = (NodeId, Instant, UnixTime);

impl Script {
    /// Nodes that react to what happens to them as the plan says.
    pub(crate) fn new(plan: impl Fn(&Seen) -> Vec<Do> + 'static) -> Self {
        Self(Rc::new(Shared {
            plan: Box::new(plan),
            seen: RefCell::default(),
            times: RefCell::default(),
        }))
    }

    /// Nodes that only do what requests tell them.
    pub(crate) fn idle() -> Self {
        Self::new(|_| Vec::new())
    }

    pub(crate) fn world(&self, nodes: usize, seed: u64) -> WorldBuilder<Self> {
        World::builder(self.clone(), nodes, seed)
    }

    /// All that happened so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.borrow().clone()
    }

    /// What the host was told of the time so far.
    pub(crate) fn told_times(&self) -> Vec<Time> {
        self.0.times.borrow().clone()
    }

    fn tells_time(&self, node: NodeId, now: Instant, unix_now: UnixTime) {
        self.0.times.borrow_mut().push((node, now, unix_now));
    }

    /// The times, in milliseconds of the node's clock, at which something happened to a node.
    pub(crate) fn times(&self, node: u64, matches: impl Fn(&What) -> bool) -> Vec<u64> {
        self.of(node, |seen| {
            matches(&seen.what).then(|| seen.at.as_millis())
        })
    }

    /// The messages a node got, with the times in milliseconds of its clock.
    pub(crate) fn messages(&self, node: u64) -> Vec<(u64, u64)> {
        self.of(node, |seen| match seen.what {
            What::Message { number, .. } => Some((seen.at.as_millis(), number)),
            _ => None,
        })
    }

    /// The numbers of the messages a node got, in order.
    pub(crate) fn numbers(&self, node: u64) -> Vec<u64> {
        self.messages(node)
            .iter()
            .map(|(_, number)| *number)
            .collect()
    }

    /// What a filter finds in the things that happened to a node.
    pub(crate) fn of<T>(&self, node: u64, filter: impl Fn(&Seen) -> Option<T>) -> Vec<T> {
        let seen = self.0.seen.borrow();
        let own = seen.iter().filter(|seen| seen.node == node);
        own.filter_map(filter).collect()
    }
}

/// The machine.
pub(crate) struct Recorder {
    node: u64,
    life: u32,
    timers: BTreeSet<Instant>,
    outputs: VecDeque<Do>,
    script: Script,
}

impl Recorder {
    fn record(&mut self, at: Instant, what: What, told: Vec<Do>) {
        let asked = match what {
            What::Request(id) => Some(id),
            _ => None,
        };
        let (node, life) = (self.node, self.life);
        let seen = Seen {
            node,
            life,
            at,
            what,
        };
        let planned = (self.script.0.plan)(&seen);
        self.script.0.seen.borrow_mut().push(seen);
        for action in told.into_iter().chain(planned) {
            match (action, asked) {
                (Do::At(deadline), _) => drop(self.timers.insert(deadline)),
                (Do::Disarm, _) => self.timers.clear(),
                (Do::Reply(number), Some(id)) => self.outputs.push_back(Do::ReplyTo(id, number)),
                (Do::Refuse, Some(id)) => self.outputs.push_back(Do::RefuseTo(id)),
                (other, _) => self.outputs.push_back(other),
            }
        }
    }
}

impl Machine for Recorder {
    type Input = (What, Vec<Do>);
    type Output = Do;
    type Error = Infallible;

    fn handle(&mut self, now: Instant, (what, told): Self::Input) -> Result<(), Infallible> {
        self.record(now, what, told);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.timers.retain(|deadline| *deadline > now);
        self.record(now, What::Timeout, Vec::new());
    }

    fn poll_output(&mut self) -> Option<Do> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().copied()
    }
}

impl Host for Script {
    type Machine = Recorder;
    type Message = u64;
    type Store = Files;
    type Request = Vec<Do>;
    type Reply = u64;

    fn start(&self, boot: Boot<'_, Files>) -> Recorder {
        self.tells_time(boot.node, boot.now, boot.unix_now);
        let mut recorder = Recorder {
            node: boot.node.0,
            life: boot.restarts,
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
            script: self.clone(),
        };
        let what = What::Start {
            restarts: boot.restarts,
            nodes: boot.nodes,
            seed: boot.seed,
            files: boot.store.clone(),
        };
        recorder.record(boot.now, what, Vec::new());
        recorder
    }

    fn input(&self, at: Moment, event: Event<'_, Self>) -> Option<(What, Vec<Do>)> {
        self.tells_time(at.node, at.now, at.unix_now);
        let (what, told) = match event {
            Event::Message { from, message } => (
                What::Message {
                    from: from.0,
                    number: message,
                },
                Vec::new(),
            ),
            Event::Request { id, request } => (What::Request(id), request),
            Event::Written { token } => (What::Written(token), Vec::new()),
            Event::Synced { token } => (What::Synced(token), Vec::new()),
            Event::SyncFailed { token } => (What::SyncFailed(token), Vec::new()),
            Event::Read { token, store } => (What::Read(token, store.clone()), Vec::new()),
            _ => return None,
        };
        Some((what, told))
    }

    fn output(&self, at: Moment, output: Do, effects: &mut Effects<Self>) {
        self.tells_time(at.node, at.now, at.unix_now);
        match output {
            Do::Send(to, number) => effects.send(NodeId(to), number),
            Do::Write(token, write) => effects.write(token, write),
            Do::Sync(token) => effects.sync(token),
            Do::Read(token) => effects.read(token),
            Do::ReplyTo(id, number) => effects.reply(id, number),
            Do::RefuseTo(id) => effects.refuse(id),
            Do::Reply(_) | Do::Refuse | Do::At(_) | Do::Disarm => {}
        }
    }

    fn message_size(&self, message: &u64) -> usize {
        usize::try_from(*message).unwrap_or(usize::MAX)
    }
}

/// Tells a node what to do, now.
pub(crate) fn tell(world: &mut World<Script>, node: u64, told: &[Do]) -> RequestId {
    world.request(99, NodeId(node), told.to_vec())
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A write of one byte to the beginning of a file.
pub(crate) fn byte(file: u64, byte: u8) -> FileWrite {
    FileWrite::Bytes {
        file,
        offset: 0,
        bytes: vec![byte],
    }
}

/// Links that take this many milliseconds, and do nothing else.
pub(crate) const fn takes(millis: u64) -> purlin_sim::Link {
    purlin_sim::Link {
        latency: purlin_sim::Latency::Constant(ms(millis)),
        ..purlin_sim::Link::perfect()
    }
}

//! Any faults on any small world: no panic, no hang, and the same world twice runs the same way.
#![no_main]

use arbitrary::Arbitrary;
use core::convert::Infallible;
use core::num::NonZeroU64;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_sim::{
    Boot, ClockStep, Effects, Event, Fault, FileWrite, Files, Host, Latency, Link, Moment, NodeSet,
    Probability, StorageModel, World,
};

#[derive(Arbitrary, Debug)]
struct Case {
    seed: u64,
    nodes: u8,
    loss: u8,
    duplicate: u8,
    reorder: u8,
    bandwidth: Option<u16>,
    sync_failure: u8,
    incidents: Vec<(u16, u16, Trouble)>,
}

#[derive(Arbitrary, Debug)]
enum Trouble {
    Crash(u8),
    CrashInStep(u8),
    Wipe(u8),
    Pause(u8),
    Slow(u8, u16),
    Cut(Vec<u8>, Vec<u8>),
    Split(Vec<u8>),
    Loss(u32),
    Delay(u64),
    SyncErrors(u8),
    SlowDisk(u8, u64),
    Step(u8, bool, u64),
    Drift(u8, i32),
}

impl Trouble {
    fn fault(&self, nodes: u8) -> Fault {
        let node = |number: &u8| NodeId(u64::from(*number % nodes));
        let set = |numbers: &[u8]| -> NodeSet { numbers.iter().take(8).map(node).collect() };
        match self {
            Self::Crash(name) => Fault::Crash(node(name)),
            Self::CrashInStep(name) => Fault::CrashInStep(node(name)),
            Self::Wipe(name) => Fault::Wipe(node(name)),
            Self::Pause(name) => Fault::Pause(node(name)),
            Self::Slow(name, micros) => {
                Fault::Slow(node(name), Duration::from_micros((*micros).into()))
            }
            Self::Cut(from, to) => Fault::Cut {
                from: set(from),
                to: set(to),
            },
            Self::Split(side) => Fault::Split(set(side)),
            Self::Loss(ppm) => Fault::Loss(Probability::ppm(*ppm)),
            Self::Delay(nanos) => Fault::Delay(Duration::from_nanos(*nanos)),
            Self::SyncErrors(name) => Fault::SyncErrors(node(name)),
            Self::SlowDisk(name, nanos) => {
                Fault::SlowDisk(node(name), Duration::from_nanos(*nanos))
            }
            Self::Step(name, true, nanos) => {
                Fault::ClockStep(node(name), ClockStep::Forward(Duration::from_nanos(*nanos)))
            }
            Self::Step(name, false, nanos) => {
                Fault::ClockStep(node(name), ClockStep::Back(Duration::from_nanos(*nanos)))
            }
            Self::Drift(name, ppm) => Fault::ClockDrift(node(name), *ppm),
        }
    }
}

/// Every 10 ms it writes a byte, syncs, and tells the next node how long its file is.
struct Writer {
    next: NodeId,
    turn_at: Instant,
    len: usize,
    outputs: Vec<usize>,
}

impl Machine for Writer {
    type Input = usize;
    type Output = (NodeId, usize);
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, len: usize) -> Result<(), Infallible> {
        self.len = self.len.max(len);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now >= self.turn_at {
            self.turn_at = now + Duration::from_millis(10);
            self.len += 1;
            self.outputs.push(self.len);
        }
    }

    fn poll_output(&mut self) -> Option<(NodeId, usize)> {
        Some((self.next, self.outputs.pop()?))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        // At the end of time there is no later deadline.
        (self.turn_at < Instant::MAX).then_some(self.turn_at)
    }
}

struct WriterHost;

impl Host for WriterHost {
    type Machine = Writer;
    type Message = usize;
    type Store = Files;
    type Request = Infallible;
    type Reply = Infallible;

    fn start(&self, boot: Boot<'_, Files>) -> Writer {
        let next = NodeId((boot.node.0 + 1) % boot.nodes as u64);
        Writer {
            next,
            turn_at: boot.now,
            len: boot.store.read(0).len(),
            outputs: Vec::new(),
        }
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<usize> {
        match event {
            Event::Message { message, .. } => Some(message),
            Event::Synced { .. } | Event::SyncFailed { .. } | Event::Written { .. } => Some(0),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, (to, len): (NodeId, usize), effects: &mut Effects<Self>) {
        effects.write(
            0,
            FileWrite::Bytes {
                file: 0,
                offset: len - 1,
                bytes: vec![1],
            },
        );
        effects.sync(1);
        effects.send(to, len);
    }

    fn message_size(&self, _message: &usize) -> usize {
        100
    }
}

fn run(case: &Case) -> (purlin_sim::Stats, Vec<usize>) {
    let nodes = 1 + case.nodes % 6;
    let percent = |number: u8| Probability::percent((number % 101).into());
    let link = Link {
        loss: percent(case.loss),
        duplicate: percent(case.duplicate),
        reorder: percent(case.reorder),
        reorder_delay: Latency::Constant(Duration::from_millis(20)),
        bandwidth: case
            .bandwidth
            .and_then(|bytes| NonZeroU64::new(bytes.into())),
        ..Link::lan()
    };
    let storage = StorageModel {
        sync_failure: percent(case.sync_failure),
        ..StorageModel::disk()
    };
    let incidents =
        case.incidents
            .iter()
            .take(32)
            .map(|(at, lasts, trouble)| purlin_sim::Incident {
                at: Instant::from_millis((*at % 1_000).into()),
                lasts: Duration::from_millis((*lasts).into()),
                fault: trouble.fault(nodes),
            });
    let mut world = World::builder(WriterHost, usize::from(nodes), case.seed)
        .links(link)
        .storage(storage)
        .faults(incidents.collect())
        .build();
    world.run_for(Duration::from_secs(1));
    let lens = world.machines().map(|(_, machine)| machine.len).collect();
    (world.stats(), lens)
}

fuzz_target!(|case: Case| {
    assert_eq!(run(&case), run(&case));
});

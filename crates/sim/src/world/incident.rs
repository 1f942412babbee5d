//! Faults begin and end.

use super::step::{Arrival, Pending};
use super::{World, slot};
use crate::host::{Boot, Host};
use crate::{Fault, NodeSet};
use purlin_core::node::NodeId;
use purlin_core::random::RandomExt as _;
use purlin_core::time::Instant;

impl<H: Host> World<H> {
    pub(super) fn begin(&mut self, fault: Fault, until: Instant) {
        self.trace.record(self.now, fault.node(), || {
            format!("fault: {fault} until {until}")
        });
        let now = self.now;
        match &fault {
            Fault::Cut { from, to } => self.network.cut(from.clone(), to.clone()),
            Fault::Split(side) => {
                let (side, others) = self.sides(side);
                self.network.cut(side.clone(), others.clone());
                self.network.cut(others, side);
            }
            Fault::Loss(loss) => self.network.add_loss(*loss),
            Fault::Delay(by) => self.network.add_delay(*by),
            Fault::Crash(id) | Fault::Wipe(id) => self.stop(*id, &fault),
            Fault::CrashInStep(id) => {
                if let Some(node) = self.node_mut(*id) {
                    node.crash_after = Some(node.random.below(4));
                }
            }
            Fault::ClockStep(id, step) => {
                if let Some(node) = self.node_mut(*id) {
                    node.clock.step(now, *step);
                    self.arm(*id, false);
                }
            }
            Fault::WallClockStep(id, step) => {
                if let Some(node) = self.node_mut(*id) {
                    node.clock.step_wall(*step);
                }
            }
            Fault::ClockDrift(id, ppm) => self.drift(*id, i64::from(*ppm)),
            Fault::Pause(_) | Fault::Slow(..) | Fault::SyncErrors(_) | Fault::SlowDisk(..) => {
                self.trouble(&fault, true);
            }
        }
        if !matches!(fault, Fault::ClockStep(..) | Fault::WallClockStep(..)) {
            self.queue.push(until, Pending::Ends(Box::new(fault)));
        }
    }

    pub(super) fn end(&mut self, fault: Fault) {
        self.trace
            .record(self.now, fault.node(), || format!("over: {fault}"));
        match &fault {
            Fault::Cut { from, to } => self.network.heal(from, to),
            Fault::Split(side) => {
                let (side, others) = self.sides(side);
                self.network.heal(&side, &others);
                self.network.heal(&others, &side);
            }
            Fault::Loss(loss) => self.network.remove_loss(*loss),
            Fault::Delay(by) => self.network.remove_delay(*by),
            Fault::Crash(id) | Fault::Wipe(id) => self.restart(*id),
            Fault::CrashInStep(id) => self.end_crash_in_step(*id),
            Fault::ClockStep(..) | Fault::WallClockStep(..) => {}
            Fault::ClockDrift(id, ppm) => self.drift(*id, -i64::from(*ppm)),
            Fault::Pause(id) => {
                self.trouble(&fault, false);
                self.take_up(*id);
            }
            Fault::Slow(id, _) => {
                self.trouble(&fault, false);
                self.speed_up(*id);
            }
            Fault::SyncErrors(_) | Fault::SlowDisk(..) => self.trouble(&fault, false),
        }
    }

    fn sides(&self, side: &NodeSet) -> (NodeSet, NodeSet) {
        (side.clone(), side.complement(self.nodes.len()))
    }

    fn drift(&mut self, id: NodeId, ppm: i64) {
        let now = self.now;
        if let Some(node) = self.node_mut(id) {
            node.clock.drift(now, ppm);
            self.arm(id, false);
        }
    }

    fn trouble(&mut self, fault: &Fault, begins: bool) {
        let Some(node) = fault.node().and_then(|id| self.node_mut(id)) else {
            return;
        };
        let troubles = &mut node.troubles;
        let count = |count: &mut u32| {
            *count = if begins {
                *count + 1
            } else {
                count.saturating_sub(1)
            }
        };
        let sum = |sum: &mut core::time::Duration, by: &core::time::Duration| {
            *sum = if begins {
                sum.saturating_add(*by)
            } else {
                sum.saturating_sub(*by)
            };
        };
        match fault {
            Fault::Pause(_) => count(&mut troubles.paused),
            Fault::SyncErrors(_) => count(&mut troubles.sync_errors),
            Fault::Slow(_, by) => sum(&mut troubles.slow, by),
            Fault::SlowDisk(_, by) => sum(&mut troubles.slow_disk, by),
            _ => {}
        }
    }

    /// A node that is no longer slow is through with what it was at work on.
    fn speed_up(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id)
            && node.troubles.slow.is_zero()
        {
            node.is_busy = false;
            self.take_up(id);
        }
    }

    /// A crash or wipe begins.
    fn stop(&mut self, id: NodeId, fault: &Fault) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.troubles.down += 1;
        self.crash(id);
        if matches!(fault, Fault::Wipe(_))
            && let Some(node) = self.node_mut(id)
        {
            node.disk.wipe();
        }
    }

    /// A crash or wipe ends.
    fn restart(&mut self, id: NodeId) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.troubles.down = node.troubles.down.saturating_sub(1);
        if node.troubles.down == 0 {
            self.boot(id);
        }
    }

    /// The moment for a crash in the middle of a step has come.
    pub(super) fn crash_in_step(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.troubles.down += 1;
            node.troubles.down_in_step += 1;
        }
        self.crash(id);
    }

    /// The node comes back, if the crash came at all.
    fn end_crash_in_step(&mut self, id: NodeId) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if node.troubles.down_in_step > 0 {
            node.troubles.down_in_step -= 1;
            self.restart(id);
        } else {
            node.crash_after = None;
        }
    }

    pub(super) fn crash(&mut self, id: NodeId) {
        let storage = self.storage;
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if node.machine.is_some() {
            let is_message = |arrival: &&Arrival<H>| matches!(arrival, Arrival::Message { .. });
            let lost = node.backlog.iter().filter(is_message).count() as u64;
            let fates = node.crash(&storage);
            self.stats.lost += lost;
            self.stats.crashes += 1;
            self.note(id, || format!("crashes; {fates}"));
        }
    }

    /// Starts a node that was [absent](crate::WorldBuilder::absent). Nothing happens when it has
    /// been started before.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    pub fn start(&mut self, id: NodeId) {
        self.assert_exists(id, &"World::start");
        if self
            .node_mut(id)
            .is_some_and(|node| core::mem::take(&mut node.is_absent))
        {
            self.restart(id);
        }
    }

    pub(super) fn hold_back(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.is_absent = true;
            node.troubles.down += 1;
        }
    }

    pub(super) fn boot(&mut self, id: NodeId) {
        let (now, nodes) = (self.now, self.nodes.len());
        let seed = self.boot_seed(id, self.node(id).map_or(0, |node| node.life));
        let Some(node) = self.nodes.get_mut(slot(id)) else {
            return;
        };
        let moment = node.moment(id, now);
        let boot = Boot {
            node: id,
            nodes,
            now: moment.now,
            unix_now: moment.unix_now,
            seed,
            restarts: node.life,
            store: &node.disk.seen,
        };
        node.machine = Some(self.host.start(boot));
        node.life += 1;
        self.note(id, || "starts".to_owned());
        self.settle(id);
    }
}

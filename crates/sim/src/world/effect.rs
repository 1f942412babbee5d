//! What a machine's outputs make happen: messages, disk operations, answers.

use super::step::Arrival;
use super::{World, slot};
use crate::host::{Effect, Host};
use purlin_core::node::NodeId;

impl<H: Host> World<H> {
    pub(super) fn happen(&mut self, id: NodeId, effect: Effect<H>) {
        match effect {
            Effect::Send(to, message) => self.send(id, to, message),
            Effect::Reply(request, reply) => self.reply(id, request, Some(reply)),
            Effect::Refuse(request) => self.reply(id, request, None),
            Effect::Write(..) | Effect::Sync(_) | Effect::Read(_) => self.use_disk(id, effect),
        }
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: H::Message) {
        self.stats.sent += 1;
        let bytes = self.host.message_size(&message);
        let now = self.now;
        let exists = self.node(to).is_some();
        let Some(node) = self.nodes.get_mut(slot(from)) else {
            return;
        };
        let [first, second] = match exists {
            true => self.network.send(now, (from, to), bytes, &mut node.random),
            false => [None, None],
        };
        self.trace.record(now, Some(from), || match first {
            Some(at) => format!("-> {to} {message:?} (arrives {at})"),
            None => format!("-> {to} {message:?} (lost)"),
        });
        if let Some(at) = second {
            self.stats.duplicated += 1;
            let message = message.clone();
            self.schedule(at, to, Arrival::Message { from, message });
        }
        match first {
            Some(at) => self.schedule(at, to, Arrival::Message { from, message }),
            None => self.stats.lost += 1,
        }
    }

    fn use_disk(&mut self, id: NodeId, effect: Effect<H>) {
        let (now, storage) = (self.now, self.storage);
        self.note(id, || match &effect {
            Effect::Write(token, write) => format!("writes {token} {write:?}"),
            Effect::Sync(token) => format!("syncs {token}"),
            Effect::Read(token) => format!("reads {token}"),
            Effect::Send(..) | Effect::Reply(..) | Effect::Refuse(_) => String::new(),
        });
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let started = now + node.troubles.slow_disk;
        let life = node.life;
        let (at, arrival) = match effect {
            Effect::Write(token, write) => {
                node.disk.write(write, &storage);
                let done = started + storage.write_latency.sample(&mut node.random);
                node.disk_done = node.disk_done.max(done);
                (done, Arrival::Written { token, life })
            }
            Effect::Sync(token) => {
                let covered = node.disk.written();
                let done = started + storage.sync_latency.sample(&mut node.random);
                // In order of asking: were a later sync to fail first, this one could not keep its
                // promise.
                let done = done.max(node.disk_done);
                node.disk_done = done;
                (
                    done,
                    Arrival::SyncEnds {
                        token,
                        life,
                        covered,
                    },
                )
            }
            Effect::Read(token) => {
                let done = started + storage.write_latency.sample(&mut node.random);
                (done, Arrival::Read { token, life })
            }
            Effect::Send(..) | Effect::Reply(..) | Effect::Refuse(_) => return,
        };
        self.schedule(at, id, arrival);
    }
}

//! The scripts' commands, carried out.

use super::cluster::{Cluster, ELECTION_TICKS, HEARTBEAT_TICKS, TICK};
use super::node::Node;
use super::render;
use super::script::{Directive, number};
use bytes::Bytes;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::{
    Change, Config, Configuration, Index, MembershipChange, Position, Raft, Recovered, Refusal,
    SnapshotMeta, Term, Transition,
};

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was carried out and prints nothing that is compared.
    Done,
    /// A query's lines.
    Lines(Vec<String>),
    /// The node refused, as it should where etcd prints one of these.
    Refused { why: String, etcd: &'static str },
}

impl Cluster {
    /// The numbers in the command, or all nodes where there are none.
    fn some_or_all(&self, directive: &Directive) -> Result<Vec<u64>, String> {
        let some = directive.positional()?;
        Ok(if some.is_empty() {
            (1..=self.nodes.len() as u64).collect()
        } else {
            some
        })
    }

    /// Carries out a command.
    pub(crate) fn run(&mut self, directive: &Directive) -> Result<Answer, String> {
        match directive.command.as_str() {
            "log-level" => {}
            "add-nodes" => self.add_nodes(directive)?,
            "campaign" => return self.campaign(directive.node()?),
            "propose" => return self.propose(directive),
            "propose-conf-change" => return self.propose_change(directive),
            "process-ready" => self.each(directive, Self::process_ready)?,
            "process-append-thread" => self.each(directive, Self::process_append_thread)?,
            "process-apply-thread" => {
                self.each(directive, |cluster, id| {
                    cluster.node(id)?.process_apply_thread()
                })?;
            }
            "deliver-msgs" => {
                for id in directive.positional()? {
                    self.deliver(id)?;
                }
                let drop = directive.numbers("drop")?;
                self.messages
                    .retain(|message| !drop.contains(&message.to.0));
            }
            "stabilize" => self.stabilize(&self.some_or_all(directive)?)?,
            "tick-heartbeat" => self.tick(directive.node()?, HEARTBEAT_TICKS)?,
            "tick-election" => self.tick(directive.node()?, ELECTION_TICKS)?,
            "set-randomized-election-timeout" => {
                // Our nodes have no jitter here, so that is what it is already.
                if directive.value("timeout") != Some(&ELECTION_TICKS.to_string()) {
                    return Err(format!("only a timeout of {ELECTION_TICKS} can be had"));
                }
            }
            "transfer-leadership" => {
                let id = |key| number(directive.value(key).ok_or("no from and to")?);
                let (from, to) = (id("from")?, id("to")?);
                let transfer = |raft: &mut Raft, now| raft.transfer_leadership(now, NodeId(to));
                self.node(from)?
                    .input(transfer)?
                    .map_err(|refusal| refusal.to_string())?;
            }
            "forget-leader" => self.node(directive.node()?)?.input(Raft::forget_leader)?,
            "report-unreachable" => {
                let [node, peer] = directive.positional()?[..] else {
                    return Err("not two nodes".into());
                };
                self.node(node)?
                    .input(|raft, now| raft.unreachable(now, NodeId(peer)))?;
            }
            "compact" => return self.compact(directive),
            "raft-log" => return Ok(Answer::Lines(self.log(directive.node()?)?)),
            "raft-state" => {
                let states = self.nodes.iter().map(|node| render::state(&node.raft));
                return Ok(Answer::Lines(states.collect()));
            }
            "status" => {
                return Ok(Answer::Lines(render::status(
                    &self.node(directive.node()?)?.raft,
                )));
            }
            command => return Err(format!("the command {command} is not known")),
        }
        Ok(Answer::Done)
    }

    fn each(
        &mut self,
        directive: &Directive,
        run: impl Fn(&mut Self, u64) -> Result<(), String>,
    ) -> Result<(), String> {
        directive
            .positional()?
            .into_iter()
            .try_for_each(|id| run(self, id))
    }

    fn add_nodes(&mut self, directive: &Directive) -> Result<(), String> {
        let voters = directive.numbers("voters")?.into_iter().map(NodeId);
        let mut configuration = Configuration::new(voters);
        for learner in directive.numbers("learners")? {
            let learner = [Change::AddLearner(NodeId(learner))];
            configuration = configuration
                .simple(&learner)
                .map_err(|error| error.to_string())?;
        }
        // etcd's nodes start from a snapshot of term 1 that they have not heard of: ours must have
        // heard of a term to have an entry of it. The terms to come are the same.
        let index = Index(directive.value("index").map_or(Ok(0), number)?);
        let position = Position::new(Term(0), index);
        let asynchronous = is_set(directive, "async-storage-writes");
        for _ in 0..directive.node()? {
            let id = NodeId(self.nodes.len() as u64 + 1);
            let snapshot = SnapshotMeta {
                position,
                configuration: configuration.clone().into(),
                id: 0,
            };
            let recovered = Recovered {
                snapshot,
                applied: index,
                ..Recovered::joining()
            };
            self.nodes
                .push(Node::new(config(id, directive)?, recovered, asynchronous)?);
        }
        Ok(())
    }

    fn campaign(&mut self, id: u64) -> Result<Answer, String> {
        Ok(match self.node(id)?.input(Raft::campaign)? {
            Ok(()) => Answer::Done,
            Err(why) => Answer::Refused {
                why: why.to_string(),
                etcd: "can not campaign",
            },
        })
    }

    fn propose(&mut self, directive: &Directive) -> Result<Answer, String> {
        let command = directive
            .words()
            .nth(1)
            .ok_or("nothing to propose")?
            .to_owned();
        let node = self.node(directive.node()?)?;
        Ok(
            match node.input(|raft, now| raft.propose(now, Bytes::from(command)))? {
                Ok(_) => Answer::Done,
                Err(error) => Answer::Refused {
                    why: error.to_string(),
                    etcd: "proposal dropped",
                },
            },
        )
    }

    fn propose_change(&mut self, directive: &Directive) -> Result<Answer, String> {
        let change = change(directive)?;
        self.change(directive.node()?, change)
    }

    pub(crate) fn change(&mut self, id: u64, change: MembershipChange) -> Result<Answer, String> {
        let proposal = change.clone();
        let node = self.node(id)?;
        match node.input(|raft, now| raft.change_membership(now, proposal))? {
            Ok(_) => Ok(Answer::Done),
            // etcd's node forwards it; ours says to whom, and the host does it.
            Err(Refusal::NotLeader {
                leader: Some(leader),
            }) => self.change(leader.0, change),
            // etcd's leader takes a change before it has committed an entry of its term.
            Err(Refusal::NotReady | Refusal::ChangePending(_)) => {
                node.postponed = Some(change);
                Ok(Answer::Done)
            }
            // etcd appends an empty entry in its place; so does this host, for the indices to come.
            Err(why) => {
                let stand_in = Bytes::from_static(render::STAND_IN);
                let proposed = node.input(|raft, now| raft.propose(now, stand_in))?;
                proposed.map_err(|error| error.to_string())?;
                Ok(Answer::Refused {
                    why: why.to_string(),
                    etcd: "ignoring conf change",
                })
            }
        }
    }

    fn compact(&mut self, directive: &Directive) -> Result<Answer, String> {
        let [id, index] = directive.positional()?[..] else {
            return Err("not a node and an index".into());
        };
        let node = self.node(id)?;
        let meta = node
            .raft
            .snapshot_meta(Index(index), 0)
            .ok_or("nothing to compact there")?;
        node.disk.compact(meta.position);
        let compacted = node.input(|raft, now| raft.compact(now, meta))?;
        compacted.map_err(|refusal| format!("compact was refused: {refusal}"))?;
        Ok(Answer::Lines(self.log(id)?))
    }

    /// raft-log prints what is on the disk.
    fn log(&mut self, id: u64) -> Result<Vec<String>, String> {
        let entries = self.node(id)?.disk.entries();
        Ok(entries
            .map(|(index, entry)| render::entry(index, entry))
            .collect())
    }
}

fn is_set(directive: &Directive, option: &str) -> bool {
    directive.value(option) == Some("true")
}

/// etcd's options, as ours. Its nodes do neither of the two checks unless they are told to.
fn config(id: NodeId, directive: &Directive) -> Result<Config, String> {
    let mut config = Config::new(id);
    config.heartbeat_interval = TICK * HEARTBEAT_TICKS;
    config.election_timeout = TICK * ELECTION_TICKS;
    config.election_jitter = Duration::ZERO;
    config.trailing_entries = 0;
    config.pre_vote = is_set(directive, "prevote");
    config.check_quorum = is_set(directive, "checkquorum");
    if directive.value("read-only") == Some("lease-based") {
        config.lease_drift_ppm = Some(0);
    }
    if let Some(inflight) = directive.value("inflight") {
        config.max_inflight_messages = inflight
            .parse()
            .map_err(|_| format!("inflight={inflight} is no number"))?;
    }
    Ok(config)
}

/// What a script wants changed: `v` adds a voter, `l` a learner, `r` removes.
fn change(directive: &Directive) -> Result<MembershipChange, String> {
    let transition = match directive.value("transition") {
        None | Some("auto") => Transition::Auto,
        Some("implicit") => Transition::Joint { auto_leave: true },
        Some("explicit") => Transition::Joint { auto_leave: false },
        Some(other) => return Err(format!("the transition {other} is not known")),
    };
    let tokens = directive
        .body
        .iter()
        .flat_map(|line| line.split_whitespace());
    let changes = tokens.map(|token| {
        let id = token.get(1..).ok_or("an empty change")?;
        let id = NodeId(number(id)?);
        match &token[..1] {
            "v" => Ok(Change::AddVoter(id)),
            "l" => Ok(Change::AddLearner(id)),
            "r" => Ok(Change::Remove(id)),
            _ => Err(format!("the change {token} is not known")),
        }
    });
    let changes: Vec<_> = changes.collect::<Result<_, String>>()?;
    if changes.is_empty() {
        return Ok(MembershipChange::leave());
    }
    Ok(MembershipChange {
        transition,
        changes,
    })
}

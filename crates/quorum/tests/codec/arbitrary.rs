//! Any messages that correct nodes and machines send, and any things that they store.

use alloc::sync::Arc;
use bytes::Bytes;
use core::num::NonZeroU64;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use purlin_core::node::NodeId;
use purlin_quorum::raft::groups::{Answer, Beat, GroupId, GroupsMessage, Heartbeats};
use purlin_quorum::raft::{
    Body, ClusterId, Configuration, ConfigurationParts, Entries, Entry, HardState, Index, Message,
    Payload, Position, ReadToken, SnapshotChunk, SnapshotMeta, Term,
};

/// Numbers of all lengths: most are short, some use every bit.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift)
}

fn index() -> impl Strategy<Value = Index> {
    number().prop_map(Index)
}

fn position() -> impl Strategy<Value = Position> {
    (number(), index()).prop_map(|(term, index)| Position::new(Term(term), index))
}

fn data() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..20),
        1 => vec(any::<u8>(), 120..140),
    ]
    .prop_map(Bytes::from)
}

/// Each of some nodes is given a part to play.
pub(crate) fn configuration() -> impl Strategy<Value = Configuration> {
    let nodes = btree_set(number().prop_map(|id| NodeId(id.max(1))), 0..8);
    (nodes, vec(0..6_u8, 8), any::<bool>()).prop_map(|(nodes, roles, auto_leave)| {
        let mut parts = ConfigurationParts::default();
        for (node, role) in nodes.into_iter().zip(roles) {
            // The first votes in both halves.
            match if parts.incoming.is_empty() { 0 } else { role } {
                0 => {
                    parts.incoming.push(node);
                    parts.outgoing.push(node);
                }
                1 => parts.incoming.push(node),
                2 => parts.outgoing.push(node),
                3 => parts.learners.push(node),
                4 => {
                    parts.outgoing.push(node);
                    parts.learners_next.push(node);
                }
                _ => {
                    parts.incoming.push(node);
                    parts.outgoing.push(node);
                    parts.witnesses.push(node);
                }
            }
        }
        parts.auto_leave = auto_leave && !parts.outgoing.is_empty();
        // Too many may be witnesses.
        let mut without = parts.clone();
        without.witnesses.clear();
        Configuration::from_parts(parts)
            .or_else(|_| Configuration::from_parts(without))
            .expect("the parts go together")
    })
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    (number(), payload()).prop_map(|(term, payload)| Entry {
        term: Term(term),
        payload,
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        8 => data().prop_map(Payload::Command),
        1 => configuration().prop_map(|all| Payload::Configuration(Arc::new(all))),
    ]
}

/// Entries after one of the term `before`: terms stay or grow.
fn entries_after(first: Index, before: Term) -> impl Strategy<Value = Entries> {
    let growth = prop_oneof![3 => Just(0), 1 => number()];
    vec((growth, payload()), 0..12).prop_map(move |entries| {
        let mut term = before;
        let entry = |(growth, payload)| {
            term = Term(term.0.saturating_add(growth));
            Entry { term, payload }
        };
        Entries::new(first, entries.into_iter().map(entry).collect())
    })
}

/// Far enough from the end of all indices that entries can follow.
fn early_index() -> impl Strategy<Value = Index> {
    number().prop_map(|index| Index(index.min(u64::MAX - 100)))
}

pub(crate) fn entries() -> impl Strategy<Value = Entries> {
    (early_index(), number()).prop_flat_map(|(first, term)| entries_after(first, Term(term)))
}

pub(crate) fn hard_state() -> impl Strategy<Value = HardState> {
    (number(), option::of(number())).prop_map(|(term, vote)| HardState {
        term: Term(term),
        vote: vote.map(NodeId),
    })
}

pub(crate) fn meta() -> impl Strategy<Value = SnapshotMeta> {
    (position(), configuration(), number()).prop_map(|(position, configuration, id)| SnapshotMeta {
        position,
        configuration: Arc::new(configuration),
        id,
    })
}

fn chunk() -> impl Strategy<Value = SnapshotChunk> {
    (meta(), number(), data(), any::<bool>()).prop_map(|(meta, offset, data, done)| SnapshotChunk {
        meta,
        offset,
        data,
        done,
    })
}

fn append() -> impl Strategy<Value = Body> {
    (early_index(), number().prop_map(Term), index(), number()).prop_flat_map(
        |(before, term, commit, round)| {
            let previous = Position::new(term, before);
            entries_after(before.next(), term).prop_map(move |entries| Body::Append {
                previous,
                commit,
                entries,
                round,
            })
        },
    )
}

fn election() -> impl Strategy<Value = Body> {
    prop_oneof![
        (position(), any::<u32>())
            .prop_map(|(last, priority)| Body::RequestPreVote { last, priority }),
        any::<bool>().prop_map(|granted| Body::PreVote { granted }),
        (position(), any::<bool>())
            .prop_map(|(last, transfer)| Body::RequestVote { last, transfer }),
        any::<bool>().prop_map(|granted| Body::Vote { granted }),
        Just(Body::TimeoutNow),
    ]
}

fn replication() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => append(),
        1 => (index(), number()).prop_map(|(matched, round)| Body::Appended { matched, round }),
        1 => (index(), position(), index(), number()).prop_map(
            |(previous, hint, last, round)| Body::Rejected { previous, hint, last, round }
        ),
        1 => (index(), number()).prop_map(|(matched, round)| Body::Full { matched, round }),
        1 => (index(), number(), option::of(position()))
            .prop_map(|(commit, round, quiesce)| Body::Heartbeat { commit, round, quiesce }),
        1 => (index(), index(), number(), any::<bool>()).prop_map(
            |(matched, received, round, quiesced)| Body::HeartbeatAck {
                matched,
                received,
                round,
                quiesced,
            }
        ),
        1 => index().prop_map(|commit| Body::Commit { commit }),
        2 => chunk().prop_map(Body::Snapshot),
        1 => (meta(), number(), number())
            .prop_map(|(meta, stored, round)| Body::SnapshotAck { meta, stored, round }),
    ]
}

fn reading() -> impl Strategy<Value = Body> {
    prop_oneof![
        number().prop_map(|token| Body::RequestReadIndex {
            token: ReadToken(token)
        }),
        (number(), option::of(index())).prop_map(|(token, index)| Body::ReadIndex {
            token: ReadToken(token),
            index
        }),
    ]
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let body = prop_oneof![2 => election(), 4 => replication(), 1 => reading()];
    (number(), number(), number(), number(), number(), body).prop_map(
        |(cluster, from, to, term, incarnation, body)| Message {
            cluster: ClusterId(cluster),
            from: NodeId(from),
            to: NodeId(to),
            term: Term(term),
            incarnation: NonZeroU64::new(incarnation),
            body,
        },
    )
}

/// In any order, although machines send most of them in an ascending one.
fn group() -> impl Strategy<Value = GroupId> {
    prop_oneof![0..300_u64, number()].prop_map(GroupId)
}

fn beat() -> impl Strategy<Value = Beat> {
    (group(), number(), index(), number(), any::<bool>()).prop_map(
        |(group, term, commit, round, quiesce)| Beat {
            group,
            term: Term(term),
            commit,
            round,
            quiesce,
        },
    )
}

/// More received than matched, as correct followers have it, or less.
fn answer() -> impl Strategy<Value = Answer> {
    let numbers = (number(), index(), index(), number());
    (group(), numbers, any::<bool>()).prop_map(
        |(group, (term, matched, received, round), quiesced)| Answer {
            group,
            term: Term(term),
            matched,
            received,
            round,
            quiesced,
        },
    )
}

fn heartbeats() -> impl Strategy<Value = Heartbeats> {
    let ends = (number(), number(), number(), number());
    let said = (vec(group(), 0..4), vec(beat(), 0..8), vec(answer(), 0..8));
    (ends, any::<u64>(), number(), said).prop_map(
        |((cluster, from, to, incarnation), run, retractions, (retracted, beats, answers))| {
            Heartbeats {
                cluster: ClusterId(cluster),
                from: NodeId(from),
                to: NodeId(to),
                incarnation: NonZeroU64::new(incarnation),
                run,
                retractions,
                retracted,
                beats,
                answers,
            }
        },
    )
}

pub(crate) fn groups_message() -> impl Strategy<Value = GroupsMessage> {
    prop_oneof![
        1 => (group(), message()).prop_map(|(group, message)| GroupsMessage::Group(group, message)),
        2 => heartbeats().prop_map(GroupsMessage::Heartbeats),
    ]
}

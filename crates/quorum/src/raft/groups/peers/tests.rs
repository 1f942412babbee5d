use super::{Heard, Peers};
use crate::raft::groups::{GroupId, Heartbeats};
use crate::raft::{Config, Configuration};
use alloc::vec::Vec;
use purlin_core::node::NodeId;
use purlin_core::time::Instant;

const NOW: Instant = Instant::from_secs(1);

/// What machine 1 says to machine 2.
fn said(peers: &mut Peers) -> Heartbeats {
    let mut said = Vec::new();
    peers.flush(&Config::new(NodeId(1)), 77, true, |heartbeats| {
        said.push(heartbeats);
    });
    assert_eq!(said.len(), 1);
    said.remove(0)
}

fn members() -> Configuration {
    Configuration::new([1, 2].map(NodeId))
}

#[test]
fn a_peer_that_comes_back_counts_on() {
    let (mut here, mut there) = (Peers::default(), Peers::default());
    there.share(&members(), NodeId(2), NOW);
    for group in 1..4 {
        here.share(&members(), NodeId(1), NOW);
        here.retract(GroupId(group), &members());
        let message = said(&mut here);
        assert_eq!(message.retracted, [GroupId(group)]);
        // The first one is also the first sign of life.
        let first = if group == 1 {
            Heard::AllRetracted
        } else {
            Heard::Retracted
        };
        assert_eq!(there.hear(&message, NOW), first);
        assert_eq!(there.hear(&message, NOW), Heard::Nothing, "again");
        here.unshare(&members(), NodeId(1));
        assert!(here.is_empty(), "nothing is kept of it");
    }
}

#[test]
fn what_is_lost_or_overtaken_is_noticed() {
    let (mut here, mut there) = (Peers::default(), Peers::default());
    here.share(&members(), NodeId(1), NOW);
    there.share(&members(), NodeId(2), NOW);
    here.pass_beat(10);
    let alive = said(&mut here);
    there.hear(&alive, NOW);
    let mut messages = (1..5).map(|group| {
        here.retract(GroupId(group), &members());
        said(&mut here)
    });
    let (one, two, three, four) = (
        messages.next(),
        messages.next(),
        messages.next(),
        messages.next(),
    );
    drop(messages);
    let mut hear = |message: Option<Heartbeats>| there.hear(&message.expect("four"), NOW);
    assert_eq!(hear(one), Heard::Retracted);
    assert_eq!(hear(three), Heard::AllRetracted, "one is missing");
    assert_eq!(hear(two), Heard::Late);
    assert_eq!(hear(four.clone()), Heard::Retracted);
    let another_run = four.map(|message| Heartbeats { run: 78, ..message });
    assert_eq!(hear(another_run), Heard::AllRetracted);
}

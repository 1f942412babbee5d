//! What is refused, and what then comes back.

use crate::world::World;
use bytes::Bytes;
use purlin_core::machine::Machine as _;
use purlin_core::node::NodeId;
use purlin_quorum::raft::groups::{CreateError, GroupId, GroupsError, GroupsInput, GroupsMessage};
use purlin_quorum::raft::{Input, ProposeError, Recovered, Refusal};

#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::silent(24);
    let now = world.now;
    let leader = world.leader(0).expect("a leader");
    let other = leader % 3 + 1;
    let machine = world.machines.get_mut(&other).expect("a machine");
    let again = machine.create(now, GroupId(0), Recovered::joining());
    assert_eq!(again, Err(CreateError::Exists(GroupId(0))));
    let impossible = Recovered {
        applied: purlin_quorum::raft::Index(1),
        ..Recovered::joining()
    };
    let error = machine.create(now, GroupId(77), impossible).unwrap_err();
    assert!(matches!(error, CreateError::Start(_)));
    assert!(machine.get(GroupId(77)).is_none());

    let command = Bytes::from_static(b"kept");
    let input = Input::Propose(command.clone());
    match machine.handle(now, GroupsInput::Group(GroupId(77), input.clone())) {
        Err(GroupsError::UnknownGroup(GroupId(77), back)) => assert_eq!(*back, input),
        other => panic!("{other:?}"),
    }
    match machine.handle(now, GroupsInput::Group(GroupId(0), input)) {
        Err(GroupsError::Refused(GroupId(0), purlin_quorum::raft::Error::Propose(error))) => {
            let leader = Some(NodeId(leader));
            let reason = Refusal::NotLeader { leader };
            assert_eq!(
                error,
                ProposeError {
                    reason,
                    proposal: command
                }
            );
        }
        other => panic!("{other:?}"),
    }
    let heartbeats = world
        .coalesced
        .iter()
        .find(|message| message.to.0 == leader);
    let message = GroupsMessage::Heartbeats(heartbeats.expect("some").clone());
    let misdirected = world
        .machines
        .get_mut(&other)
        .expect("a machine")
        .receive(now, message);
    assert_eq!(misdirected, Err(GroupsError::Misdirected));
}

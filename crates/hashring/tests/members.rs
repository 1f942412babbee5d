//! Members: their identities, weights and places, the roster that keeps them, and what comes back
//! of a change that is refused.
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use proptest::prelude::*;
use purlin_hashring::{
    BuildError, Epoch, Identity, IntoMember, KeyHash, Locality, Member, MemberRef, Membership,
    MembershipError, NodeId, NodeIdx, Placement, Refused, Rendezvous, Roster, Weight,
};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// XXH3 of the text, by the crate that is its published implementation: the promise to other
/// languages.
fn xxh3(text: &str) -> NodeId {
    NodeId(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

#[test]
fn text_is_identified_by_its_xxh3() {
    assert_eq!("".id(), NodeId(0x2d06_8005_38d3_94c2));
    for text in ["", "cache-1", "10.0.0.1:80", "größer"] {
        assert_eq!(text.id(), xxh3(text));
        assert_eq!(String::from(text).id(), xxh3(text));
        assert_eq!(text.as_bytes().id(), xxh3(text));
    }
}

#[test]
fn numbers_are_their_own_identity() {
    for number in [0, 1, u32::MAX] {
        assert_eq!(number.id(), NodeId(number.into()));
        assert_eq!(u64::from(number).id(), NodeId(number.into()));
    }
    assert_eq!(u64::MAX.id(), NodeId(u64::MAX));
    assert_eq!(NodeId(7).id(), NodeId(7));
}

#[test]
fn pointers_are_what_they_point_to() {
    let id = "node".id();
    assert_eq!((&&"node").id(), id);
    assert_eq!(Box::<str>::from("node").id(), id);
    assert_eq!(Rc::<str>::from("node").id(), id);
    assert_eq!(Arc::new(String::from("node")).id(), id);
}

/// The longest text that an address has: all groups, and the largest scope and port.
#[test]
fn the_longest_address_is_its_text() {
    let ip = Ipv6Addr::from([0xff; 16]);
    let address = SocketAddr::V6(SocketAddrV6::new(ip, u16::MAX, 0, u32::MAX));
    let text = address.to_string();
    assert_eq!(text.len(), 58);
    assert_eq!(address.id(), xxh3(&text));
}

proptest! {
    #[test]
    fn addresses_are_identified_by_their_text(
        v4: [u8; 4], v6: [u16; 8], port: u16, scope: u32,
    ) {
        let v6 = Ipv6Addr::from(v6);
        for ip in [IpAddr::from(v4), IpAddr::from(v6)] {
            prop_assert_eq!(ip.id(), xxh3(&ip.to_string()));
            let address = SocketAddr::new(ip, port);
            prop_assert_eq!(address.id(), xxh3(&address.to_string()));
            prop_assert_eq!(address.id(), address.to_string().id());
        }
        let scoped = SocketAddr::V6(SocketAddrV6::new(v6, port, 0, scope));
        prop_assert_eq!(scoped.id(), xxh3(&scoped.to_string()));
    }
}

#[test]
fn a_bare_node_is_a_member_of_weight_one() {
    let member = "a".into_member();
    assert_eq!(member, Member::new("a"));
    assert_eq!(
        (member.weight, member.locality),
        (Weight::ONE, Locality::default())
    );
    assert_eq!(
        Member::new("a").weight(7).into_member().weight,
        Weight::new(7)
    );
}

#[test]
fn places_differ_in_every_part() {
    let here = Locality::zone("z").rack("r").host("h");
    assert_eq!(here, Locality::zone(b"z").rack(String::from("r")).host("h"));
    for there in [
        Locality::zone("Z").rack("r").host("h"),
        Locality::zone("z").rack("R").host("h"),
        Locality::zone("z").rack("r").host("H"),
        Locality::zone("z").rack("r"),
        Locality::zone("z").host("h"),
        Locality::default().rack("r").host("h"),
    ] {
        assert_ne!(here, there);
    }
}

/// A node that cannot be cloned nor compared: what is refused must come back itself.
#[derive(Debug)]
struct Connection {
    name: &'static str,
    sent: u64,
}

impl Identity for Connection {
    fn id(&self) -> NodeId {
        self.name.id()
    }
}

fn connection(name: &'static str, sent: u64) -> Connection {
    Connection { name, sent }
}

#[test]
fn a_refused_member_comes_back() {
    let mut placement = Rendezvous::new([connection("a", 1)]).expect("one member");
    let place = Locality::zone("z");
    let twin = Member::new(connection("a", 99)).weight(5).locality(place);
    let refused = placement
        .add(twin)
        .expect_err("a member of that name is there");
    assert_eq!(refused.reason, MembershipError::Duplicate { id: "a".id() });
    assert_eq!(refused.member.node.sent, 99);
    assert_eq!(
        (refused.member.weight, refused.member.locality),
        (Weight::new(5), place)
    );
    assert_eq!(
        refused.to_string(),
        format!("node {} is a member already", "a".id())
    );
    assert_eq!(placement.epoch(), Epoch(0));
    assert_eq!(placement.node(NodeIdx(0)).map(|node| node.sent), Some(1));

    // It is not printed, since a node may hold secrets or not be printable.
    struct Secret;
    impl Identity for Secret {
        fn id(&self) -> NodeId {
            NodeId(1)
        }
    }
    let reason = MembershipError::Duplicate { id: NodeId(1) };
    let refused = Refused {
        member: Member::new(Secret),
        reason: reason.clone(),
    };
    assert_eq!(
        format!("{refused:?}"),
        format!("Refused {{ reason: {reason:?}, .. }}")
    );
    assert_eq!(MembershipError::from(refused), reason);
}

#[test]
fn a_removed_member_comes_back() {
    let place = Locality::zone("z").host("h");
    let member = Member::new(connection("a", 7)).weight(3).locality(place);
    let mut placement = Rendezvous::new([member]).expect("one member");
    let member = placement.remove("a".id()).expect("it is there");
    assert_eq!(
        (member.node.sent, member.weight, member.locality),
        (7, Weight::new(3), place)
    );
    assert!(placement.is_empty());
    let missing = placement.remove("a".id()).expect_err("it is gone");
    assert_eq!(missing, MembershipError::Unknown { id: "a".id() });
}

#[test]
fn a_list_with_twins_is_refused_by_position() {
    let build = |names: &[&'static str]| Rendezvous::new(names.to_vec()).map(|_| ());
    let twin = |position, name: &str| {
        let reason = MembershipError::Duplicate { id: name.id() };
        Err(BuildError::Member { position, reason })
    };
    assert_eq!(build(&["a", "b", "a"]), twin(2, "a"));
    assert_eq!(build(&["a", "b", "b"]), twin(2, "b"));
    assert_eq!(build(&["b", "a", "c", "d", "a", "a"]), twin(4, "a"));
    assert_eq!(build(&["a", "b", "c"]), Ok(()));
    assert_eq!(
        twin(4, "a").expect_err("a twin").to_string(),
        format!("member 4: node {} is a member already", "a".id())
    );
    // An address and its text are the same node.
    let address: SocketAddr = "10.0.0.1:80".parse().expect("an address");
    assert_eq!(build(&["10.0.0.1:80"]), Ok(()));
    assert_eq!(address.id(), "10.0.0.1:80".id());
}

/// Gaps are filled latest first; a gap at the end is none.
#[test]
fn indices_stay_and_gaps_are_filled_latest_first() {
    let mut roster = Roster::of(["a", "b", "c", "d", "e"]).expect("five members");
    let index = |roster: &Roster<_>, name: &str| roster.find(name.id()).map(|index| index.0);
    roster.leave("b".id()).expect("a member");
    roster.leave("d".id()).expect("a member");
    assert_eq!(
        ["a", "c", "e"].map(|name| index(&roster, name)),
        [Some(0), Some(2), Some(4)]
    );
    assert_eq!(["b", "d"].map(|name| index(&roster, name)), [None; 2]);
    assert_eq!(roster.join(Member::new("f")), Ok(NodeIdx(3)));
    assert_eq!(roster.join(Member::new("g")), Ok(NodeIdx(1)));
    assert_eq!(roster.join(Member::new("h")), Ok(NodeIdx(5)));

    // With no gaps, the last index goes with its node, and the next member has it again.
    roster.leave("h".id()).expect("a member");
    roster.leave("e".id()).expect("a member");
    assert_eq!(roster.get(NodeIdx(4)), None);
    assert_eq!(roster.join(Member::new("i")), Ok(NodeIdx(4)));
    assert_eq!(roster.join(Member::new("j")), Ok(NodeIdx(5)));
}

#[test]
fn a_roster_shows_its_members() {
    let place = Locality::zone("z");
    let members = [
        Member::new("a").weight(2),
        Member::new("b").weight(0).locality(place),
        Member::new("c").weight(u32::MAX),
    ];
    let placement = Rendezvous::new(members).expect("three members");
    let roster = placement.roster();
    assert_eq!((roster.len(), roster.is_empty()), (3, false));
    assert_eq!(roster.total_weight(), 2 + u64::from(u32::MAX));
    let b = roster.get(NodeIdx(1)).expect("a member");
    assert_eq!((b.index, b.id, *b.node), (NodeIdx(1), "b".id(), "b"));
    assert_eq!((b.weight, b.locality), (Weight::DRAIN, place));
    let names: Vec<_> = roster.iter().map(|member| *member.node).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(roster.get(NodeIdx(3)), None);
    assert_eq!(roster.find("d".id()), None);
    assert!(
        Roster::<u64>::of(Vec::<u64>::new())
            .expect("no member")
            .is_empty()
    );
    assert!(format!("{roster:?}").contains("node: \"b\""));
}

#[test]
fn the_largest_weights_add_up() {
    let heavy = (0..1_000_u32).map(|node| Member::new(node).weight(Weight::MAX));
    let placement = Rendezvous::new(heavy).expect("a thousand members");
    assert_eq!(
        placement.roster().total_weight(),
        1_000 * u64::from(u32::MAX)
    );
    assert!(placement.owner(KeyHash(1)).is_some());
}

/// A roster by its own methods against a map and a list of free indices.
#[derive(Clone, Debug)]
enum Change {
    Join(u64, u32),
    Leave(u64),
    Reweigh(u64, u32),
}

fn change() -> impl Strategy<Value = Change> {
    let node = 0..12_u64;
    prop_oneof![
        3 => (node.clone(), any::<u32>()).prop_map(|(node, weight)| Change::Join(node, weight)),
        2 => node.clone().prop_map(Change::Leave),
        1 => (node, any::<u32>()).prop_map(|(node, weight)| Change::Reweigh(node, weight)),
    ]
}

proptest! {
    #[test]
    fn a_roster_is_a_map(changes in prop::collection::vec(change(), 0..80)) {
        let mut roster = Roster::of(Vec::<u64>::new()).expect("no member");
        let mut model: HashMap<u64, (u32, u32)> = HashMap::new();
        for change in changes {
            match change {
                Change::Join(node, weight) => {
                    let joined = roster.join(Member::new(node).weight(weight));
                    if model.contains_key(&node) {
                        let refused = joined.expect_err("a twin");
                        let duplicate = MembershipError::Duplicate { id: NodeId(node) };
                        prop_assert_eq!(refused.reason, duplicate);
                        prop_assert_eq!(refused.member, Member::new(node).weight(weight));
                    } else {
                        let index = joined.expect("a new node").0;
                        let taken = model.values().any(|&(other, _)| other == index);
                        prop_assert!(!taken, "{} is somebody's", index);
                        model.insert(node, (index, weight));
                    }
                }
                Change::Leave(node) => {
                    let left = roster.leave(NodeId(node)).map(|member| (member.node, member.weight));
                    let known = model.remove(&node).map(|(_, weight)| (node, Weight::new(weight)));
                    prop_assert_eq!(left, known.ok_or(MembershipError::Unknown { id: NodeId(node) }));
                }
                Change::Reweigh(node, weight) => {
                    let former = roster.reweigh(NodeId(node), Weight::new(weight));
                    let known = model.get_mut(&node)
                        .map(|seat| Weight::new(core::mem::replace(&mut seat.1, weight)));
                    prop_assert_eq!(former, known.ok_or(MembershipError::Unknown { id: NodeId(node) }));
                }
            }
            let view = |member: MemberRef<'_, u64>| (*member.node, (member.index.0, member.weight.get()));
            let found: HashMap<_, _> = roster.iter().map(view).collect();
            prop_assert_eq!(&found, &model);
            for (&node, &(index, _)) in &model {
                prop_assert_eq!(roster.find(NodeId(node)), Some(NodeIdx(index)));
                prop_assert_eq!(roster.get(NodeIdx(index)).map(|member| *member.node), Some(node));
            }
            let total: u64 = model.values().map(|&(_, weight)| u64::from(weight)).sum();
            prop_assert_eq!(roster.total_weight(), total);
        }
    }
}

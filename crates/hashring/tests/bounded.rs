//! Bounded loads against a naive model, under change, and from many threads.
#![cfg(not(purlin_loom))]

extern crate alloc;

use alloc::collections::{BTreeMap, VecDeque};
use core::panic::AssertUnwindSafe;
use proptest::prelude::*;
use purlin_hashring::bounded::{AcquireError, Assigner, Assignment, Token};
use purlin_hashring::{
    BuildError, Epoch, KeyHash, Member, Membership, MembershipError, NodeId, NodeIdx, Placement,
    Preference, Refused, Rendezvous, Roster, Shared, SlotTable, Weight,
};
use std::panic::catch_unwind;

fn assigner(nodes: impl IntoIterator<Item = u64>, percent: u32) -> Assigner<Rendezvous<u64>> {
    let nodes = Rendezvous::new(nodes).expect("distinct");
    Assigner::new(nodes, percent).expect("100 or more")
}

fn key(number: u64) -> KeyHash {
    KeyHash(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Load by identity.
fn loads<P: Membership>(assigner: &Assigner<P>) -> BTreeMap<u64, usize> {
    let load = |index| assigner.load(index).expect("a member");
    let members = assigner.placement().roster().iter();
    members
        .map(|member| (member.id.0, load(member.index)))
        .collect()
}

/// What is out, in either of the two forms that it can have.
#[derive(Debug)]
enum Held {
    Assignment(Assignment),
    Token(Token),
}

impl Held {
    fn id(&self) -> u64 {
        match self {
            Self::Assignment(assignment) => assignment.id().0,
            Self::Token(token) => token.id().0,
        }
    }

    fn give_back(self) {
        match self {
            Self::Assignment(assignment) => drop(assignment),
            Self::Token(token) => token.release(),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Acquire(u64),
    AcquireToken(u64),
    Release(prop::sample::Index),
    Add(u64, u32),
    Remove(u64),
    Reweight(u64, u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..5).prop_map(Step::Acquire),
        2 => (0_u64..5).prop_map(Step::AcquireToken),
        4 => any::<prop::sample::Index>().prop_map(Step::Release),
        2 => (0_u64..8, 0_u32..4).prop_map(|(id, weight)| Step::Add(id, weight)),
        1 => (0_u64..8).prop_map(Step::Remove),
        1 => (0_u64..8, 0_u32..4).prop_map(|(id, weight)| Step::Reweight(id, weight)),
    ]
}

/// The definition, with the list of what is out for its only state besides the members.
#[derive(Default)]
struct Model {
    percent: u64,
    members: BTreeMap<u64, u32>,
    out: Vec<u64>,
}

impl Model {
    fn load(&self, id: u64) -> usize {
        self.out.iter().filter(|&&node| node == id).count()
    }

    fn capacity(&self, id: u64) -> usize {
        let total: u64 = self.members.values().map(|&weight| u64::from(weight)).sum();
        let claim = self.percent * (self.out.len() as u64 + 1) * u64::from(self.members[&id]);
        let capacity = if total == 0 {
            0
        } else {
            claim.div_ceil(100 * total)
        };
        usize::try_from(capacity).expect("small")
    }

    /// Where the key belongs if all nodes without room were gone: a placement of the others says.
    fn choose(&self, key: KeyHash) -> Option<u64> {
        let has_room = |&(&id, _): &(&u64, &u32)| self.load(id) < self.capacity(id);
        let nodes = self.members.iter().filter(has_room);
        let nodes = Rendezvous::new(nodes.map(|(&id, &weight)| Member::new(id).weight(weight)));
        let nodes = nodes.expect("distinct");
        nodes.node(nodes.owner(key)?).copied()
    }
}

/// An assigner, what is out of it, and what the model says.
struct Both {
    assigner: Assigner<Rendezvous<u64>>,
    held: Vec<Held>,
    model: Model,
}

impl Both {
    fn new(percent: u32, nodes: u64) -> Self {
        Self {
            assigner: assigner(0..nodes, percent),
            held: Vec::new(),
            model: Model {
                percent: percent.into(),
                members: (0..nodes).map(|id| (id, 1)).collect(),
                ..Model::default()
            },
        }
    }

    fn acquired(&mut self, key: KeyHash, acquired: Result<Held, AcquireError>) {
        let expected = self.model.choose(key).ok_or(AcquireError::NoNode);
        assert_eq!(
            acquired.as_ref().map(Held::id).map_err(|&error| error),
            expected
        );
        self.model.out.extend(expected);
        self.held.extend(acquired);
    }

    fn step(&mut self, step: &Step) {
        let Self {
            assigner, model, ..
        } = self;
        match *step {
            Step::Acquire(number) => {
                let acquired = assigner.try_acquire(key(number)).map(Held::Assignment);
                self.acquired(key(number), acquired);
            }
            Step::AcquireToken(number) => {
                let acquired = assigner.acquire_token(key(number)).map(Held::Token);
                self.acquired(key(number), acquired);
            }
            Step::Release(which) => {
                if !self.held.is_empty() {
                    let at = which.index(self.held.len());
                    self.held.swap_remove(at).give_back();
                    model.out.swap_remove(at);
                }
            }
            Step::Add(id, weight) => {
                let member = Member::new(id).weight(weight);
                let added = assigner.update(|nodes| nodes.add(member)).is_ok();
                assert_eq!(added, !model.members.contains_key(&id));
                model.members.entry(id).or_insert(weight);
            }
            Step::Remove(id) => {
                let removed = assigner.update(|nodes| nodes.remove(NodeId(id))).is_ok();
                assert_eq!(removed, model.members.remove(&id).is_some());
            }
            Step::Reweight(id, weight) => {
                let set = assigner.update(|nodes| nodes.set_weight(NodeId(id), weight.into()));
                assert_eq!(set.is_ok(), model.members.contains_key(&id));
                model.members.entry(id).and_modify(|it| *it = weight);
            }
        }
    }

    fn check(&self) {
        let Self {
            assigner, model, ..
        } = self;
        assert_eq!(assigner.in_flight(), model.out.len());
        let ids = model.members.keys();
        let expected: BTreeMap<_, _> = ids.map(|&id| (id, model.load(id))).collect();
        assert_eq!(loads(assigner), expected);
        for member in assigner.placement().roster().iter() {
            let capacity = model.capacity(member.id.0);
            assert_eq!(assigner.capacity(member.index), Some(capacity));
        }
    }
}

proptest! {
    #[test]
    fn a_key_goes_to_its_first_node_with_room(
        percent in prop_oneof![Just(100_u32), 100_u32..300, Just(100_000)],
        nodes in 0_u64..6,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut both = Both::new(percent, nodes);
        for step in steps {
            both.step(&step);
            both.check();
        }
    }
}

#[test]
fn a_factor_below_one_is_refused() {
    let refused = Assigner::new(Rendezvous::new([1_u64]).expect("one node"), 99);
    let expected = BuildError::Option {
        option: "factor_percent",
        value: 99,
        bound: "100 or more",
    };
    assert_eq!(refused.map(|_| ()).unwrap_err(), expected);
}

#[test]
fn without_a_node_that_takes_keys_nothing_is_assigned_or_counted() {
    let mut assigner = assigner([], 100);
    let nothing = assigner.try_acquire(key(1)).unwrap_err();
    assert_eq!(nothing, AcquireError::NoNode);
    let drained = Member::new(1).weight(Weight::DRAIN);
    let index = assigner.update(|nodes| nodes.add(drained)).expect("new");
    let nothing = assigner.acquire_token(key(1)).unwrap_err();
    assert_eq!(nothing, AcquireError::NoNode);
    assert_eq!((assigner.in_flight(), assigner.load(index)), (0, Some(0)));
    assert_eq!(assigner.capacity(index), Some(0));
    assert_eq!(assigner.load(NodeIdx(1)), None);
}

/// From 3 to 7 nodes at full load, where assigners of partitions panicked for want of room
/// (buraksezer/consistent #13, Tochemey/goakt #1009).
#[test]
fn scaling_up_at_full_load_fills_the_new_nodes_first() {
    let table = SlotTable::builder()
        .slots(1 << 10)
        .build([0_u64, 1, 2])
        .expect("distinct");
    let shared = Shared::new(Assigner::new(table, 100).expect("a factor of 1"));
    let acquire = |number| {
        let assigner = shared.load();
        assigner
            .try_acquire(key(number))
            .expect("there is always room")
    };

    let mut out: Vec<_> = (0..999).map(acquire).collect();
    assert_eq!(loads(&shared.load()), [(0, 333), (1, 333), (2, 333)].into());
    for id in 3..7 {
        shared
            .update(|next| next.update(|nodes| nodes.add(Member::new(id))))
            .expect("new");
        // One more node, and work for it at once.
        let fresh = acquire(1_000 + id);
        assert!((3..=id).contains(&fresh.id().0), "{fresh:?}");
        out.push(fresh);
    }
    // The old nodes have more than their share until 7 * 333 are out.
    let more: Vec<_> = (out.len() as u64..7 * 333).map(acquire).collect();
    assert!(more.iter().all(|assignment| assignment.id().0 >= 3));
    assert_eq!(loads(&shared.load()), (0..7).map(|id| (id, 333)).collect());

    drop((out, more));
    assert_eq!(loads(&shared.load()), (0..7).map(|id| (id, 0)).collect());
}

#[test]
fn a_node_comes_back_with_what_it_still_has() {
    let mut assigner = assigner([1, 2], 100);
    let mut out: Vec<_> = (0..20)
        .map(|number| assigner.try_acquire(key(number)).expect("room"))
        .collect();
    assigner
        .update(|nodes| nodes.remove(NodeId(1)))
        .expect("a member");
    assert_eq!(assigner.in_flight(), 20);
    assert_eq!(loads(&assigner), [(2, 10)].into());

    // Six of its ten end while it is away, and it misses another change of members.
    let of_the_former = |held: &mut Assignment| held.id() == NodeId(1);
    drop(Vec::from_iter(out.extract_if(.., of_the_former).take(6)));
    assigner
        .update(|nodes| nodes.add(Member::new(3)))
        .expect("new");
    assigner
        .update(|nodes| nodes.add(Member::new(1)))
        .expect("new again");
    assert_eq!(loads(&assigner), [(1, 4), (2, 10), (3, 0)].into());
    drop(out);
    assert_eq!(loads(&assigner), [(1, 0), (2, 0), (3, 0)].into());
    assert_eq!(assigner.in_flight(), 0);
}

#[test]
fn clones_count_together_and_assignments_outlive_them() {
    let older = assigner([1, 2], 100);
    let mut newer = older.clone();
    newer
        .update(|nodes| nodes.add(Member::new(3)))
        .expect("new");
    let first = older.try_acquire(key(0)).expect("room");
    let second = newer.try_acquire(key(0)).expect("room");
    assert_ne!(first.id(), second.id(), "each counts what the other gave");
    assert_eq!((older.in_flight(), newer.in_flight()), (2, 2));
    assert_eq!(older.load(first.index()), Some(1));
    assert_eq!(newer.load(first.index()), Some(1));

    drop(first);
    assert_eq!((older.in_flight(), newer.in_flight()), (1, 1));
    drop((older, newer));
    assert!([1, 2, 3].contains(&second.id().0));
}

#[test]
fn a_panic_in_a_change_leaves_a_sound_assigner() {
    let mut assigner = assigner([1, 2, 3], 100);
    let held = assigner.try_acquire(key(0)).expect("room");
    let change = AssertUnwindSafe(|| {
        assigner.update(|nodes| {
            nodes.remove(NodeId(1)).expect("a member");
            nodes.add(Member::new(4)).expect("new");
            panic!("half-way");
        });
    });
    assert!(catch_unwind(change).is_err());
    drop(held);
    let out: Vec<_> = (0..30)
        .map(|number| assigner.try_acquire(key(number)).expect("room"))
        .collect();
    assert_eq!(loads(&assigner), [(2, 10), (3, 10), (4, 10)].into());
    drop(out);
    assert_eq!(assigner.in_flight(), 0);
}

/// A placement whose walk breaks its promise: it gives up after the owner.
struct OwnerOnly(Rendezvous<u64>);

impl Placement for OwnerOnly {
    type Node = u64;

    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.0.owner(key)
    }

    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        self.0.replicas(key, out)
    }

    fn node(&self, index: NodeIdx) -> Option<&u64> {
        self.0.node(index)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn epoch(&self) -> Epoch {
        self.0.epoch()
    }
}

impl Preference for OwnerOnly {
    fn owner_where(
        &self,
        key: KeyHash,
        accept: &mut dyn FnMut(NodeIdx) -> bool,
    ) -> Option<NodeIdx> {
        self.owner(key).filter(|&owner| accept(owner))
    }
}

impl Membership for OwnerOnly {
    fn add(&mut self, member: Member<u64>) -> Result<NodeIdx, Refused<u64>> {
        self.0.add(member)
    }

    fn remove(&mut self, id: NodeId) -> Result<Member<u64>, MembershipError> {
        self.0.remove(id)
    }

    fn set_weight(&mut self, id: NodeId, weight: Weight) -> Result<Weight, MembershipError> {
        self.0.set_weight(id, weight)
    }

    fn roster(&self) -> &Roster<u64> {
        self.0.roster()
    }

    fn check_invariants(&self) {
        self.0.check_invariants();
    }
}

#[test]
fn a_walk_that_gives_up_early_costs_order_and_not_the_answer() {
    let nodes = OwnerOnly(Rendezvous::new([1, 2, 3]).expect("distinct"));
    let assigner = Assigner::new(nodes, 100).expect("a factor of 1");
    let out: Vec<_> = (0..30)
        .map(|_| assigner.try_acquire(key(0)).expect("room"))
        .collect();
    assert_eq!(loads(&assigner), [(1, 10), (2, 10), (3, 10)].into());
    drop(out);
    assert_eq!(assigner.in_flight(), 0);
}

/// Work from 4 threads, each with at most 8 in flight and all on few keys.
fn hammer(
    shared: &Shared<Assigner<Rendezvous<u64>>>,
    look: impl Fn(&Assigner<Rendezvous<u64>>) + Sync,
) {
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (look, mut reader) = (&look, shared.reader());
            scope.spawn(move || {
                let mut window = VecDeque::new();
                for turn in 0..5_000 {
                    if window.len() == 8 {
                        window.pop_front();
                    }
                    let assigner = reader.load();
                    let assignment = assigner.try_acquire(key((turn + thread) % 3));
                    window.push_back(assignment.expect("there is always room"));
                    look(assigner);
                }
            });
        }
    });
}

#[test]
fn many_threads_stay_within_the_bound() {
    let members = (1..=5_u32).map(|id| Member::new(u64::from(id)).weight(id));
    let nodes = Rendezvous::new(members).expect("distinct");
    let shared = Shared::new(Assigner::new(nodes, 125).expect("100 or more"));
    hammer(&shared, |assigner| {
        assert!(assigner.in_flight() <= 32, "4 threads, 8 each");
        for member in assigner.placement().roster().iter() {
            let most = (125 * 32 * member.weight.get()).div_ceil(100 * 15);
            assert!(assigner.load(member.index) <= Some(most as usize));
        }
    });
    assert_eq!(shared.load().in_flight(), 0);
    assert_eq!(loads(&shared.load()), (1..6).map(|id| (id, 0)).collect());
}

#[test]
fn no_count_is_lost_while_nodes_come_and_go() {
    let shared = Shared::new(assigner(0..5, 100));
    std::thread::scope(|scope| {
        let work = scope.spawn(|| hammer(&shared, |_| ()));
        for id in (1..5_u64).cycle() {
            let remove = |nodes: &mut Rendezvous<_>| nodes.remove(NodeId(id));
            let removed = shared.update(|next| next.update(remove));
            assert_eq!(removed, Ok(Member::new(id)));
            let add = |nodes: &mut Rendezvous<_>| nodes.add(Member::new(id));
            assert!(shared.update(|next| next.update(add)).is_ok());
            if work.is_finished() {
                break;
            }
        }
    });
    assert_eq!(shared.load().in_flight(), 0);
    assert_eq!(loads(&shared.load()), (0..5).map(|id| (id, 0)).collect());
}

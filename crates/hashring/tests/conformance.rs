//! The conformance suite: on a placement that is whole it passes; each of its properties finds the
//! flaw that it is there to find.

#[path = "reference/rendezvous.rs"]
mod reference;

use core::panic::AssertUnwindSafe;
use purlin_hashring::conformance::{self, History, Step, Subject};
use purlin_hashring::{
    BuildError, Epoch, KeyHash, Member, MembershipError, NodeId, NodeIdx, Placement, Ranged,
    Rendezvous, Roster, Weight,
};
use reference::{Flaw, NaiveRendezvous, promises};
use std::panic::catch_unwind;

fn naive(flaw: Flaw) -> Subject<'static> {
    Subject::new(promises(), move |mut members| {
        if flaw == Flaw::AcceptsTwins {
            members.sort_by_key(|member: &Member<u64>| member.node);
            members.dedup_by_key(|member| member.node);
        }
        Ok(Box::new(NaiveRendezvous::new(Roster::of(members)?, flaw)))
    })
}

fn rendezvous() -> Subject<'static> {
    Subject::new(promises(), |members| {
        Ok(Box::new(Rendezvous::new(members)?))
    })
}

#[test]
fn a_naive_placement_conforms() {
    for seed in 0..12 {
        conformance::all(&naive(Flaw::None), seed);
        conformance::balance(&naive(Flaw::None), seed, 0.0);
    }
}

#[test]
fn rendezvous_conforms() {
    for seed in 0..40 {
        conformance::all(&rendezvous(), seed);
        conformance::balance(&rendezvous(), seed, 0.0);
    }
}

/// What the property says of a placement, on the first seed of some that it does not hold for.
fn complaint(property: fn(&Subject<'_>, u64), flaw: Flaw) -> Option<String> {
    let subject = naive(flaw);
    (0..4).find_map(|seed| {
        let outcome = catch_unwind(AssertUnwindSafe(|| property(&subject, seed)));
        let panic = outcome.err()?;
        Some(
            panic
                .downcast_ref::<String>()
                .expect("a formatted message")
                .clone(),
        )
    })
}

/// That the property holds for a whole placement, fails for the flaw, and says so by name.
fn finds(name: &str, property: fn(&Subject<'_>, u64), flaw: Flaw, what: &str) {
    assert_eq!(
        complaint(property, Flaw::None),
        None,
        "{name}, without a flaw"
    );
    let Some(message) = complaint(property, flaw) else {
        panic!("{name} did not find {flaw:?}");
    };
    assert!(
        message.starts_with(&format!("{name} does not hold (seed ")) && message.contains(what),
        "{name} found {flaw:?}, and said: {message}"
    );
}

macro_rules! flaws {
    ($($test:ident: $property:ident finds $flaw:ident, saying $what:literal;)*) => {$(
        #[test]
        fn $test() {
            finds(stringify!($property), conformance::$property, Flaw::$flaw, $what);
        }
    )*};
}

flaws! {
    reshuffling_on_add: minimal_add finds SaltedByEpoch, saying "moved from";
    reshuffling_on_remove: minimal_remove finds SaltedByEpoch, saying "moved from";
    reshuffling_on_reweight: minimal_reweight finds SaltedByEpoch, saying "moved from";
    reshuffling_in_a_history: churn finds SaltedByEpoch, saying "KeyHash";
    reshuffled_replicas: minimal_replicas finds SaltedByEpoch, saying "replicas";
    reshuffled_preference: preference_foretells finds SaltedByEpoch, saying "owner of";
    ties_by_index: history_independence finds TiesByIndex, saying "built anew";
    repeated_replica: replicas_begin_with_the_owner finds RepeatsReplica, saying "twice";
    forgotten_replica: replicas_begin_with_the_owner finds ForgetsReplica, saying "number of replicas";
    ignored_zones: spread finds IgnoresZones, saying "in another";
    ignored_zones_in_order: replicas_follow_preference finds IgnoresZones, saying "preference";
    drained_asked: preference_agrees finds AsksDrained, saying "takes no keys";
    drained_owner: drain finds OwnsDrained, saying "is drained";
    drained_owner_in_a_history: churn finds OwnsDrained, saying "belongs to";
    late_start: preference_agrees finds StartsLate, saying "accepts all";
    stuck_epoch: churn finds StuckEpoch, saying "epoch (a change that is made moves it by one): found";
    epoch_of_nothing: churn finds CountsNothing, saying
        "which it has: epoch (what changes nothing leaves it as it was): found";
    epoch_of_refusals: churn finds CountsRefusals, saying
        "is a member already: epoch (what is refused leaves it as it was): found";
    misnamed_twins: bad_input finds MisnamesTwins, saying "is a member already, which precedes all else";
    wrong_leaver: bad_input finds RemovesOther, saying "answer to remove";
    lost_weight: bad_input finds LosesWeight, saying "refused member";
    pretended_limit: churn finds RefusesAll, saying
        "was refused without reason: no room for another node: the limit is 1000; expected: no error";
    accepted_twins: bad_input finds AcceptsTwins, saying "accepted by the constructor";
    ignored_weights: minimal_reweight finds IgnoresWeights, saying "none moved";
}

/// A placement without zones owes nobody a balance over them; one that promises it does.
#[test]
fn a_placement_without_zones_conforms() {
    let subject = |spread| {
        let mut promises = promises();
        promises.spread = spread;
        Subject::new(promises, |members| {
            let roster = Roster::of(members)?;
            Ok(Box::new(NaiveRendezvous::new(roster, Flaw::IgnoresZones)))
        })
    };
    for seed in 0..12 {
        conformance::all(&subject(false), seed);
    }
    let promised = catch_unwind(AssertUnwindSafe(|| conformance::all(&subject(true), 1)));
    assert!(promised.is_err(), "replicas ignore zones");
}

/// Without a promise of `spread`, replicas still follow the order of preference.
#[test]
fn a_forgotten_replica_is_found_without_zones() {
    let mut promises = promises();
    promises.spread = false;
    let subject = Subject::new(promises, |members| {
        let roster = Roster::of(members)?;
        Ok(Box::new(NaiveRendezvous::new(roster, Flaw::ForgetsReplica)))
    });
    let run = || conformance::replicas_follow_preference(&subject, 1);
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

/// What is said of a placement that takes any weight, which it does not promise to do.
fn complaint_of_weights(run: impl Fn(&Subject<'_>)) -> String {
    let mut promises = promises();
    promises.weighted = false;
    let subject = Subject::new(promises, |members| {
        let roster = Roster::of(members)?;
        Ok(Box::new(NaiveRendezvous::new(roster, Flaw::None)))
    });
    let panic = catch_unwind(AssertUnwindSafe(|| run(&subject))).expect_err("an unpromised weight");
    *panic.downcast().expect("a formatted message")
}

#[test]
fn unpromised_weights_are_found() {
    let impossible = "though node n3 cannot have weight 3: \
        this algorithm treats all nodes alike, with weight 1";
    let members = || vec![Member::new(3), Member::new(4)];
    for step in [
        Step::SetWeight(NodeId(3), Weight::new(3)),
        Step::Add(Member::new(3).weight(3)),
    ] {
        let message = complaint_of_weights(|subject| {
            let mut history = History::new(subject, members(), 1).expect("two members");
            if matches!(step, Step::Add(_)) {
                history.step(&Step::Remove(NodeId(3)));
            }
            history.step(&step);
        });
        let expected = format!("history does not hold (seed 1): {step} was made, {impossible}");
        assert_eq!(message, expected);
    }
    let message = complaint_of_weights(|subject| {
        _ = History::new(subject, vec![Member::new(3).weight(3)], 1);
    });
    assert!(
        message.contains("accepted by the constructor, though"),
        "{message}"
    );
    assert!(message.ends_with(impossible), "{message}");
}

/// A constructor that always blames the first member, whether another is at fault or none.
#[test]
fn a_refused_list_is_told_with_the_fault_it_has() {
    let subject = Subject::new(promises(), |members| {
        let reason = MembershipError::Duplicate {
            id: NodeId(members[0].node),
        };
        Err(BuildError::Member {
            position: 0,
            reason,
        })
    });
    let complaint = |names: &[u64]| {
        let members = names.iter().map(|&name| Member::new(name)).collect();
        let run = || drop(History::new(&subject, members, 1));
        let panic =
            catch_unwind(AssertUnwindSafe(run)).expect_err("nothing is wrong with the first");
        *panic.downcast::<String>().expect("a formatted message")
    };
    let refused = "history does not hold (seed 1): a list of members was refused without reason: \
        member 0: node n3 is a member already; expected: ";
    assert_eq!(complaint(&[3, 4]), format!("{refused}no error"));
    assert_eq!(
        complaint(&[3, 4, 4]),
        format!("{refused}member 2: node n4 is a member already")
    );
}

#[test]
fn broken_invariants_are_asked_for() {
    let message = catch_unwind(|| conformance::churn(&naive(Flaw::BreaksInvariants), 1));
    let panic = message.expect_err("the invariants do not hold");
    assert_eq!(panic.downcast_ref(), Some(&"somebody has left"));
}

#[test]
fn an_uneven_placement_is_found() {
    let subject = naive(Flaw::IgnoresWeights);
    let outcome = catch_unwind(AssertUnwindSafe(|| conformance::balance(&subject, 1, 0.05)));
    assert!(outcome.is_err(), "weights make no difference");
}

/// Halves of the hash space, the border of which is misplaced by one hash, or is a border of nothing.
struct Halves {
    border: u64,
    told: u64,
}

impl Placement for Halves {
    type Node = ();

    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        Some(NodeIdx(u32::from(key.0 > self.border)))
    }

    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        let owner = u32::from(key.0 > self.border);
        let both = [NodeIdx(owner), NodeIdx(1 - owner)];
        out.iter_mut()
            .zip(both)
            .map(|(slot, node)| *slot = node)
            .count()
    }

    fn node(&self, index: NodeIdx) -> Option<&()> {
        (index.0 < 2).then_some(&())
    }

    fn len(&self) -> usize {
        2
    }

    fn epoch(&self) -> Epoch {
        Epoch::default()
    }
}

impl Ranged for Halves {
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        let last = if from.0 <= self.told {
            self.told
        } else {
            u64::MAX
        };
        (KeyHash(last), self.owner(from))
    }
}

#[test]
fn a_misplaced_border_is_found() {
    let border = 1 << 63;
    conformance::ranges(
        &Halves {
            border,
            told: border,
        },
        1,
    );
    for told in [border - 1, border + 1, border / 2] {
        let halves = Halves { border, told };
        let outcome = catch_unwind(AssertUnwindSafe(|| conformance::ranges(&halves, 1)));
        assert!(
            outcome.is_err(),
            "a border at {told:#x}, though it is at {border:#x}"
        );
    }
}

/// A property that runs for one seed only must run the same way again.
#[test]
fn a_failure_repeats() {
    let first = complaint(conformance::churn, Flaw::SaltedByEpoch);
    assert!(first.is_some());
    assert_eq!(first, complaint(conformance::churn, Flaw::SaltedByEpoch));
}

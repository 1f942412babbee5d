//! A placement through a history of changes, with a naive model beside it.

use super::draw::{self, Draw};
use super::model::{Expected, Model};
use super::refusal::{check_refused_list, is_good, is_limit, is_same};
use super::subject::{Case, Subject};
use crate::{BuildError, KeyHash, Member, Membership, MembershipError, NodeId, NodeIdx, Weight};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// One change that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// [`Membership::add`].
    Add(Member<u64>),
    /// [`Membership::remove`].
    Remove(NodeId),
    /// [`Membership::set_weight`].
    SetWeight(NodeId, Weight),
}

/// A placement and the members that it should have by now.
///
/// Every [`step`](Self::step) is made on both. It panics when the placement answers a step otherwise
/// than it promises, keeps other members, indices or epoch than the model, moves a key that it
/// promises not to move, gives a key to a node that takes none, or leaves a trace of a step that it
/// refused.
///
/// ```
/// use purlin_hashring::conformance::{History, Step, Subject};
/// use purlin_hashring::{Member, NodeId, Weight};
///
/// fn drive(subject: &Subject<'_>) {
///     let members = vec![Member::new(1), Member::new(2)];
///     let mut history = History::new(subject, members, 0).expect("two members");
///     history.step(&Step::Add(Member::new(3)));
///     history.step(&Step::Add(Member::new(3))); // refused, without a trace
///     history.step(&Step::Remove(NodeId(3)));
///     assert_eq!(history.placement().len(), 2);
/// }
/// ```
pub struct History<'a> {
    subject: &'a Subject<'a>,
    placement: Box<dyn Membership<Node = u64>>,
    model: Model,
    keys: Vec<KeyHash>,
    owners: Vec<Option<NodeId>>,
    case: Case,
}

/// How many keys are followed through a history.
const KEYS: usize = 64;
/// How many of them are looked up in all ways after every step.
const SEARCHED: usize = 4;

impl<'a> History<'a> {
    /// Builds the placement of these members. Keys come from the seed.
    ///
    /// # Errors
    ///
    /// What the constructor said, where it rightly refused them.
    ///
    /// # Panics
    ///
    /// When members are accepted that should be refused, or refused without reason.
    #[track_caller]
    pub fn new(
        subject: &'a Subject<'a>,
        members: Vec<Member<u64>>,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let case = Case {
            property: "history",
            seed,
        };
        Self::start(subject, members, case)
    }

    #[track_caller]
    pub(super) fn start(
        subject: &'a Subject<'a>,
        members: Vec<Member<u64>>,
        case: Case,
    ) -> Result<Self, BuildError> {
        let placement = subject.try_build(members.clone());
        let placement = match placement {
            Ok(placement) => placement,
            Err(error) => {
                check_refused_list(subject, case, &members, &error);
                return Err(error);
            }
        };
        for (position, member) in members.iter().enumerate() {
            case.check(
                is_good(subject, &members, position),
                format_args!("{member:?} was accepted by the constructor"),
            );
        }
        let keys = Draw::new(subject, case.seed).keys(KEYS);
        let mut history = Self {
            subject,
            model: Model::new(&members, placement.epoch()),
            owners: Vec::new(),
            placement,
            keys,
            case,
        };
        history.check_state();
        history.owners = draw::owners(&*history.placement, &history.keys);
        Ok(history)
    }

    /// The placement as it is by now.
    #[must_use]
    pub fn placement(&self) -> &dyn Membership<Node = u64> {
        &*self.placement
    }

    /// The members as they should be by now, in the order of their identities.
    #[must_use]
    pub fn members(&self) -> Vec<Member<u64>> {
        self.model.members()
    }

    /// Asks for a change, and checks all that should and should not come of it.
    ///
    /// # Panics
    ///
    /// When something else comes of it.
    #[track_caller]
    pub fn step(&mut self, step: &Step) {
        let expected = self.model.expect(self.subject, step);
        let before = self.model.clone();
        let made = match (self.ask(step, &expected), expected) {
            (Ok(()), Expected::Made) => {
                self.model.apply(step);
                true
            }
            (Ok(()), Expected::Nothing) => false,
            (Ok(()), Expected::Refused(reason)) => self
                .case
                .fail(format_args!("{step:?} was made, though {reason}")),
            (Err(found), expected) => {
                let justified = match expected {
                    Expected::Refused(reason) if is_same(&found, &reason) => true,
                    // Both are true of a member that cannot have its weight where no other has room.
                    Expected::Made | Expected::Refused(MembershipError::Unweighted { .. }) => {
                        is_limit(&found, self.placement.len()) && self.grows(step)
                    }
                    _ => false,
                };
                self.case.check(
                    justified,
                    format_args!("{step:?} was refused without reason: {found}"),
                );
                false
            }
        };
        self.check_state();
        let owners = draw::owners(&*self.placement, &self.keys);
        if made {
            self.check_answer(step);
            self.check_movement(step, &before, &owners);
        } else {
            for (at, &key) in self.keys.iter().enumerate() {
                self.case.check(
                    owners[at] == self.owners[at],
                    format_args!("{key:?} moved by {step:?}, which was not made"),
                );
            }
        }
        self.owners = owners;
    }

    /// Asks the placement, and checks what comes back beside yes or no.
    fn ask(&mut self, step: &Step, expected: &Expected) -> Result<(), MembershipError> {
        match step {
            Step::Add(member) => match self.placement.add(member.clone()) {
                Ok(index) => {
                    let id = NodeId(member.node);
                    let found = self.placement.roster().find(id);
                    self.case
                        .equal(&Some(index), &found, format_args!("index of {step:?}"));
                    Ok(())
                }
                Err(refused) => {
                    let what = format_args!("the refused member of {step:?}");
                    self.case.equal(&refused.member, member, what);
                    Err(refused.reason)
                }
            },
            Step::Remove(id) => {
                let removed = self.placement.remove(*id)?;
                let what = format_args!("the answer to {step:?}");
                self.case.equal(&Some(&removed), &self.model.get(*id), what);
                Ok(())
            }
            Step::SetWeight(id, weight) => {
                let former = self.placement.set_weight(*id, *weight)?;
                let what = format_args!("the answer to {step:?}");
                let known = self.model.get(*id).map(|member| member.weight);
                self.case.equal(&Some(former), &known, what);
                debug_assert!(matches!(expected, Expected::Nothing) == (former == *weight));
                Ok(())
            }
        }
    }

    #[track_caller]
    fn check_state(&self) {
        self.model.check(self.case, &*self.placement);
        self.placement.check_invariants();
        let active = draw::active(&*self.placement);
        for &key in &self.keys {
            let owner = draw::owner(&*self.placement, key);
            let takes_keys =
                |id| (self.model.get(id)).is_some_and(|member| !member.weight.is_drain());
            self.case.check(
                owner.map_or(active == 0, takes_keys),
                format_args!("{active} nodes take keys, and {key:?} belongs to {owner:?}"),
            );
        }
        for &key in &self.keys[..SEARCHED] {
            self.check_lookups(key, active);
        }
    }

    /// That all ways to look a key up agree.
    #[track_caller]
    fn check_lookups(&self, key: KeyHash, active: usize) {
        let owner = self.placement.owner(key);
        let anyone = self.placement.owner_where(key, &mut |_| true);
        let what = format_args!("owner_where that accepts all, for {key:?}");
        self.case.equal(&anyone, &owner, what);
        let other = self
            .placement
            .owner_where(key, &mut |node| Some(node) != owner);
        self.case.check(
            other.is_some() == (active > 1) && (other.is_none() || other != owner),
            format_args!("of {active} nodes, {key:?} prefers {other:?} after {owner:?}"),
        );
        let mut replicas = [NodeIdx(u32::MAX); 3];
        let found = self.placement.replicas(key, &mut replicas);
        let what = format_args!("number of replicas of {key:?} among {active} nodes");
        self.case.equal(&found, &active.min(3), what);
        for (at, node) in replicas[..found].iter().enumerate() {
            let takes_keys = self.placement.owner_where(key, &mut |other| other == *node);
            self.case.check(
                !replicas[..at].contains(node)
                    && takes_keys == Some(*node)
                    && (at > 0 || Some(*node) == owner),
                format_args!("replicas of {key:?}: {replicas:?}, its owner: {owner:?}"),
            );
        }
    }

    /// The index that a new member got.
    #[track_caller]
    fn check_answer(&self, step: &Step) {
        if let Step::Add(member) = step {
            let id = NodeId(member.node);
            let index = self.placement.roster().find(id);
            let what = format_args!("index of {id}");
            self.case.equal(&index, &self.model.index(id), what);
        }
    }

    /// Whether a step adds a node or weight.
    fn grows(&self, step: &Step) -> bool {
        match step {
            Step::Add(_) => true,
            Step::Remove(_) => false,
            Step::SetWeight(id, weight) => {
                (self.model.get(*id)).is_some_and(|member| member.weight < *weight)
            }
        }
    }

    /// That no key moved but those that must.
    #[track_caller]
    fn check_movement(&self, step: &Step, before: &Model, owners: &[Option<NodeId>]) {
        let id = match step {
            Step::Add(member) => NodeId(member.node),
            Step::Remove(id) | Step::SetWeight(id, _) => *id,
        };
        let weight = |model: &Model| model.get(id).map_or(0, |member| member.weight.get());
        let grows = weight(&self.model) >= weight(before);
        let can = self.subject.capabilities();
        let minimal = if grows {
            can.minimal_add
        } else {
            can.minimal_remove
        };
        for (at, &key) in self.keys.iter().enumerate() {
            let (old, new) = (self.owners[at], owners[at]);
            let due = if grows { new } else { old };
            self.case.check(
                !minimal || old == new || due == Some(id),
                format_args!("{step:?} moved {key:?} from {old:?} to {new:?}"),
            );
        }
    }
}

impl fmt::Debug for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("members", &self.members())
            .finish_non_exhaustive()
    }
}

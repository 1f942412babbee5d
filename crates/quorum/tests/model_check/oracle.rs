//! What must hold, by rules of its own.

use super::node::Effects;
use super::view::View;
use core::hash::{Hash, Hasher};
use purlin_core::node::NodeId;

/// What has happened, as far as it binds the future. No node knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// Who led in each term.
    leaders: Vec<Option<NodeId>>,
    /// Every entry that was ever committed anywhere, from index 1 on.
    committed: Vec<Committed>,
    reads: Vec<Read>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Committed {
    digest: u64,
    is_configuration: bool,
    /// The term in which it was committed.
    during: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Read {
    /// By whom, and how much was committed when it was asked.
    Pending(NodeId, u64),
    Done,
}

/// What is wrong.
pub(crate) type Verdict = Result<(), String>;

impl Past {
    pub(crate) fn hash_renamed(&self, rename: &dyn Fn(NodeId) -> NodeId, state: &mut impl Hasher) {
        self.committed.hash(state);
        self.leaders.len().hash(state);
        self.reads.len().hash(state);
        for leader in &self.leaders {
            leader.map(rename).hash(state);
        }
        for read in &self.reads {
            match *read {
                Read::Pending(by, floor) => (rename(by), floor).hash(state),
                Read::Done => u64::MAX.hash(state),
            }
        }
    }

    fn committed(&self) -> u64 {
        self.committed.len() as u64
    }

    fn at(&self, index: u64) -> Option<&Committed> {
        let place = usize::try_from(index.checked_sub(1)?).ok()?;
        self.committed.get(place)
    }

    /// A read is asked of a node.
    pub(crate) fn ask(&mut self, number: u8, of: NodeId) {
        assert_eq!(usize::from(number), self.reads.len(), "reads have numbers");
        self.reads.push(Read::Pending(of, self.committed()));
    }

    /// A node forgets what it was asked.
    pub(crate) fn forget(&mut self, node: NodeId) {
        for read in &mut self.reads {
            if matches!(read, Read::Pending(by, _) if *by == node) {
                *read = Read::Done;
            }
        }
    }

    /// Whether a step that led a node here, and answered so, leaves the past as it is.
    pub(crate) fn knows(&self, view: &View, answers: &Answers) -> bool {
        let term = usize::try_from(view.term).expect("few terms");
        view.commit <= self.committed()
            && (!view.leads || self.leaders.get(term) == Some(&Some(NodeId(view.id))))
            && answers.ready.is_empty()
            && answers.aborted.is_empty()
    }

    /// A node has taken a step, which makes it what `views[node]` is now.
    pub(crate) fn witness(&mut self, node: usize, views: &[&View], answers: &Answers) -> Verdict {
        let view = views[node];
        self.elect(view)?;
        self.commit(node, views)?;
        self.answer(answers, NodeId(view.id))
    }

    /// Election safety: at most one leader in a term (§5.2).
    fn elect(&mut self, view: &View) -> Verdict {
        if !view.leads {
            return Ok(());
        }
        let term = usize::try_from(view.term).expect("few terms");
        if self.leaders.len() <= term {
            self.leaders.resize(term + 1, None);
        }
        let leader = self.leaders[term].get_or_insert(NodeId(view.id));
        if leader.0 == view.id {
            Ok(())
        } else {
            Err(format!(
                "two leaders in term {term}: {leader} and n{}",
                view.id
            ))
        }
    }

    /// What becomes committed must be durable on a quorum of those who vote by the log that it is
    /// committed by.
    fn commit(&mut self, node: usize, views: &[&View]) -> Verdict {
        let view = views[node];
        for index in self.committed() + 1..=view.commit {
            let Some(link) = view.log.get(index) else {
                return Err(format!("n{} commits {index}, which nobody has", view.id));
            };
            let keepers = views.iter().filter(|other| {
                let durable = other.durable.get(index);
                durable.is_some_and(|durable| durable.digest == link.digest)
                    || other.durable.base() > index
            });
            let keepers = keepers.fold(0, |bits, keeper| bits | 1 << keeper.id);
            if !view.voters.have_quorum(keepers) {
                return Err(format!(
                    "n{} commits {index}, which no quorum has durably",
                    view.id
                ));
            }
            self.committed.push(Committed {
                digest: link.digest,
                is_configuration: link.is_configuration,
                during: view.term,
            });
        }
        Ok(())
    }

    /// Every read is answered once, and sees all that was committed when it was asked.
    fn answer(&mut self, answers: &Answers, by: NodeId) -> Verdict {
        let ready = answers.ready.iter().map(|&(read, seen)| (read, Some(seen)));
        let aborted = answers.aborted.iter().map(|&read| (read, None));
        for (number, seen) in ready.chain(aborted) {
            let read = self.reads.get_mut(usize::from(number));
            match read.map(|read| core::mem::replace(read, Read::Done)) {
                Some(Read::Pending(asked, floor)) if asked == by => {
                    if seen.is_some_and(|seen| seen < floor) {
                        return Err(format!(
                            "read {number} sees the log up to {seen:?}; {floor} was committed when it was asked"
                        ));
                    }
                }
                _ => return Err(format!("read {number} is answered, and was not asked")),
            }
        }
        Ok(())
    }

    /// What holds in every state, of the node that took a step and of the others.
    pub(crate) fn check(&self, node: usize, views: &[&View]) -> Verdict {
        let view = views[node];
        self.check_committed(view)?;
        self.check_configurations(view)?;
        for other in views {
            self.check_leader(other)?;
            if other.id != view.id {
                check_matching(view, other)?;
            }
        }
        Ok(())
    }

    /// State-machine safety: what is committed, and what is applied, is the same everywhere (§5.4.3).
    fn check_committed(&self, view: &View) -> Verdict {
        for index in view.log.base() + 1..=view.commit {
            let own = view.log.get(index).map(|link| link.digest);
            if own != self.at(index).map(|committed| committed.digest) {
                return Err(format!(
                    "n{} has committed another entry at {index}",
                    view.id
                ));
            }
        }
        let (index, digest) = view.applied;
        let same = index == 0 || self.at(index).is_some_and(|all| all.digest == digest);
        if same {
            Ok(())
        } else {
            Err(format!(
                "n{} has applied something else up to {index}",
                view.id
            ))
        }
    }

    /// Leader completeness: who leads has everything that was committed in earlier terms (§5.4).
    fn check_leader(&self, view: &View) -> Verdict {
        if !view.leads {
            return Ok(());
        }
        for (index, committed) in (1..).zip(&self.committed) {
            let own = view.log.get(index).map(|link| link.digest);
            let has = index < view.log.base() || own == Some(committed.digest);
            if committed.during < view.term && !has {
                return Err(format!(
                    "n{} leads in term {} without entry {index}, committed in term {}",
                    view.id, view.term, committed.during
                ));
            }
        }
        Ok(())
    }

    /// At most one configuration is not committed.
    fn check_configurations(&self, view: &View) -> Verdict {
        let open = (self.committed() + 1..=view.log.last()).filter(|&index| {
            view.log
                .get(index)
                .is_some_and(|link| link.is_configuration)
        });
        if open.count() > 1 {
            return Err(format!(
                "n{} has two configurations that are not committed",
                view.id
            ));
        }
        Ok(())
    }
}

/// What a step answered to reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    ready: Vec<(u8, u64)>,
    aborted: Vec<u8>,
}

impl From<&Effects> for Answers {
    fn from(effects: &Effects) -> Self {
        Self {
            ready: effects
                .ready
                .iter()
                .map(|&(read, seen)| (read, seen.0))
                .collect(),
            aborted: effects.aborted.clone(),
        }
    }
}

/// Log matching: entries of the same index and term are the same, with everything before (§5.3). On
/// disks too.
fn check_matching(one: &View, other: &View) -> Verdict {
    for (mine, theirs) in [
        (&one.log, &other.log),
        (&one.durable, &other.durable),
        (&one.log, &other.durable),
        (&one.durable, &other.log),
    ] {
        for index in mine.base().max(theirs.base())..=mine.last().min(theirs.last()) {
            if let (Some(mine), Some(theirs)) = (mine.get(index), theirs.get(index))
                && mine.term == theirs.term
                && mine.digest != theirs.digest
            {
                return Err(format!(
                    "the logs of n{} and n{} differ up to {index}, of one term",
                    one.id, other.id
                ));
            }
        }
    }
    Ok(())
}

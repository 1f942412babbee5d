//! What an onlooker writes down who sees all nodes of a simulated group at once.

use core::time::Duration;

use purlin_core::node::NodeId;
use purlin_core::time::Instant;
use purlin_quorum::raft::{Body, RoleKind, Term};
use purlin_sim::RequestId;

/// What a node tells a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is committed and applied, or may be read.
    Done,
    /// Somebody else may know more, perhaps this one.
    AskElsewhere(Option<NodeId>),
}

/// The part a node plays, and in which term; `None` while it is down.
pub(super) type Part = Option<(RoleKind, Term)>;

/// From this time on, until the node's next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) at: Instant,
    pub(super) node: NodeId,
    pub(super) part: Part,
}

/// What a message is about, in an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// For or against a candidate, or the question.
    Vote,
    /// Anything between a leader and its followers.
    Leading,
}

impl From<Body> for Kind {
    fn from(body: Body) -> Self {
        match body {
            Body::RequestPreVote { .. }
            | Body::PreVote { .. }
            | Body::RequestVote { .. }
            | Body::Vote { .. } => Self::Vote,
            _ => Self::Leading,
        }
    }
}

/// A message that has arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub(super) sent: Instant,
    pub(super) at: Instant,
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) kind: Kind,
}

/// All that is of interest.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// In order of time.
    pub(super) scenes: Vec<Scene>,
    /// Who cannot lead whatever it believes, because it hears of no quorum: from when to when.
    pub(super) cut_off: Vec<(NodeId, Instant, Instant)>,
    /// What clients have been told and have not looked at yet.
    pub(super) answers: Vec<(RequestId, Answer, Instant)>,
    /// `None` while nobody wants to know.
    pub(super) deliveries: Option<Vec<Delivery>>,
}

impl Record {
    /// A node plays this part now; it may have done so before.
    pub(super) fn plays(&mut self, at: Instant, node: NodeId, part: Part) {
        if self.part(node) != Some(part) {
            self.scenes.push(Scene { at, node, part });
        }
    }

    pub(super) fn delivered(&mut self, delivery: impl FnOnce() -> Delivery) {
        if let Some(deliveries) = &mut self.deliveries {
            deliveries.push(delivery());
        }
    }

    /// The part that the node plays now; `None` when it was never seen.
    fn part(&self, node: NodeId) -> Option<Part> {
        let mut scenes = self.scenes.iter().rev();
        Some(scenes.find(|scene| scene.node == node)?.part)
    }

    /// The node that leads now, in the highest term if several believe so.
    pub(super) fn leader(&self) -> Option<NodeId> {
        self.leader_at(Instant::MAX)
    }

    /// The node that leads at this time. One that is cut off leads nobody.
    fn leader_at(&self, at: Instant) -> Option<NodeId> {
        let mut parts: Vec<(NodeId, Part)> = Vec::new();
        for scene in self.scenes.iter().take_while(|scene| scene.at <= at) {
            parts.retain(|(node, _)| *node != scene.node);
            parts.push((scene.node, scene.part));
        }
        let is_cut_off = |node: NodeId| {
            let mut cuts = self.cut_off.iter();
            cuts.any(|(cut, from, until)| *cut == node && (*from..*until).contains(&at))
        };
        let leaders = parts.into_iter().filter_map(|(node, part)| match part {
            Some((RoleKind::Leader, term)) if !is_cut_off(node) => Some((term, node)),
            _ => None,
        });
        leaders.max().map(|(_, node)| node)
    }

    /// How long nobody led, of this time.
    pub(super) fn without_leader(&self, from: Instant, until: Instant) -> Duration {
        let scenes = self.scenes.iter().map(|scene| scene.at);
        let cuts = self
            .cut_off
            .iter()
            .flat_map(|(_, from, until)| [*from, *until]);
        let mut changes: Vec<Instant> = scenes.chain(cuts).chain([from, until]).collect();
        changes.retain(|at| (from..=until).contains(at));
        changes.sort_unstable();
        let spans = changes
            .windows(2)
            .filter(|span| self.leader_at(span[0]).is_none());
        spans
            .map(|span| span[1].saturating_duration_since(span[0]))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: Part = Some((RoleKind::Leader, Term(1)));
    const FOLLOWER: Part = Some((RoleKind::Follower, Term(1)));

    #[test]
    fn nobody_leads_while_the_leader_is_down_or_cut_off() {
        let [one, two] = [NodeId(0), NodeId(1)];
        let mut record = Record::default();
        let seconds = Instant::from_secs;
        record.plays(seconds(0), one, FOLLOWER);
        record.plays(seconds(1), one, LEADER);
        record.plays(seconds(2), one, LEADER);
        assert_eq!(record.scenes.len(), 2, "nothing has changed");
        record.plays(seconds(3), one, None);
        record.plays(seconds(5), two, Some((RoleKind::Leader, Term(2))));
        record.plays(seconds(6), one, FOLLOWER);
        record.cut_off.push((two, seconds(8), seconds(9)));
        let without = |from, until| {
            let without = record.without_leader(seconds(from), seconds(until));
            without.as_secs()
        };
        assert_eq!(without(0, 10), 1 + 2 + 1);
        assert_eq!([without(1, 3), without(3, 5), without(4, 7)], [0, 2, 1]);
        assert_eq!(record.leader(), Some(two));
    }

    #[test]
    fn of_two_who_believe_to_lead_the_newer_does() {
        let mut record = Record::default();
        record.plays(
            Instant::ORIGIN,
            NodeId(1),
            Some((RoleKind::Leader, Term(2))),
        );
        record.plays(Instant::ORIGIN, NodeId(0), LEADER);
        assert_eq!(record.leader(), Some(NodeId(1)));
    }
}

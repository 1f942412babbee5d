//! Do all nodes hold the same?

use core::fmt::{self, Debug};
use core::hash::Hash;
use std::collections::HashMap;

use thiserror::Error;

/// How many members of a group a message names.
const MEMBERS_TOLD: usize = 8;

/// Checks that all `states`, pairs of a node and what it holds, are the same, and gives back what
/// that is.
///
/// What a node holds may be the state itself or, where that is large, a digest of it. Ask the nodes
/// that are up, after faults have ceased and messages have had time to arrive: eventual consistency
/// promises nothing earlier. Takes O(n) time and space for n nodes.
///
/// # Errors
///
/// * [`ConvergenceError::Diverged`] with the groups of nodes that agree with each other.
/// * [`ConvergenceError::NoNodes`] when there is nobody to ask: that proves nothing, and is mostly
///   a mistake in a test.
///
/// # Examples
///
/// ```
/// use purlin_sim::convergence;
///
/// assert_eq!(convergence::check([(0, "a"), (1, "a")])?, "a");
///
/// let error = convergence::check([(0, "a"), (1, "b"), (2, "b")]).unwrap_err();
/// assert_eq!(error.to_string(), "\
/// 3 nodes hold 2 different states:
///   2 nodes (1, 2): \"b\"
///   1 node (0): \"a\"");
/// # Ok::<(), convergence::ConvergenceError<u32, &str>>(())
/// ```
pub fn check<N: Debug, T: Eq + Hash + Debug>(
    states: impl IntoIterator<Item = (N, T)>,
) -> Result<T, ConvergenceError<N, T>> {
    let mut groups = groups(states);
    match groups.pop() {
        None => Err(ConvergenceError::NoNodes),
        Some(only) if groups.is_empty() => Ok(only.state),
        Some(last) => {
            groups.push(last);
            Err(ConvergenceError::Diverged(groups))
        }
    }
}

/// The nodes in groups of equal state: largest group first, groups of equal size and the members of
/// a group in the given order.
///
/// # Examples
///
/// ```
/// use purlin_sim::convergence;
///
/// let groups = convergence::groups([("n1", 7), ("n2", 8), ("n3", 8)]);
/// assert_eq!((groups[0].state, &groups[0].members[..]), (8, &["n2", "n3"][..]));
/// assert_eq!((groups[1].state, &groups[1].members[..]), (7, &["n1"][..]));
/// ```
pub fn groups<N, T: Eq + Hash>(states: impl IntoIterator<Item = (N, T)>) -> Vec<Group<N, T>> {
    let mut members_of: HashMap<T, (usize, Vec<N>)> = HashMap::new();
    for (node, state) in states {
        let rank = members_of.len();
        let (_, members) = members_of
            .entry(state)
            .or_insert_with(|| (rank, Vec::new()));
        members.push(node);
    }
    let mut ranked: Vec<_> = members_of.into_iter().collect();
    ranked.sort_unstable_by_key(|(_, (rank, members))| (core::cmp::Reverse(members.len()), *rank));
    let group = |(state, (_, members))| Group { state, members };
    ranked.into_iter().map(group).collect()
}

/// Nodes that hold the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group<N, T> {
    /// What they hold.
    pub state: T,
    /// The nodes, at least one.
    pub members: Vec<N>,
}

/// Why [`check`] was not content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvergenceError<N: Debug, T: Debug> {
    /// There was no node.
    #[error("no node was given, so nothing has converged")]
    NoNodes,
    /// The nodes hold different states: the groups, largest first.
    #[error("{}", Told(.0))]
    Diverged(Vec<Group<N, T>>),
}

/// The message of [`ConvergenceError::Diverged`].
struct Told<'a, N, T>(&'a [Group<N, T>]);

impl<N: Debug, T: Debug> fmt::Display for Told<'_, N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: usize = self.0.iter().map(|group| group.members.len()).sum();
        write!(f, "{nodes} nodes hold {} different states:", self.0.len())?;
        for Group { state, members } in self.0 {
            let count = members.len();
            write!(f, "\n  {count} node{} (", if count == 1 { "" } else { "s" })?;
            for (index, member) in members.iter().take(MEMBERS_TOLD).enumerate() {
                write!(f, "{}{member:?}", if index == 0 { "" } else { ", " })?;
            }
            write!(
                f,
                "{}): {state:?}",
                if count > MEMBERS_TOLD { ", ..." } else { "" }
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ConvergenceError, check, groups};

    #[test]
    fn nobody_is_not_agreement() {
        assert_eq!(check::<u32, u32>([]), Err(ConvergenceError::NoNodes));
        assert_eq!(check([(3, 'x')]), Ok('x'));
    }

    #[test]
    fn groups_come_by_size_then_by_first_member() {
        let groups = groups([(0, 'c'), (1, 'b'), (2, 'a'), (3, 'b'), (4, 'a'), (5, 'd')]);
        let seen: Vec<_> = groups
            .into_iter()
            .map(|group| (group.state, group.members))
            .collect();
        let expected = [
            ('b', vec![1, 3]),
            ('a', vec![2, 4]),
            ('c', vec![0]),
            ('d', vec![5]),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_message_names_a_few_members() {
        let error = check((0..100).map(|node| (node, node == 42))).unwrap_err();
        let expected = "100 nodes hold 2 different states:\
            \n  99 nodes (0, 1, 2, 3, 4, 5, 6, 7, ...): false\
            \n  1 node (42): true";
        assert_eq!(error.to_string(), expected);
    }
}

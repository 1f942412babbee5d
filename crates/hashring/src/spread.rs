//! Replicas as far apart as the members allow.
//!
//! Replicas are chosen one by one: always the first node in the key's order of preference among
//! those whose zone holds the fewest replicas so far, then whose rack does, then whose host does.
//! So within each zone the replicas are the most preferred nodes of the zone, zones differ by one
//! replica at most unless they run out of nodes, and a node that is no replica can come or go
//! without changing the choice. Dynamo's preference list (SOSP 2007, section 4.3) and Cassandra's
//! `NetworkTopologyStrategy` follow the same idea for one level.

use crate::roster::{Domains, Seats};
use purlin_core::node::NodeIdx;

/// Fills `out` from its beginning, asking `first` for the most preferred node that a rule accepts,
/// and answers how many were found: all that take keys, if `out` has room.
///
/// `out[..chosen]` are replicas already. O(replicas^3) besides what `first` costs, with replicas
/// few.
pub(crate) fn replicas(
    seats: &Seats,
    out: &mut [NodeIdx],
    chosen: usize,
    mut first: impl FnMut(&mut dyn FnMut(NodeIdx) -> bool) -> Option<NodeIdx>,
) -> usize {
    let domains = seats.domains();
    let wanted = out.len().min(seats.active());
    for count in chosen..wanted {
        let (taken, rest) = out.split_at_mut(count);
        let found = if domains.is_flat() {
            first(&mut |node| !taken.contains(&node))
        } else {
            let target = attainable(domains, taken);
            first(&mut |node| !taken.contains(&node) && counts(domains, taken, node) == target)
        };
        match found {
            Some(node) => rest[0] = node,
            None => return count,
        }
    }
    wanted
}

/// How many of the chosen replicas share the zone, the rack and the host of a node.
pub(crate) fn counts(domains: &Domains, chosen: &[NodeIdx], node: NodeIdx) -> [usize; 3] {
    let mine = domains.path(node);
    let mut counts = [0; 3];
    for &other in chosen {
        let path = domains.path(other);
        for level in 0..3 {
            counts[level] += usize::from(path[level] == mine[level]);
        }
    }
    counts
}

/// The least counts, in the order zone, rack, host, that a node not yet chosen has.
fn attainable(domains: &Domains, chosen: &[NodeIdx]) -> [usize; 3] {
    let mut target = [0; 3];
    if distinct(domains, chosen, 0, |_| true) < domains.zones() {
        return target;
    }
    for level in 0..3 {
        // Chosen nodes whose domains above are among those that the next replica may come from.
        let eligible = |&&node: &&NodeIdx| {
            let counts = counts(domains, chosen, node);
            let path = domains.path(node);
            (0..level).all(|l| counts[l] == target[l] && domains.size(l, path[l]).nodes > counts[l])
        };
        if level > 0 {
            let untouched = chosen.iter().filter(eligible).any(|&node| {
                let parent = domains.path(node)[level - 1];
                let touched = distinct(domains, chosen, level, |path| path[level - 1] == parent);
                touched < domains.size(level - 1, parent).children
            });
            if untouched {
                return target;
            }
        }
        let least = chosen
            .iter()
            .filter(eligible)
            .map(|&node| {
                (
                    counts(domains, chosen, node)[level],
                    domains.path(node)[level],
                )
            })
            .filter(|&(count, domain)| domains.size(level, domain).nodes > count)
            .map(|(count, _)| count)
            .min();
        target[level] = least.unwrap_or(0);
    }
    target
}

/// How many domains of a level the chosen nodes that pass are in.
fn distinct(
    domains: &Domains,
    chosen: &[NodeIdx],
    level: usize,
    pass: impl Fn(&[u32; 3]) -> bool,
) -> usize {
    let paths = || chosen.iter().map(|&node| domains.path(node));
    (paths().enumerate())
        .filter(|(at, path)| pass(path) && !paths().take(*at).any(|p| p[level] == path[level]))
        .count()
}

/// Fills `out` with the first distinct nodes of a walk, and answers how many there were. O(length
/// of the walk * `out.len()`).
pub(crate) fn first_distinct(walk: impl Iterator<Item = NodeIdx>, out: &mut [NodeIdx]) -> usize {
    let mut count = 0;
    for node in walk {
        if count == out.len() {
            break;
        }
        if !out[..count].contains(&node) {
            out[count] = node;
            count += 1;
        }
    }
    count
}

use core::fmt;
use purlin_core::node::NodeId;

/// A set of nodes: one side of a cut. It prints as `n0,n2`, an empty one as `nobody`.
///
/// ```
/// use purlin_core::node::NodeId;
/// use purlin_sim::NodeSet;
///
/// let side: NodeSet = [2, 0].map(NodeId).into_iter().collect();
/// assert!(side.contains(NodeId(2)));
/// assert_eq!(side.to_string(), "n0,n2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeSet(Vec<NodeId>);

impl NodeSet {
    /// How an empty set is printed.
    pub(crate) const EMPTY: &str = "nobody";

    /// Whether the node is in the set. O(log n).
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.binary_search(&node).is_ok()
    }

    /// The nodes, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.iter().copied()
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of `0..nodes` that are not in the set.
    #[must_use]
    pub fn complement(&self, nodes: usize) -> Self {
        (0..nodes as u64)
            .map(NodeId)
            .filter(|node| !self.contains(*node))
            .collect()
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
        nodes.sort_unstable();
        nodes.dedup();
        Self(nodes)
    }
}

impl fmt::Display for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str(Self::EMPTY);
        }
        for (position, node) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{node}")?;
        }
        Ok(())
    }
}

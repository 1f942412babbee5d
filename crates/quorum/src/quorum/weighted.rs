//! More than half of the weight.

/// Any nodes that together have more than half of the weight.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a>(pub &'a [(purlin_core::node::NodeId, purlin_core::node::Weight)]);

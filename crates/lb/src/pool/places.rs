//! Who stands where, for policies that keep something of each endpoint.

use crate::pool::Pool;
use alloc::vec::Vec;
use core::mem;
use purlin_core::node::NodeId;

/// The identities of the endpoints of a pool, by position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<NodeId>);

impl Places {
    /// Takes note of another version of the pool; answers where each of its endpoints stood in the
    /// former one. O(endpoints), and a search for each that moved or is new.
    pub(crate) fn renew(&mut self, pool: Pool<'_>) -> Vec<Option<usize>> {
        let ids: Vec<NodeId> = (0..pool.len()).map(|position| pool.id(position)).collect();
        let former = mem::replace(&mut self.0, ids);
        let stays = |place: usize| self.0.get(place) == former.get(place);
        let mut left: Vec<(NodeId, usize)> = (0..former.len())
            .filter(|place| !stays(*place))
            .map(|place| (former[place], place))
            .collect();
        left.sort_unstable();
        let find = |id: &NodeId| {
            let at = left.binary_search_by_key(id, |(id, _)| *id).ok()?;
            Some(left[at].1)
        };
        let places = self.0.iter().enumerate();
        places
            .map(|(place, id)| if stays(place) { Some(place) } else { find(id) })
            .collect()
    }
}

//! Zones, racks and hosts: which node is in which, and how much is in each.

use super::Seats;
use alloc::vec;
use alloc::vec::Vec;
use purlin_core::node::NodeIdx;

/// Zone, rack, host.
pub(crate) const LEVELS: usize = 3;

/// The tree of zones, racks and hosts over the members that take keys.
///
/// Flat, and empty, while no member says where it stands: then no level tells two nodes apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains {
    /// By node index; domains are numbered within their level.
    paths: Vec<[u32; LEVELS]>,
    /// By level and domain.
    sizes: [Vec<Size>; LEVELS],
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    /// Nodes in this domain that take keys.
    pub(crate) nodes: usize,
    /// Domains of the next level in this one; of a host, its nodes.
    pub(crate) children: usize,
}

impl Domains {
    pub(crate) fn of(seats: &Seats) -> Self {
        let mut members: Vec<_> = seats
            .iter_active()
            .map(|(index, seat)| {
                let place = seat.locality;
                let host = match place.host {
                    Some(host) => (0, host),
                    None => (1, seat.id.0),
                };
                ((place.zone, place.rack, host), index)
            })
            .collect();
        members.sort_unstable();
        let mut domains = Self {
            paths: vec![[0; LEVELS]; seats.bound()],
            sizes: [const { Vec::new() }; LEVELS],
        };
        let mut before = None;
        for (place, index) in members {
            domains.push(index, first_difference(before.as_ref(), &place));
            before = Some(place);
        }
        domains
    }

    /// The next node in the order of the tree, which differs from the one before at `from` first.
    fn push(&mut self, index: NodeIdx, from: usize) {
        for level in 0..LEVELS {
            if level >= from {
                self.sizes[level].push(Size::default());
                if level > 0
                    && let Some(parent) = self.sizes[level - 1].last_mut()
                {
                    parent.children += 1;
                }
            }
            if let Some(size) = self.sizes[level].last_mut() {
                size.nodes += 1;
                size.children += usize::from(level + 1 == LEVELS);
            }
            // There are no more domains than nodes, which are numbered by `u32`.
            let domain = u32::try_from(self.sizes[level].len() - 1).unwrap_or(u32::MAX);
            self.paths[index.get()][level] = domain;
        }
    }

    pub(crate) fn is_flat(&self) -> bool {
        self.paths.is_empty()
    }

    pub(crate) fn zones(&self) -> usize {
        self.sizes[0].len()
    }

    /// The domains of a node: its zone, rack and host.
    #[inline]
    pub(crate) fn path(&self, node: NodeIdx) -> [u32; LEVELS] {
        self.paths[node.get()]
    }

    pub(crate) fn size(&self, level: usize, domain: u32) -> Size {
        self.sizes[level][domain as usize]
    }
}

type Place = (Option<u64>, Option<u64>, (u8, u64));

/// The first level at which a place differs from the one before it.
fn first_difference(before: Option<&Place>, place: &Place) -> usize {
    match before {
        Some(before) if before == place => LEVELS,
        Some(before) if (before.0, before.1) == (place.0, place.1) => 2,
        Some(before) if before.0 == place.0 => 1,
        _ => 0,
    }
}

//! What is asked of the nodes.

use super::super::registers::KEYS;
use super::super::request::{Order, Path, Reply, Request};
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt as _};
use purlin_sim::model::{RegisterOp, RegisterRet};
use purlin_sim::{Outcome, Turn};

/// Clients that read and write, and an administrator in place of one of them now and then: `orders`
/// times in a thousand, of which `campaigns` in a hundred are to campaign.
pub(super) fn workload(
    nodes: usize,
    orders: u64,
    campaigns: u64,
) -> impl FnMut(Turn<'_, Reply>) -> Option<(NodeId, Request)> {
    let mut next_value = 0;
    // Who has last answered somebody: clients of a real cluster learn that too.
    let mut favourite = NodeId(0);
    let mut asked = Vec::new();
    move |turn| {
        let Turn {
            client,
            last,
            mut random,
            ..
        } = turn;
        let random = &mut random;
        asked.resize(asked.len().max(client + 1), NodeId(0));
        match last {
            Some(Outcome::Replied(Reply::Register(
                RegisterRet::Written | RegisterRet::Swapped,
            ))) => {
                favourite = asked[client];
            }
            Some(Outcome::Refused | Outcome::TimedOut) if favourite == asked[client] => {
                favourite = NodeId(random.below(nodes as u64));
            }
            _ => {}
        }
        let anybody = NodeId(random.below(nodes as u64));
        let is_order = random.below(1_000) < orders;
        let node = if random.below(4) == 0 {
            anybody
        } else {
            favourite
        };
        asked[client] = node;
        if is_order && random.below(100) < campaigns {
            return Some((anybody, Request::Order(Order::Campaign)));
        }
        if is_order {
            return Some((node, Request::Order(order(random))));
        }
        next_value += 1;
        let key = u8::try_from(random.below(u64::from(KEYS))).unwrap_or(0);
        Some((node, ask(random, key, next_value)))
    }
}

fn ask(random: &mut impl Random, key: u8, value: u64) -> Request {
    match random.below(10) {
        0..4 => Request::Put(key, RegisterOp::Write(value)),
        4 => {
            let back = 1 + random.below(8);
            let expected = value.checked_sub(back).filter(|old| *old > 0);
            let swap = RegisterOp::CompareAndSet {
                expected,
                new: value,
            };
            Request::Put(key, swap)
        }
        5..7 => Request::Get(key, Path::Index),
        7 => Request::Get(key, Path::Lease),
        _ => Request::Get(key, Path::Fast),
    }
}

fn order(random: &mut impl Random) -> Order {
    match random.below(9) {
        0..5 => Order::ChangeMembers(random.next_u64()),
        5..7 => Order::Transfer(random.next_u64()),
        7 => Order::ForgetLeader,
        _ => Order::Compact,
    }
}

//! A register behind a network, and eight clients. Its histories are what the checker is given.

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::time::Duration;

use purlin_core::machine::Machine;
use purlin_core::node::NodeId;
use purlin_core::random::RandomExt as _;
use purlin_core::time::Instant;
use purlin_sim::history::History;
use purlin_sim::model::{RegisterOp, RegisterRet};
use purlin_sim::{
    Boot, ClientModel, Effects, Event, Host, Latency, Link, Moment, Probability, RequestId, World,
};

pub(super) type Op = RegisterOp<u64>;
pub(super) type Ret = RegisterRet<u64>;

/// How many clients ask at the same time.
const CLIENTS: usize = 8;

/// Reads and writes a value. An operation takes effect somewhere between the two messages on its
/// client's link: that is what makes histories concurrent.
#[derive(Default)]
struct Register {
    value: Option<u64>,
    answers: VecDeque<(RequestId, Ret)>,
}

impl Machine for Register {
    type Input = (RequestId, Op);
    type Output = (RequestId, Ret);
    type Error = Infallible;

    fn handle(&mut self, _now: Instant, (id, op): (RequestId, Op)) -> Result<(), Infallible> {
        let answer = match op {
            RegisterOp::Write(value) => {
                self.value = Some(value);
                RegisterRet::Written
            }
            _ => RegisterRet::Value(self.value), // the clients below only read and write
        };
        self.answers.push_back((id, answer));
        Ok(())
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_output(&mut self) -> Option<(RequestId, Ret)> {
        self.answers.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

struct RegisterHost;

impl Host for RegisterHost {
    type Machine = Register;
    type Message = Infallible;
    type Store = ();
    type Request = Op;
    type Reply = Ret;

    fn start(&self, _boot: Boot<'_, ()>) -> Register {
        Register::default()
    }

    fn input(&self, _at: Moment, event: Event<'_, Self>) -> Option<(RequestId, Op)> {
        match event {
            Event::Request { id, request } => Some((id, request)),
            _ => None,
        }
    }

    fn output(&self, _at: Moment, (id, ret): (RequestId, Ret), effects: &mut Effects<Self>) {
        effects.reply(id, ret);
    }
}

/// The history of that many operations of eight clients, half reads and half writes of values below
/// `values`. Each of an operation's two messages is lost with probability `loss`: the client then
/// never hears of it.
pub(super) fn history(
    operations: usize,
    values: u64,
    loss: Probability,
    seed: u64,
) -> History<Op, Ret> {
    let model = ClientModel {
        think: Latency::ZERO,
        timeout: Duration::from_millis(50),
        link: Some(Link {
            loss,
            ..Link::lan()
        }),
        ..ClientModel::new(CLIENTS)
    };
    let mut left = operations;
    let mut world = World::builder(RegisterHost, 1, seed)
        .clients(model, move |turn| {
            left = left.checked_sub(1)?;
            let op = match turn.random.below(2) {
                0 => RegisterOp::Read,
                _ => RegisterOp::Write(turn.random.below(values)),
            };
            Some((NodeId(0), op))
        })
        .build();
    while world.step() {}
    world.history().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_as_long_as_asked_and_concurrent() {
        let history = history(1_000, 5, Probability::NEVER, 1);
        assert_eq!((history.len(), history.open()), (1_000, 0));
        let spans = history.iter().filter_map(|operation| {
            let completion = operation.completion?;
            Some(completion.at - operation.call)
        });
        // Alone, an operation would span one position; among eight, each of the others calls and
        // completes meanwhile.
        let mean = spans.sum::<usize>() as f64 / 1_000.0;
        assert!((10.0..20.0).contains(&mean), "{mean}");
    }

    #[test]
    fn lost_messages_leave_outcomes_unknown() {
        let history = history(5_000, 5, Probability::percent(1), 1);
        let unknown = history.open() as f64 / 5_000.0;
        assert!(
            (0.014..0.026).contains(&unknown),
            "{unknown}, expected 1 - 0.99^2"
        );
    }
}

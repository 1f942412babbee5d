//! The replicated state machine: a few registers, and a digest of everything that was ever applied.

use bytes::Bytes;
use core::iter;
use purlin_core::random::SplitMix64;
use purlin_quorum::raft::{Entry, Payload};
use purlin_sim::model::{Model, Register, RegisterOp, RegisterRet};

use super::request::{Reply, Request};

/// How many registers there are.
pub(crate) const KEYS: u8 = 4;

/// The state machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Registers {
    values: [Option<u64>; KEYS as usize],
    /// Of all commands applied so far, in order.
    digest: u64,
}

impl Registers {
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn get(&self, key: u8) -> Option<u64> {
        self.values[usize::from(key)]
    }

    /// Carries out an entry of the log.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Option<RegisterRet<u64>> {
        self.digest = SplitMix64::mix(self.digest ^ digest(entry));
        let Payload::Command(command) = &entry.payload else {
            return None;
        };
        let (key, op) = decode(command)?;
        let value = &mut self.values[usize::from(key)];
        Some(match op {
            RegisterOp::Read => RegisterRet::Value(*value),
            RegisterOp::Write(new) => {
                *value = Some(new);
                RegisterRet::Written
            }
            RegisterOp::Delete => {
                *value = None;
                RegisterRet::Written
            }
            RegisterOp::CompareAndSet { expected, new } if *value == expected => {
                *value = Some(new);
                RegisterRet::Swapped
            }
            RegisterOp::CompareAndSet { .. } => RegisterRet::Refused,
        })
    }

    /// As the bytes of a snapshot.
    pub(crate) fn image(&self) -> Bytes {
        let values = self.values.iter().flat_map(|value| {
            iter::once(u8::from(value.is_some())).chain(value.unwrap_or(0).to_le_bytes())
        });
        self.digest
            .to_le_bytes()
            .into_iter()
            .chain(values)
            .collect()
    }

    /// From the bytes of a snapshot; `None` when they are of nothing of the kind.
    pub(crate) fn from_image(image: &[u8]) -> Option<Self> {
        let (digest, values) = image.split_at_checked(8)?;
        let mut registers = Self {
            digest: number(digest)?,
            ..Self::default()
        };
        if values.len() != 9 * registers.values.len() {
            return None;
        }
        for (value, bytes) in registers.values.iter_mut().zip(values.chunks(9)) {
            *value = match bytes[0] {
                0 => None,
                _ => Some(number(&bytes[1..])?),
            };
        }
        Some(registers)
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// A digest of what an entry carries.
pub(crate) fn digest(entry: &Entry) -> u64 {
    let start = SplitMix64::mix(entry.term.0);
    match &entry.payload {
        Payload::Command(command) => command.chunks(8).fold(start, |digest, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            SplitMix64::mix(digest ^ u64::from_le_bytes(word))
        }),
        Payload::Configuration(configuration) => {
            let members = [
                configuration.voters(),
                configuration.outgoing(),
                configuration.learners(),
                configuration.learners_next(),
                configuration.witnesses(),
            ];
            let marked = members
                .iter()
                .zip(1_u64..)
                .flat_map(|(nodes, mark)| nodes.iter().map(move |node| node.0 << 8 | mark));
            marked.fold(!start, |digest, word| SplitMix64::mix(digest ^ word))
        }
    }
}

/// A command as bytes. Some are longer than others.
pub(crate) fn encode(key: u8, op: RegisterOp<u64>) -> Bytes {
    let (tag, expected, new) = match op {
        RegisterOp::Read => (0, None, 0),
        RegisterOp::Write(new) => (1, None, new),
        RegisterOp::Delete => (2, None, 0),
        RegisterOp::CompareAndSet { expected, new } => (3, expected, new),
    };
    let padding = if new % 8 == 0 { 64 } else { 0 };
    [tag, key, u8::from(expected.is_some())]
        .into_iter()
        .chain(expected.unwrap_or(0).to_le_bytes())
        .chain(new.to_le_bytes())
        .chain(iter::repeat_n(0, padding))
        .collect()
}

fn decode(command: &[u8]) -> Option<(u8, RegisterOp<u64>)> {
    let (head, rest) = command.split_at_checked(3)?;
    let (expected, rest) = rest.split_at_checked(8)?;
    let expected = number(expected).filter(|_| head[2] == 1);
    let new = number(rest.get(..8)?)?;
    let op = match head[0] {
        0 => RegisterOp::Read,
        1 => RegisterOp::Write(new),
        2 => RegisterOp::Delete,
        _ => RegisterOp::CompareAndSet { expected, new },
    };
    (head[1] < KEYS).then_some((head[1], op))
}

/// What clients may be told: each key is a register of its own. What the administrator asks touches
/// none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistersModel;

const REGISTER: Register<u64> = Register::new(None);

impl Model for RegistersModel {
    type Op = Request;
    type Ret = Reply;
    type State = Option<u64>;
    type Key = Option<u8>;

    fn key(&self, op: &Request) -> Option<u8> {
        op.about().map(|(key, _)| key)
    }

    fn initial(&self, _: &Option<u8>) -> Option<u64> {
        None
    }

    fn step(&self, state: &Option<u64>, op: &Request, ret: Option<&Reply>) -> Option<Option<u64>> {
        match (op.about(), ret) {
            (Some((_, op)), None) => REGISTER.step(state, &op, None),
            (Some((_, op)), Some(Reply::Register(ret))) => REGISTER.step(state, &op, Some(ret)),
            (None, None | Some(Reply::Done)) => Some(*state),
            _ => None,
        }
    }

    fn is_read(&self, op: &Request, ret: &Reply) -> bool {
        match (op.about(), ret) {
            (Some((_, op)), Reply::Register(ret)) => REGISTER.is_read(&op, ret),
            (about, _) => about.is_none(),
        }
    }

    fn may_answer(
        &self,
        state: &Option<u64>,
        op: &Request,
        ret: &Reply,
        others: &mut dyn Iterator<Item = &Request>,
    ) -> bool {
        let (Some((_, op)), Reply::Register(ret)) = (op.about(), ret) else {
            return true;
        };
        let others: Vec<RegisterOp<u64>> =
            others.filter_map(|other| Some(other.about()?.1)).collect();
        REGISTER.may_answer(state, &op, ret, &mut others.iter())
    }
}

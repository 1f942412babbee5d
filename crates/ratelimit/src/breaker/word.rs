//! The state of a circuit, packed into one word, so that every step from state to state is one
//! compare-and-swap.
//!
//! ```text
//! | 2 kind | 11 generation | 51 of the kind's own                                              |
//! | closed    | ... | 19 unused    | 32 consecutive failures                                     |
//! | open      | ... | 4 reopenings | 47 end, in steps of 2^17 ns                                 |
//! | half-open | ... | 4 reopenings | 32 end of the leases, in steps of 2^32 ns | 5 out | 5 good | 5 bad |
//! | by hand   | ... | 50 unused    | 1: forced open (0) or disabled (1)                          |
//! ```

use crate::Instant;

/// The most that a count of probes can be.
pub(super) const MAX_PROBES: u32 = 31;
/// The most that openings in a row are told apart.
const MAX_REOPENINGS: u32 = 15;
const MAX_GENERATION: u32 = (1 << 11) - 1;

const GENERATION_SHIFT: u32 = 51;
const GENERATION_MASK: u64 = (MAX_GENERATION as u64) << GENERATION_SHIFT;
const KIND_SHIFT: u32 = 62;
const REOPENINGS_SHIFT: u32 = 47;
/// 131 us: 47 bits of them are all of an [`Instant`]'s range.
const END_STEP: u32 = 17;
/// 4.3 s: 32 bits of them are all of an [`Instant`]'s range.
const LEASE_STEP: u32 = 32;
const LEASE_SHIFT: u32 = 15;
const COUNT_BITS: u32 = 5;

/// What a call is let through with: the generation, where a word has it, and in the lowest bit
/// whether the call half-opened the circuit. From a closed circuit it is just the word of one that
/// is closed, with no failure since the latest success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass(u64);

impl Pass {
    #[inline]
    pub(super) const fn of(word: u64) -> Self {
        Self(word & GENERATION_MASK)
    }

    pub(super) const fn half_opening(word: u64) -> Self {
        Self(word & GENERATION_MASK | 1)
    }

    pub(super) const fn half_opened(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether the circuit is in the period of the pass.
    #[inline]
    pub(super) const fn holds(self, word: u64) -> bool {
        (word ^ self.0) & GENERATION_MASK == 0
    }

    /// Whether, besides, it is closed, with no failure since the latest success.
    #[inline]
    pub(super) const fn is_undisturbed(self, word: u64) -> bool {
        word == self.0
    }
}

/// A circuit's state, with the number of the period in which it is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Goes up with every step to another state, modulo 2^11: tells late results from current ones.
    pub(super) generation: u32,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed { consecutive_failures: u32 },
    Open { until: EndOfOpen, reopenings: u32 },
    HalfOpen(Probing),
    ForcedOpen,
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probing {
    /// How often the circuit opened again since it last was closed.
    pub(super) reopenings: u32,
    /// From when on the probes that are out count as lost.
    pub(super) leases: EndOfLeases,
    /// Probes without a result.
    pub(super) out: u32,
    pub(super) good: u32,
    pub(super) bad: u32,
}

/// When an open circuit half-opens: a time rounded down to 131 us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndOfOpen(u64);

/// When probes are given up: a time rounded up to 4.3 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EndOfLeases(u64);

impl EndOfOpen {
    pub(super) const fn at(end: Instant) -> Self {
        Self(end.as_nanos() >> END_STEP)
    }

    pub(super) const fn instant(self) -> Instant {
        Instant::from_nanos(self.0 << END_STEP)
    }
}

impl EndOfLeases {
    pub(super) const fn at(end: Instant) -> Self {
        let steps = end.as_nanos().div_ceil(1 << LEASE_STEP);
        // The last moments of time would round up past its end.
        let last = u64::MAX >> LEASE_STEP;
        Self(if steps < last { steps } else { last })
    }

    pub(super) const fn instant(self) -> Instant {
        Instant::from_nanos(self.0 << LEASE_STEP)
    }
}

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;
const BY_HAND: u64 = 3;

impl Word {
    pub(super) const CLOSED: Self = Self {
        generation: 0,
        phase: Phase::Closed {
            consecutive_failures: 0,
        },
    };

    /// The next period, in another state or in the same one anew.
    pub(super) const fn step_to(self, phase: Phase) -> Self {
        Self {
            generation: (self.generation + 1) & MAX_GENERATION,
            phase,
        }
    }

    /// The same period.
    pub(super) const fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    pub(super) const fn pack(self) -> u64 {
        let (kind, own) = match self.phase {
            Phase::Closed {
                consecutive_failures,
            } => (CLOSED, consecutive_failures as u64),
            Phase::Open { until, reopenings } => {
                (OPEN, (reopenings as u64) << REOPENINGS_SHIFT | until.0)
            }
            Phase::HalfOpen(probing) => (HALF_OPEN, probing.pack()),
            Phase::ForcedOpen => (BY_HAND, 0),
            Phase::Disabled => (BY_HAND, 1),
        };
        kind << KIND_SHIFT | (self.generation as u64) << GENERATION_SHIFT | own
    }

    /// Whether a packed word is that of a closed circuit.
    #[inline]
    pub(super) const fn is_closed(word: u64) -> bool {
        word >> KIND_SHIFT == CLOSED
    }

    pub(super) const fn unpack(word: u64) -> Self {
        let generation = count(word, GENERATION_SHIFT, 11);
        let phase = match word >> KIND_SHIFT {
            CLOSED => Phase::Closed {
                consecutive_failures: count(word, 0, 32),
            },
            OPEN => Phase::Open {
                until: EndOfOpen(bits(word, 0, REOPENINGS_SHIFT)),
                reopenings: count(word, REOPENINGS_SHIFT, 4),
            },
            HALF_OPEN => Phase::HalfOpen(Probing::unpack(word)),
            _ if word & 1 == 0 => Phase::ForcedOpen,
            _ => Phase::Disabled,
        };
        Self { generation, phase }
    }
}

impl Probing {
    const fn pack(self) -> u64 {
        (self.reopenings as u64) << REOPENINGS_SHIFT
            | self.leases.0 << LEASE_SHIFT
            | (self.out as u64) << (2 * COUNT_BITS)
            | (self.good as u64) << COUNT_BITS
            | self.bad as u64
    }

    const fn unpack(word: u64) -> Self {
        Self {
            reopenings: count(word, REOPENINGS_SHIFT, 4),
            leases: EndOfLeases(bits(word, LEASE_SHIFT, 32)),
            out: count(word, 2 * COUNT_BITS, COUNT_BITS),
            good: count(word, COUNT_BITS, COUNT_BITS),
            bad: count(word, 0, COUNT_BITS),
        }
    }

    /// The number for the next opening, where the first of all has 0.
    pub(super) const fn next_reopening(self) -> u32 {
        if self.reopenings < MAX_REOPENINGS {
            self.reopenings + 1
        } else {
            MAX_REOPENINGS
        }
    }
}

const fn bits(word: u64, shift: u32, width: u32) -> u64 {
    (word >> shift) & ((1 << width) - 1)
}

#[expect(clippy::cast_possible_truncation, reason = "of at most 32 bits")]
const fn count(word: u64, shift: u32, width: u32) -> u32 {
    bits(word, shift, width) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn phases() -> impl Strategy<Value = Phase> {
        let counts = 0..=MAX_PROBES;
        let probing = (
            0..=MAX_REOPENINGS,
            any::<u64>(),
            counts.clone(),
            counts.clone(),
            counts,
        );
        prop_oneof![
            any::<u32>().prop_map(|consecutive_failures| Phase::Closed {
                consecutive_failures
            }),
            (any::<u64>(), 0..=MAX_REOPENINGS).prop_map(|(end, reopenings)| Phase::Open {
                until: EndOfOpen::at(Instant::from_nanos(end)),
                reopenings,
            }),
            probing.prop_map(
                |(reopenings, end, out, good, bad)| Phase::HalfOpen(Probing {
                    reopenings,
                    leases: EndOfLeases::at(Instant::from_nanos(end)),
                    out,
                    good,
                    bad,
                })
            ),
            Just(Phase::ForcedOpen),
            Just(Phase::Disabled),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(generation in 0..=MAX_GENERATION, phase in phases()) {
            let word = Word { generation, phase };
            prop_assert_eq!(Word::unpack(word.pack()), word);
        }

        #[test]
        fn an_end_is_rounded_by_less_than_a_step(end: u64) {
            let open = EndOfOpen::at(Instant::from_nanos(end)).instant().as_nanos();
            prop_assert!(open <= end && end - open < 1 << END_STEP);
            let leases = EndOfLeases::at(Instant::from_nanos(end)).instant().as_nanos();
            let last = (u64::MAX >> LEASE_STEP) << LEASE_STEP;
            prop_assert!(leases >= end.min(last));
            prop_assert!(leases.saturating_sub(end) < 1 << LEASE_STEP);
        }
    }

    #[test]
    fn generations_go_round() {
        let last = Word {
            generation: MAX_GENERATION,
            ..Word::CLOSED
        };
        assert_eq!(last.step_to(Phase::Disabled).generation, 0);
    }
}

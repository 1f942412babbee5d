use crate::sync::{AtomicU64, Ordering};

/// What requests paid in and retries have not spent, in two generations of half a lifetime each.
///
/// One word: `[generation number 24 | older generation 20 | younger generation 20]`, balances in
/// parts of a request: a request pays `deposit` parts, a retry costs `cost`, the two being `percent`
/// and 100 without their common divisor.
#[derive(Debug)]
pub(super) struct Deposits {
    word: AtomicU64,
    /// Nanoseconds, half of the time to live, above zero.
    generation: u64,
    deposit: u64,
    cost: u64,
}

const BALANCE_BITS: u32 = 20;
const MAX_BALANCE: u64 = (1 << BALANCE_BITS) - 1;
const NUMBER_MASK: u64 = (1 << 24) - 1;
/// A number at most so far behind the stored one is a clock that stepped back; any other is ahead
/// of it, by almost 2^24 generations at the most (half a year, at a time to live of two seconds).
/// To take a large step back for one ahead clears the balance, and so gives nothing away.
const STEP_BACK: u64 = 1 << 20;

/// The word, taken apart.
#[derive(Clone, Copy)]
struct Balance {
    number: u64,
    older: u64,
    younger: u64,
}

impl Balance {
    const fn unpack(word: u64) -> Self {
        Self {
            number: word >> (2 * BALANCE_BITS),
            older: (word >> BALANCE_BITS) & MAX_BALANCE,
            younger: word & MAX_BALANCE,
        }
    }

    const fn pack(self) -> u64 {
        self.number << (2 * BALANCE_BITS) | self.older << BALANCE_BITS | self.younger
    }

    /// What is left of it in the generation of this number.
    const fn at(self, number: u64) -> Self {
        let ahead = number.wrapping_sub(self.number) & NUMBER_MASK;
        let (older, younger) = match ahead {
            0 => return self,
            1 => (self.younger, 0),
            _ if ahead > NUMBER_MASK - STEP_BACK => return self,
            _ => (0, 0),
        };
        Self {
            number,
            older,
            younger,
        }
    }
}

impl Deposits {
    pub(super) fn new(ttl: u64, percent: u32) -> Self {
        let divisor = greatest_common_divisor(percent, 100);
        Self {
            word: AtomicU64::new(0),
            generation: ttl.div_ceil(2),
            deposit: u64::from(percent / divisor),
            cost: u64::from(100 / divisor),
        }
    }

    pub(super) fn deposit(&self, now: u64) {
        self.update(now, |balance| {
            let younger = (balance.younger + self.deposit).min(MAX_BALANCE);
            Some(Balance { younger, ..balance })
        });
    }

    /// Whether the balance covered a retry, and no longer holds it.
    pub(super) fn try_withdraw(&self, now: u64) -> bool {
        self.update(now, |balance| {
            // What expires first is spent first.
            let from_older = balance.older.min(self.cost);
            let younger = balance.younger.checked_sub(self.cost - from_older)?;
            Some(Balance {
                older: balance.older - from_older,
                younger,
                ..balance
            })
        })
    }

    pub(super) fn available(&self, now: u64) -> u64 {
        let word = self.word.load(Ordering::Relaxed);
        let balance = Balance::unpack(word).at(self.number(now));
        (balance.older + balance.younger) / self.cost
    }

    const fn number(&self, now: u64) -> u64 {
        (now / self.generation) & NUMBER_MASK
    }

    /// Changes the balance as of `now`; `false` when there was nothing to change it to.
    fn update(&self, now: u64, change: impl Fn(Balance) -> Option<Balance>) -> bool {
        let number = self.number(now);
        // ORDERING: the balance guards no other memory; its own order is all that counts.
        let mut seen = self.word.load(Ordering::Relaxed);
        loop {
            let Some(next) = change(Balance::unpack(seen).at(number)) else {
                return false;
            };
            let (relaxed, next) = (Ordering::Relaxed, next.pack());
            match self
                .word
                .compare_exchange_weak(seen, next, relaxed, relaxed)
            {
                Ok(_) => return true,
                Err(now_there) => seen = now_there,
            }
        }
    }
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

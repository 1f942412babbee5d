//! Randomness as a parameter: seedable generators behind a one-method trait.
//!
//! Nothing in purlin draws from the operating system or a thread-local generator: whoever makes a
//! block gives it a seed or a generator, and the same seed gives the same choices on every machine
//! and in every version. None of the generators here is fit for cryptography.
//!
//! | generator | state | use |
//! |---|---|---|
//! | [`SplitMix64`] | 8 B | seeding others, short streams; 2^64 outputs, each once |
//! | [`Xoshiro256PlusPlus`] | 32 B | the general-purpose choice |
//! | [`SharedRandom`] | 8 B, atomic | many threads through `&self` on a hot path |

mod ext;
#[cfg(feature = "rand_core")]
mod rand_core;
#[cfg(target_has_atomic = "64")]
mod shared;
mod split_mix;
mod xoshiro;

pub use ext::RandomExt;
#[cfg(feature = "rand_core")]
pub use rand_core::RandCore;
#[cfg(target_has_atomic = "64")]
pub use shared::SharedRandom;
pub use split_mix::SplitMix64;
pub use xoshiro::Xoshiro256PlusPlus;

/// A source of uniform 64-bit words.
///
/// Everything convenient is in [`RandomExt`], which every `Random` has, behind `dyn` too.
///
/// # Implementing
///
/// Do return words whose 64 bits are all uniform and independent: consumers use high and low bits
/// alike. Do make equal seeds give equal streams. Do not implement `Copy` on a generator: a silent
/// copy repeats its stream.
///
/// ```
/// use purlin_core::random::{Random, RandomExt, Xoshiro256PlusPlus};
///
/// fn dice(random: &mut dyn Random) -> u64 {
///     1 + random.below(6)
/// }
///
/// let mut random = Xoshiro256PlusPlus::from_seed(7);
/// assert!((1..=6).contains(&dice(&mut random)));
/// ```
pub trait Random {
    /// The next word of the stream.
    fn next_u64(&mut self) -> u64;
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Random + ?Sized> Random for $pointer {
            #[inline]
            fn next_u64(&mut self) -> u64 {
                (**self).next_u64()
            }
        }
    )*};
}

for_exclusive_pointers!(through_pointer);

//! Drawing 64 random bits.

use purlin_core::random::{Random as _, SharedRandom, SplitMix64, Xoshiro256PlusPlus};

use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Contest, Over};

/// Nothing to vary: a generator has no input.
fn draws() -> Over<()> {
    Contest::over(vec![(); 1024])
}

/// The least that still changes from draw to draw.
fn with_floor(contest: Over<()>) -> Over<()> {
    let mut word = 0_u64;
    contest.floor("one addition", move |()| {
        word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        word
    })
}

/// [`Xoshiro256PlusPlus`] beside the same algorithm of other crates, and fastrand's.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn xoshiro(settings: &Settings) -> Result<Contest, LabError> {
    let mut random = Xoshiro256PlusPlus::from_seed(settings.seed);
    let contest = with_floor(draws().ours("Xoshiro256PlusPlus", move |()| random.next_u64()));
    #[cfg(feature = "rivals")]
    let contest = {
        use rand::{Rng as _, SeedableRng as _};
        let mut rand = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(settings.seed);
        let mut original = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(settings.seed);
        let mut fast = fastrand::Rng::with_seed(settings.seed);
        contest
            .rival("rand Xoshiro256PlusPlus", move |()| rand.next_u64())
            .rival("rand_xoshiro Xoshiro256PlusPlus", move |()| {
                original.next_u64()
            })
            .rival("fastrand Rng (wyrand)", move |()| fast.u64(..))
    };
    Ok(contest.build())
}

/// [`SplitMix64`] beside rand_xoshiro's, and fastrand's generator of one word.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn split_mix(settings: &Settings) -> Result<Contest, LabError> {
    let mut random = SplitMix64::new(settings.seed);
    let contest = with_floor(draws().ours("SplitMix64", move |()| random.next_u64()));
    #[cfg(feature = "rivals")]
    let contest = {
        use rand::{Rng as _, SeedableRng as _};
        let mut original = rand_xoshiro::SplitMix64::seed_from_u64(settings.seed);
        let mut fast = fastrand::Rng::with_seed(settings.seed);
        contest
            .rival("rand_xoshiro SplitMix64", move |()| original.next_u64())
            .rival("fastrand Rng (wyrand)", move |()| fast.u64(..))
    };
    Ok(contest.build())
}

/// [`SharedRandom`] beside the other ways to draw without `&mut`: a thread-local generator, and a
/// lock around one.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn shared(settings: &Settings) -> Result<Contest, LabError> {
    use core::sync::atomic::{AtomicU64, Ordering};

    let (random, word) = (SharedRandom::new(settings.seed), AtomicU64::new(0));
    let contest = draws()
        .ours("SharedRandom", move |()| random.next_u64())
        .floor("one atomic addition", move |()| {
            word.fetch_add(1, Ordering::Relaxed)
        });
    #[cfg(feature = "rivals")]
    let contest = {
        use rand::{Rng as _, SeedableRng as _};
        let locked =
            std::sync::Mutex::new(rand::rngs::Xoshiro256PlusPlus::seed_from_u64(settings.seed));
        contest
            .rival("fastrand::u64 (thread-local)", |()| fastrand::u64(..))
            .rival("Mutex<rand Xoshiro256PlusPlus>", move |()| {
                locked
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .next_u64()
            })
    };
    Ok(contest.build())
}

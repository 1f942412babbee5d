use super::Random;

/// Any generator of the `rand` ecosystem as a [`Random`].
///
/// ```
/// use purlin_core::random::{RandCore, Random};
/// # struct Fixed;
/// # impl rand_core::TryRng for Fixed {
/// #     type Error = core::convert::Infallible;
/// #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(7) }
/// #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(7) }
/// #     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> { bytes.fill(7); Ok(()) }
/// # }
/// # let chacha = Fixed;
/// let mut random = RandCore(chacha);
/// assert_eq!(random.next_u64(), 7);
/// ```
#[derive(Clone, Debug)]
pub struct RandCore<R>(pub R);

impl<R: ::rand_core::Rng> Random for RandCore<R> {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

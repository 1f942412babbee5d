use super::{Rejected, ServiceError};
use alloc::boxed::Box;
use core::any::Any;
use core::error::Error;
use core::marker::PhantomData;

/// Finds the refusal of a guard in an error, so that who watches a service knows the refusals of
/// guards below from failures of the service.
///
/// Nearly every error has it, in one of three ways:
///
/// * a [`ServiceError`] says which it is, at any depth of guards around guards;
/// * a boxed error (`Box<dyn Error>`, also with `Send` and `Sync`) is one if [`Rejected`] is among
///   its [sources](Error::source);
/// * any other `'static` type is none.
///
/// An error type of your own with a `ServiceError` inside has it not, and does not compile with the
/// default judges: they cannot look into it, and must not guess. Bring a judge that does.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
/// use purlin_ratelimit::tower::{MaybeRejected, Rejected, ServiceError};
///
/// let limiter = ConcurrencyLimiter::new(Fixed::new(1)?);
/// let _permit = limiter.try_acquire();
/// let refused = Rejected::Overloaded(limiter.try_acquire().unwrap_err());
///
/// let error: ServiceError<ServiceError<String>> = ServiceError::Inner(refused.into());
/// assert_eq!(error.rejected(), Some(&refused));
/// assert_eq!("no such file".to_owned().rejected(), None);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "refusals of a guard cannot be found in `{Self}`",
    label = "may hold a `ServiceError`, or is not `'static`",
    note = "bring a judge: `judged_by` of a guard, `RetryLayer::judging_rejections` of retries"
)]
pub trait MaybeRejected {
    /// The refusal. `None` where the error is another one.
    fn rejected(&self) -> Option<&Rejected>;
}

impl<E: MaybeRejected> MaybeRejected for ServiceError<E> {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Inner(inner) => inner.rejected(),
        }
    }
}

/// All but [`ServiceError`], which is not `Unpin`.
impl<E: Unpin + 'static> MaybeRejected for E {
    fn rejected(&self) -> Option<&Rejected> {
        let error: &dyn Any = self;
        if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            return among_sources(&**boxed);
        }
        if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send>>() {
            return among_sources(&**boxed);
        }
        if let Some(boxed) = error.downcast_ref::<Box<dyn Error>>() {
            return among_sources(&**boxed);
        }
        error.downcast_ref()
    }
}

fn among_sources<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Rejected> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rejected) = error.downcast_ref() {
            return Some(rejected);
        }
        next = error.source();
    }
    None
}

/// Never `Unpin`, for the bound never holds. The compiler then knows that a `ServiceError` is none
/// of "all `Unpin` types", and lets them have different implementations of one trait. Errors are
/// not polled: nobody misses it.
impl<E> Unpin for ServiceError<E> where NotUnpin<E>: Never {}

/// A type of this crate, so that the compiler knows that it is never [`Never`].
#[doc(hidden)]
#[expect(unnameable_types, reason = "of a bound that nobody is to meet")]
#[derive(Debug)]
pub struct NotUnpin<E>(PhantomData<E>);

/// Implemented by nothing.
#[doc(hidden)]
#[expect(unnameable_types, reason = "of a bound that nobody is to meet")]
pub trait Never {}

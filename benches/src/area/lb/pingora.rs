//! pingora's balancer, which needs cmake and a C compiler.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pingora_error::Result as PingoraResult;
use pingora_load_balancing::discovery::ServiceDiscovery;
use pingora_load_balancing::selection::{BackendIter, BackendSelection, Consistent};
pub(super) use pingora_load_balancing::selection::{Random, RoundRobin};
use pingora_load_balancing::{Backend, Backends, LoadBalancer};
use purlin_lb::Instant;

use super::fleet::address;
use super::picks::Key;
use crate::error::LabError;

/// Enough to try the next one if the first is not ready, which all are.
const ITERATIONS: usize = 256;

/// A list that one may change.
#[derive(Clone, Default)]
struct List(Arc<Mutex<BTreeSet<Backend>>>);

type Discovered = PingoraResult<(BTreeSet<Backend>, HashMap<u64, bool>)>;

impl ServiceDiscovery for List {
    fn discover<'a, 'async_trait>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = Discovered> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        let backends = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async { Ok((backends, HashMap::new())) })
    }
}

fn backend(number: u32, weight: u32) -> Result<Backend, LabError> {
    let address = address(number).to_string();
    Backend::new_with_weight(&address, weight as usize).map_err(refused)
}

fn refused(error: Box<pingora_error::Error>) -> LabError {
    LabError::Usage(format!("pingora: {error}"))
}

/// A balancer, and the list it follows.
pub(super) struct Following<S: BackendSelection> {
    balancer: LoadBalancer<S>,
    list: List,
}

impl<S> Following<S>
where
    S: BackendSelection + Send + Sync + 'static,
    S::Iter: BackendIter,
{
    pub(super) fn new(count: u32, weight: impl Fn(u32) -> u32) -> Result<Self, LabError> {
        let list = List::default();
        let backends: Result<BTreeSet<_>, _> = (0..count)
            .map(|number| backend(number, weight(number)))
            .collect();
        *list.0.lock().unwrap_or_else(PoisonError::into_inner) = backends?;
        let balancer = LoadBalancer::from_backends(Backends::new(Box::new(list.clone())));
        let following = Self { balancer, list };
        following.update()?;
        Ok(following)
    }

    /// Takes one out of the list and puts another in, to be [followed](Self::update).
    pub(super) fn replace(&self, out: (u32, u32), new: (u32, u32)) -> Result<(), LabError> {
        let [out, new] = [backend(out.0, out.1)?, backend(new.0, new.1)?];
        let mut list = self.list.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(list.remove(&out) && list.insert(new), "it was in the list");
        Ok(())
    }

    /// Its future is ready at once, as its discovery is.
    pub(super) fn update(&self) -> Result<(), LabError> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.balancer.update()).poll(&mut context) {
            Poll::Ready(done) => done.map_err(refused),
            Poll::Pending => Err(LabError::Usage("pingora waits for something".to_owned())),
        }
    }
}

pub(super) fn pick<S>(
    count: u32,
    weight: impl Fn(u32) -> u32,
) -> Result<impl FnMut(&Instant) -> Option<Backend>, LabError>
where
    S: BackendSelection + Send + Sync + 'static,
    S::Iter: BackendIter,
{
    let Following { balancer, .. } = Following::<S>::new(count, weight)?;
    Ok(move |_: &Instant| balancer.select(&[], ITERATIONS))
}

pub(super) fn pick_by_key(count: u32) -> Result<impl FnMut(&Key) -> Option<Backend>, LabError> {
    let Following { balancer, .. } = Following::<Consistent>::new(count, |_| 1)?;
    Ok(move |key: &Key| balancer.select(key, ITERATIONS))
}

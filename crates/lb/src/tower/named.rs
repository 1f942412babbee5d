use core::task::{Context, Poll};
use purlin_core::node::NodeId;
use purlin_hashring::Identity;
use tower_service::Service;

/// A service with the identity of a name: services have none of their own.
///
/// ```
/// use purlin_lb::Identity;
/// use purlin_lb::tower::Named;
///
/// let named = Named::new("10.0.0.1:80", "a service");
/// assert_eq!(named.id(), "10.0.0.1:80".id());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Named<S> {
    id: NodeId,
    service: S,
}

impl<S> Named<S> {
    /// This service by that name: the address it is at, or whatever names it in discovery.
    pub fn new(name: impl Identity, service: S) -> Self {
        Self {
            id: name.id(),
            service,
        }
    }

    /// The service.
    pub const fn get(&self) -> &S {
        &self.service
    }
}

impl<S> Identity for Named<S> {
    fn id(&self) -> NodeId {
        self.id
    }
}

impl<S: Service<R>, R> Service<R> for Named<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}

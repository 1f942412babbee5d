//! A table of routes: which host, path and method leads to which cluster.
//!
//! [`RouteTable`] is a gateway's table on [`matchit`](https://docs.rs/matchit)'s radix tree. It maps
//! to whatever it is given: a [`Cluster`](crate::Cluster), a handler, a name.

mod error;
mod host;
mod paths;
mod pattern;
mod table;

pub use error::{NoRoute, RefusedRoute, RouteError};
pub use paths::{Allowed, Found, Params};
pub use table::RouteTable;

/// What a request must be like: its path, and, where that is said, its host and its method.
///
/// | path | matches |
/// |---|---|
/// | `/users/me` | itself |
/// | `/users/{id}` | anything in one segment, but not nothing |
/// | `/static/{*file}` | all of the rest, but not nothing |
/// | `/{{id}}` | `/{id}`: a brace is written twice |
///
/// ```
/// use purlin_lb::route::Route;
///
/// let route = Route::new("/users/{id}").method("GET").host("*.example.com");
/// assert_eq!(route.to_string(), "GET *.example.com/users/{id}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route<'a> {
    path: &'a str,
    method: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Route<'a> {
    /// This path with any method, at any host.
    #[must_use]
    pub const fn new(path: &'a str) -> Self {
        Self {
            path,
            method: None,
            host: None,
        }
    }

    /// The same with this method only, upper case as it is written in requests. `HEAD` is a method
    /// of its own.
    #[must_use]
    pub const fn method(self, method: &'a str) -> Self {
        Self {
            method: Some(method),
            ..self
        }
    }

    /// The same at this host only, `api.example.com`, or at all below it, `*.example.com`. Without a
    /// port.
    #[must_use]
    pub const fn host(self, host: &'a str) -> Self {
        Self {
            host: Some(host),
            ..self
        }
    }
}

impl core::fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(method) = self.method {
            write!(f, "{method} ")?;
        }
        write!(f, "{}{}", self.host.unwrap_or(""), self.path)
    }
}

//! Hosts, and the routes of each.

use super::Route;
use super::error::{NoRoute, RefusedRoute, RouteError};
use super::host::{ByHost, Pattern, name, parents};
use super::paths::{Found, Paths};

/// Which host, path and method leads to what.
///
/// 1. The host is chosen first: the same name, else the longest `*.` name that it is below, else
///    the routes of any host. Then only the routes of that one count, as in Envoy's virtual hosts.
/// 2. In a path, what is written out goes before a parameter, and one of a segment before that of
///    the rest; two routes of which neither goes first are a [conflict](RouteError::Conflict) when
///    they are added.
/// 3. A route of the method goes before one of any method.
///
/// What was chosen is final. With routes for `example.com`, a path that only a route of any host has
/// is not found at `example.com`; and where `/users/me` has only `GET` and `/users/{id}` has `POST`,
/// `POST /users/me` is not allowed. Two routes whose paths differ only in the names of parameters
/// are a conflict even where their methods differ: name them alike.
///
/// ```
/// use purlin_lb::route::{NoRoute, Route, RouteTable};
///
/// let mut table = RouteTable::new();
/// table.insert(Route::new("/users/me").method("GET"), "me")?;
/// table.insert(Route::new("/users/{id}").method("POST"), "one")?;
/// table.insert(Route::new("/").host("example.com"), "home")?;
/// assert!(matches!(table.find("a", "POST", "/users/me"), Err(NoRoute::MethodNotAllowed { .. })));
/// assert_eq!(table.find("example.com", "GET", "/users/me").err(), Some(NoRoute::NotFound));
/// assert!(table.insert(Route::new("/users/{name}").method("PUT"), "other").is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Paths are compared as they are written: `..`, `//` and `%2e` mean nothing here, so normalise a
/// path before the lookup if what is behind does so.
///
/// A lookup is O(length of the path) where no parameter stands beside text. It goes back to a
/// parameter when the text beside it leads nowhere, so where the two alternate on many levels it is
/// O(routes) at worst, for a path that whoever sends the request may choose. It takes O(labels of
/// the host) searches among hosts where routes name any, and allocates for more than three parameters only. Build a table and share it;
/// it takes `&mut self` to add to it, so a new one replaces it when routes change.
///
/// ```
/// use purlin_lb::route::{NoRoute, Route, RouteTable};
///
/// let mut table = RouteTable::new();
/// table.insert(Route::new("/users/{id}").method("GET"), "readers")?;
/// table.insert(Route::new("/users/{id}").method("PUT"), "writers")?;
/// table.insert(Route::new("/{*path}").host("*.cdn.example.com"), "files")?;
///
/// let found = table.find("api.example.com", "GET", "/users/42").expect("it is a route");
/// assert_eq!((*found.value, found.params.get("id")), ("readers", Some("42")));
/// assert_eq!(*table.find("eu.CDN.example.com:443", "GET", "/users/42").expect("it is a route").value, "files");
///
/// match table.find("api.example.com", "DELETE", "/users/42") {
///     Err(NoRoute::MethodNotAllowed { allowed }) => assert_eq!(allowed.to_string(), "GET, PUT"),
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(table.find("api.example.com", "GET", "/users").err(), Some(NoRoute::NotFound));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RouteTable<T> {
    any: Paths<T>,
    exact: ByHost<Paths<T>>,
    below: ByHost<Paths<T>>,
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self {
            any: Paths::default(),
            exact: ByHost::default(),
            below: ByHost::default(),
        }
    }
}

impl<T> RouteTable<T> {
    /// No routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route. O(its length), but for the rare case that it splits a node of the tree with
    /// many below.
    ///
    /// # Errors
    ///
    /// [`RefusedRoute`] with the value if the route is none, or conflicts with one that is there.
    pub fn insert(&mut self, route: Route<'_>, value: T) -> Result<(), RefusedRoute<T>> {
        if let Some(method) = route.method.filter(|method| !is_token(method)) {
            let method = method.to_owned();
            let error = RouteError::InvalidMethod { method };
            return Err(RefusedRoute { error, value });
        }
        let pattern = route.host.map(Pattern::parse);
        let added = match pattern {
            None => self.any.insert(route, value),
            Some(Some(Pattern::Exactly(name))) => insert(&mut self.exact, name, route, value),
            Some(Some(Pattern::Below(name))) => insert(&mut self.below, name, route, value),
            Some(None) => {
                let host = route.host.unwrap_or_default().to_owned();
                Err((RouteError::InvalidHost { host }, value))
            }
        };
        added.map_err(|(error, value)| RefusedRoute { error, value })
    }

    /// Where a request to this host (a port is ignored) with this method and this path (without a
    /// query) leads to.
    ///
    /// # Errors
    ///
    /// [`NoRoute`], which tells a path that is not there from a method that it does not have.
    #[inline(always)]
    pub fn find<'t, 'p>(
        &'t self,
        host: &str,
        method: &str,
        path: &'p str,
    ) -> Result<Found<'t, 'p, T>, NoRoute<'t>> {
        self.of_host(host).find(method, path)
    }

    #[inline]
    fn of_host(&self, host: &str) -> &Paths<T> {
        if self.exact.is_empty() && self.below.is_empty() {
            return &self.any;
        }
        // Most are written as they were registered, without a port.
        let exact = self.exact.get(host);
        exact.unwrap_or_else(|| self.of_authority(host))
    }

    #[inline(never)]
    fn of_authority(&self, authority: &str) -> &Paths<T> {
        let name = name(authority);
        let below = || parents(name).find_map(|parent| self.below.get(parent));
        let found = self.exact.get(name).or_else(below);
        found.unwrap_or(&self.any)
    }

    /// How many routes there are. O(routes).
    #[must_use]
    pub fn len(&self) -> usize {
        let named = self.exact.values().chain(self.below.values());
        self.any.len() + named.map(Paths::len).sum::<usize>()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn insert<T>(
    hosts: &mut ByHost<Paths<T>>,
    name: &str,
    route: Route<'_>,
    value: T,
) -> Result<(), (RouteError, T)> {
    if let Some(paths) = hosts.get_mut(name) {
        return paths.insert(route, value);
    }
    // A host of which the first route is refused must not hide the routes of any host.
    let mut paths = Paths::default();
    paths.insert(route, value)?;
    hosts.insert(name, paths);
    Ok(())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(in_token)
}

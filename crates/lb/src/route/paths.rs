//! The routes of one host.

use super::Route;
use super::error::{NoRoute, RouteError};
use super::pattern;
use alloc::sync::Arc;
use core::fmt;
use std::collections::HashMap;

/// The paths of one host, each with its methods.
#[derive(Clone, Debug)]
pub(super) struct Paths<T> {
    tree: matchit::Router<Leaf>,
    by_pattern: HashMap<Box<str>, usize>,
    entries: Vec<Entry<T>>,
    nodes: Vec<Node>,
}

/// What the tree holds of a path: enough for its first method, so that a lookup of that one reads
/// nothing else on its way.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    code: u8,
    entry: usize,
    node: usize,
}

/// A route.
#[derive(Clone, Debug)]
struct Entry<T> {
    value: T,
    pattern: Arc<str>,
}

/// All of a path.
#[derive(Clone, Debug)]
struct Node {
    pattern: Arc<str>,
    any: Option<usize>,
    /// In the order in which they came; their entries at the same places beside them.
    methods: Vec<Box<str>>,
    entries: Vec<usize>,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self {
            tree: matchit::Router::new(),
            by_pattern: HashMap::new(),
            entries: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

impl<T> Paths<T> {
    /// Adds a route of this host, or says why not and gives the value back.
    pub(super) fn insert(&mut self, route: Route<'_>, value: T) -> Result<(), (RouteError, T)> {
        let node = match self.node(route) {
            Ok(node) => &mut self.nodes[node],
            Err(error) => return Err((error, value)),
        };
        let taken = match route.method {
            None => node.any.is_some(),
            Some(method) => node.methods.iter().any(|known| **known == *method),
        };
        if taken {
            let route = route.to_string();
            let with = route.clone();
            return Err((RouteError::Conflict { route, with }, value));
        }
        let entry = self.entries.len();
        match route.method {
            None => node.any = Some(entry),
            Some(method) => {
                node.methods.push(method.into());
                node.entries.push(entry);
            }
        }
        let pattern = Arc::clone(&node.pattern);
        self.entries.push(Entry { value, pattern });
        Ok(())
    }

    /// The place of a path, a new one if it is not known.
    fn node(&mut self, route: Route<'_>) -> Result<usize, RouteError> {
        if let Some(node) = self.by_pattern.get(route.path) {
            return Ok(*node);
        }
        pattern::validate(route.path)?;
        let leaf = Leaf {
            code: route.method.map_or(OTHER, code),
            entry: self.entries.len(),
            node: self.nodes.len(),
        };
        let inserted = self.tree.insert(route.path, leaf);
        inserted.map_err(|error| refusal(route, error))?;
        self.by_pattern.insert(route.path.into(), leaf.node);
        self.nodes.push(Node {
            pattern: route.path.into(),
            any: None,
            methods: Vec::new(),
            entries: Vec::new(),
        });
        Ok(leaf.node)
    }

    #[inline(always)]
    pub(super) fn find<'t, 'p>(
        &'t self,
        method: &str,
        path: &'p str,
    ) -> Result<Found<'t, 'p, T>, NoRoute<'t>> {
        let Ok(matched) = self.tree.at(path) else {
            return Err(NoRoute::NotFound);
        };
        let leaf = *matched.value;
        let entry = if leaf.code != OTHER && leaf.code == code(method) {
            leaf.entry
        } else {
            self.entry(leaf.node, method)?
        };
        let Entry { value, pattern } = &self.entries[entry];
        Ok(Found {
            value,
            params: Params(matched.params),
            pattern,
        })
    }

    /// The entry of this method at a path, or of any. Out of line, so that the rest of a lookup is
    /// small enough to be compiled into its caller, which then copies no parameters.
    #[inline(never)]
    fn entry(&self, node: usize, method: &str) -> Result<usize, NoRoute<'_>> {
        let node = &self.nodes[node];
        let place = node.methods.iter().position(|known| **known == *method);
        let entry = place.map(|place| node.entries[place]).or(node.any);
        entry.ok_or(NoRoute::MethodNotAllowed {
            allowed: Allowed(&node.methods),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Neither one that has a code, nor all of them.
const OTHER: u8 = 0;

/// The methods that have a code: a comparison of bytes instead of texts.
#[inline]
const fn code(method: &str) -> u8 {
    match method.as_bytes() {
        b"GET" => 1,
        b"POST" => 2,
        b"PUT" => 3,
        b"DELETE" => 4,
        b"HEAD" => 5,
        b"PATCH" => 6,
        b"OPTIONS" => 7,
        _ => OTHER,
    }
}

fn refusal(route: Route<'_>, error: matchit::InsertError) -> RouteError {
    use matchit::InsertError;
    let expected = match error {
        InsertError::Conflict { with } => {
            let host = route.host.unwrap_or("");
            return RouteError::Conflict {
                route: route.to_string(),
                with: format!("{host}{with}"),
            };
        }
        InsertError::InvalidCatchAll => "a `{*rest}` must be the last segment",
        _ => "a parameter must have a name in braces",
    };
    RouteError::InvalidPath {
        path: route.path.to_owned(),
        expected,
    }
}

/// Where a request leads to.
#[derive(Clone, Debug)]
pub struct Found<'t, 'p, T> {
    /// What the route was mapped to.
    pub value: &'t T,
    /// What stood for its parameters.
    pub params: Params<'t, 'p>,
    /// The pattern of its path, for logs and metrics: there are few of them.
    pub pattern: &'t str,
}

/// What stood in a path for the parameters of its pattern, in the order of the path, as it was
/// written: percent-encoding is not undone.
#[derive(Clone)]
pub struct Params<'t, 'p>(matchit::Params<'t, 'p>);

impl<'t, 'p> Params<'t, 'p> {
    /// The one of this name. O(parameters).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.0.get(name)
    }

    /// All with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'t str, &'p str)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Params<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The methods of a path. As text it is what belongs into the field `Allow`: `GET, PUT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed<'t>(&'t [Box<str>]);

impl<'t> Allowed<'t> {
    /// Each of them, in the order in which their routes were added.
    pub fn iter(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().map(|method| &**method)
    }
}

impl fmt::Display for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            f.write_str(method)?;
        }
        Ok(())
    }
}

//! The routes of one host.

use super::Route;
use super::error::{NoRoute, RouteError};
use super::pattern;
use core::fmt;
use std::collections::HashMap;

/// The paths of one host, each with its methods.
#[derive(Clone, Debug)]
pub(super) struct Paths<T> {
    tree: matchit::Router<usize>,
    by_pattern: HashMap<Box<str>, usize>,
    nodes: Vec<Node<T>>,
}

/// What a path leads to.
#[derive(Clone, Debug)]
struct Node<T> {
    pattern: Box<str>,
    any: Option<T>,
    /// In the order in which they came; the values of the same places beside them.
    methods: Vec<Box<str>>,
    values: Vec<T>,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self {
            tree: matchit::Router::new(),
            by_pattern: HashMap::new(),
            nodes: Vec::new(),
        }
    }
}

impl<T> Paths<T> {
    /// Adds a route of this host, or says why not and gives the value back.
    pub(super) fn insert(&mut self, route: Route<'_>, value: T) -> Result<(), (RouteError, T)> {
        let place = match self.place(route) {
            Ok(place) => place,
            Err(error) => return Err((error, value)),
        };
        let node = &mut self.nodes[place];
        let taken = match route.method {
            None => node.any.is_some(),
            Some(method) => node.methods.iter().any(|known| **known == *method),
        };
        if taken {
            let route = route.to_string();
            let with = route.clone();
            return Err((RouteError::Conflict { route, with }, value));
        }
        match route.method {
            None => node.any = Some(value),
            Some(method) => {
                node.methods.push(method.into());
                node.values.push(value);
            }
        }
        Ok(())
    }

    /// The place of a pattern, a new one if it is not known.
    fn place(&mut self, route: Route<'_>) -> Result<usize, RouteError> {
        if let Some(place) = self.by_pattern.get(route.path) {
            return Ok(*place);
        }
        pattern::validate(route.path)?;
        let place = self.nodes.len();
        let inserted = self.tree.insert(route.path, place);
        inserted.map_err(|error| refusal(route, error))?;
        self.by_pattern.insert(route.path.into(), place);
        self.nodes.push(Node {
            pattern: route.path.into(),
            any: None,
            methods: Vec::new(),
            values: Vec::new(),
        });
        Ok(place)
    }

    #[inline]
    pub(super) fn find<'t, 'p>(
        &'t self,
        method: &str,
        path: &'p str,
    ) -> Result<Found<'t, 'p, T>, NoRoute<'t>> {
        let Ok(matched) = self.tree.at(path) else {
            return Err(NoRoute::NotFound);
        };
        let node = &self.nodes[*matched.value];
        let place = node.methods.iter().position(|known| **known == *method);
        match place.map(|place| &node.values[place]).or(node.any.as_ref()) {
            Some(value) => Ok(Found {
                value,
                params: Params(matched.params),
                pattern: &node.pattern,
            }),
            None => Err(NoRoute::MethodNotAllowed {
                allowed: Allowed(&node.methods),
            }),
        }
    }

    pub(super) fn len(&self) -> usize {
        let of = |node: &Node<T>| node.values.len() + usize::from(node.any.is_some());
        self.nodes.iter().map(of).sum()
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
        InsertError::InvalidParamSegment => "a segment may have one parameter",
        InsertError::InvalidCatchAll => "a `{*rest}` must be the whole last segment",
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

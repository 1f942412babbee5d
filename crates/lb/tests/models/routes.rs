//! A table of routes as a list that is gone through, for the property tests and for fuzzing.

use purlin_lb::route::{NoRoute, Route, RouteError, RouteTable};

/// A route as data; a host of `None` is any, a method too.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) host: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) path: String,
}

impl Spec {
    fn route(&self) -> Route<'_> {
        let route = Route::new(&self.path);
        let route = self.method.iter().fold(route, |r, method| r.method(method));
        self.host.iter().fold(route, |r, host| r.host(host))
    }
}

/// The parameters if a path matches a pattern, by comparing one segment after the other.
pub(crate) fn matched<'p>(pattern: &str, path: &'p str) -> Option<Vec<(String, &'p str)>> {
    let mut params = Vec::new();
    let mut rest = Some(path);
    for pattern in pattern.split('/') {
        let here = rest?;
        let (text, name) = part(pattern);
        if let Some(name) = name.and_then(|name| name.strip_prefix('*')) {
            params.push((name.to_owned(), here));
            return (!here.is_empty()).then_some(params);
        }
        let (segment, after) = match here.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (here, None),
        };
        match name {
            Some(name) if !segment.is_empty() => params.push((name.to_owned(), segment)),
            None if segment == text => {}
            _ => return None,
        }
        rest = after;
    }
    rest.is_none().then_some(params)
}

/// The text of a segment without escapes, or the name of its parameter.
fn part(segment: &str) -> (String, Option<&str>) {
    let bare = segment.replace("{{", "").replace("}}", "");
    let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
    let text = segment.replace("{{", "{").replace("}}", "}");
    (text, name.filter(|_| bare.contains('{')))
}

/// Whether a host, in lower case and without a port, is one of a pattern; with its rank.
fn host_rank(pattern: Option<&str>, host: &str) -> Option<usize> {
    let Some(pattern) = pattern else {
        return Some(0);
    };
    let pattern = pattern.to_ascii_lowercase();
    if pattern == host {
        return Some(usize::MAX);
    }
    let below = pattern.strip_prefix('*')?;
    let above = host.strip_suffix(below)?;
    (!above.is_empty()).then_some(below.len())
}

/// Adds all that are taken, and compares what becomes of each request with the list.
///
/// # Panics
///
/// When the table answers what the list does not.
pub(crate) fn play(specs: &[Spec], requests: &[(String, String, String)]) {
    let (mut table, mut taken): (_, Vec<&Spec>) = (RouteTable::new(), Vec::new());
    for spec in specs {
        let place = taken.len();
        let expected = is_accepted(spec, &taken);
        match table.insert(spec.route(), place) {
            Ok(()) => {
                assert!(expected, "{spec:?} after {taken:?}");
                taken.push(spec);
            }
            Err(refused) => {
                assert!(!expected, "{refused:?} after {taken:?}");
                assert_eq!(refused.value, place);
                let conflict = matches!(refused.error, RouteError::Conflict { .. });
                assert_eq!(conflict, shape(&spec.path).is_some(), "{refused:?}");
            }
        }
    }
    assert_eq!(table.len(), taken.len());
    for (host, method, path) in requests {
        compare(&table, &taken, host, method, path);
    }
}

/// Whether a path is a pattern, and no other of that host is in the way: the same one with the same
/// method, or one with other names for the same parameters.
fn is_accepted(spec: &Spec, taken: &[&Spec]) -> bool {
    let Some(own) = shape(&spec.path) else {
        return false;
    };
    let mut of_host = taken.iter().filter(|other| host_of(other) == host_of(spec));
    !of_host.any(|other| {
        let differs = other.path == spec.path && other.method != spec.method;
        let shape = shape(&other.path).unwrap_or_default();
        !differs && (own == shape || is_rest_beside(&own, &shape) || is_rest_beside(&shape, &own))
    })
}

/// Whether the one takes the rest where the other has a parameter after the same segments.
fn is_rest_beside(rest: &[(usize, String)], other: &[(usize, String)]) -> bool {
    let Some(((2, _), before)) = rest.split_last() else {
        return false;
    };
    other.starts_with(before) && other.get(before.len()).is_some_and(|(kind, _)| *kind > 0)
}

/// A pattern's segments without the names of its parameters; `None` if it is none.
fn shape(path: &str) -> Option<Vec<(usize, String)>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let (mut names, mut shape) = (Vec::new(), Vec::new());
    for (place, segment) in segments.iter().enumerate() {
        if segment.starts_with('{') && !segment.starts_with("{{") {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            let rest = name.strip_prefix('*');
            let name = rest.unwrap_or(name);
            let last = place + 1 == segments.len();
            let wrong = name.is_empty() || name.contains(['{', '}', '*']);
            if wrong || names.contains(&name) || (rest.is_some() && !last) {
                return None;
            }
            names.push(name);
            shape.push((1 + usize::from(rest.is_some()), String::new()));
        } else {
            shape.push((0, unescaped(segment)?));
        }
    }
    let written = path.bytes().all(|byte| byte.is_ascii_graphic());
    (written && names.len() <= 25).then_some(shape)
}

/// A text in which each brace was written twice.
fn unescaped(segment: &str) -> Option<String> {
    let (mut text, mut rest) = (String::new(), segment.chars());
    while let Some(one) = rest.next() {
        if matches!(one, '{' | '}') && rest.next() != Some(one) {
            return None;
        }
        text.push(one);
    }
    Some(text)
}

fn host_of(spec: &Spec) -> Option<String> {
    spec.host.as_ref().map(|host| host.to_ascii_lowercase())
}

fn compare(table: &RouteTable<usize>, taken: &[&Spec], host: &str, method: &str, path: &str) {
    let name = host.to_ascii_lowercase();
    let rank = |spec: &&&Spec| host_rank(spec.host.as_deref(), &name);
    let best = taken.iter().filter_map(|spec| rank(&spec)).max();
    let candidates: Vec<&&Spec> = taken
        .iter()
        .filter(|spec| best.is_some() && rank(spec) == best && matched(&spec.path, path).is_some())
        .collect();
    match table.find(host, method, path) {
        Ok(found) => {
            let spec = taken[*found.value];
            assert_eq!(spec.path, found.pattern);
            assert!(
                candidates
                    .iter()
                    .any(|other| other.path == spec.path && other.method == spec.method)
            );
            let params = matched(&spec.path, path).expect("it is a candidate");
            let found: Vec<(String, &str)> = found
                .params
                .iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            assert_eq!(found, params, "{spec:?} of {path}");
            let same = candidates.iter().filter(|other| other.path == spec.path);
            let exact = same
                .clone()
                .any(|other| other.method.as_deref() == Some(method));
            let expected = exact.then_some(method);
            assert_eq!(spec.method.as_deref(), expected);
            assert_not_worse(&spec.path, &candidates);
        }
        Err(NoRoute::NotFound) => assert!(candidates.is_empty(), "{path} is {candidates:?}"),
        Err(NoRoute::MethodNotAllowed { allowed }) => {
            let allowed: Vec<&str> = allowed.iter().collect();
            assert!(!allowed.is_empty() && !allowed.contains(&method));
            // They are those of one of the paths that match, all of them.
            let of = |path: &str| -> Vec<&str> {
                let same = candidates.iter().filter(|other| other.path == path);
                same.filter_map(|other| other.method.as_deref()).collect()
            };
            assert!(candidates.iter().any(|other| of(&other.path) == allowed));
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Where two patterns that match differ first, one that is written out goes before a parameter, and
/// a parameter of the segment before one of the rest.
fn assert_not_worse(chosen: &str, candidates: &[&&Spec]) {
    let kind = |segment: &str| match part(segment).1 {
        None => 0,
        Some(name) if name.starts_with('*') => 2,
        Some(_) => 1,
    };
    for other in candidates {
        let pairs = chosen.split('/').zip(other.path.split('/'));
        let mut kinds = pairs.map(|(chosen, other)| (kind(chosen), kind(other)));
        let first = kinds.find(|(chosen, other)| chosen != other);
        let better = first.is_none_or(|(chosen, other)| chosen < other);
        assert!(better, "{chosen} although {} matches", other.path);
    }
}

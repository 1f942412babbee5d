//! What is looked at before a pattern goes into the tree.

use super::error::RouteError;

/// `matchit` panics beyond.
const MAX_PARAMS: usize = 25;

/// Refuses what the tree would take and not find again, or panic on; the tree refuses the rest.
pub(super) fn validate(path: &str) -> Result<(), RouteError> {
    let invalid = |expected| {
        Err(RouteError::InvalidPath {
            path: path.to_owned(),
            expected,
        })
    };
    if !path.starts_with('/') {
        return invalid("it must begin with a slash");
    }
    // In a request's line they are percent-encoded, and matched as they are.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return invalid("what is not ASCII must be percent-encoded");
    }
    let mut names: Vec<&str> = Vec::new();
    let mut rest = path;
    while let Some(open) = rest.find(['{', '}']) {
        let escaped = rest[open..].starts_with("{{") || rest[open..].starts_with("}}");
        if escaped {
            rest = &rest[open + 2..];
            continue;
        }
        let Some(length) = rest[open..].find('}').filter(|length| *length > 0) else {
            return invalid("each brace must have its counterpart, or be doubled");
        };
        let name = &rest[open + 1..open + length];
        let name = name.strip_prefix('*').unwrap_or(name);
        if name.is_empty() || name.contains(['{', '*', '/']) {
            return invalid("a parameter must have a name, without braces, stars and slashes");
        }
        if names.contains(&name) {
            return invalid("each parameter must have a name of its own");
        }
        names.push(name);
        rest = &rest[open + length + 1..];
    }
    if names.len() > MAX_PARAMS {
        return invalid("there may be at most 25 parameters");
    }
    Ok(())
}

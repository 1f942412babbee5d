//! What is looked at before a pattern goes into the tree.

use super::error::RouteError;

/// `matchit` panics beyond.
const MAX_PARAMS: usize = 25;

/// Refuses what the tree would panic on, or take and not always find again: with a parameter that is
/// a part of a segment it does not go back to the other routes when that one leads nowhere
/// (`/{a}b/` hides `/{a}/{*rest}` from `/ab/c`). The tree refuses the rest.
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
    for segment in path.split('/') {
        let bare = segment.replace("{{", "").replace("}}", "");
        if !bare.contains(['{', '}']) {
            continue;
        }
        let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
        let Some(name) = name else {
            return invalid("a parameter must be a whole segment, and other braces be doubled");
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        if name.is_empty() || name.contains(['{', '}', '*']) {
            return invalid("a parameter must have a name, without braces and stars");
        }
        if names.contains(&name) {
            return invalid("each parameter must have a name of its own");
        }
        names.push(name);
    }
    if names.len() > MAX_PARAMS {
        return invalid("there may be at most 25 parameters");
    }
    Ok(())
}

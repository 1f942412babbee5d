//! Names of hosts.

use core::cmp::Ordering;
use core::net::Ipv6Addr;

/// The longest name that DNS can have.
const MAX: usize = 253;

/// Values by the names of hosts, found whatever their case. O(log hosts) for a lookup, which
/// allocates nothing; O(hosts) to insert.
#[derive(Clone, Debug)]
pub(super) struct ByHost<V> {
    /// In the order of [`compare`]; in lower case.
    entries: Vec<(Box<str>, V)>,
}

impl<V> Default for ByHost<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<V> ByHost<V> {
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        let place = self.place(name).ok()?;
        Some(&self.entries[place].1)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let place = self.place(name).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// Adds one that is not there yet.
    pub(super) fn insert(&mut self, name: &str, value: V) {
        if let Err(place) = self.place(name) {
            let name = name.to_ascii_lowercase().into();
            self.entries.insert(place, (name, value));
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    #[inline]
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(known, _)| compare(known, name))
    }
}

/// By length first, and for most names that is all there is to do.
#[inline]
fn compare(known: &str, name: &str) -> Ordering {
    let by_length = known.len().cmp(&name.len());
    if by_length.is_ne() || known == name {
        return by_length;
    }
    let name = name.bytes().map(|byte| byte.to_ascii_lowercase());
    known.bytes().cmp(name)
}

/// The name in an authority: without port and final dot. An IPv6 address is in brackets and has
/// colons of its own. Empty for what is too long to be any.
pub(super) fn name(authority: &str) -> &str {
    let end = match authority.find(']') {
        Some(bracket) if authority.starts_with('[') => Some(bracket + 1),
        _ => authority.find(':'),
    };
    let name = end.map_or(authority, |end| &authority[..end]);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > MAX { "" } else { name }
}

/// What a name is below of, the longest first: `b.c` and `c` for `a.b.c`.
pub(super) fn parents(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.match_indices('.').filter(|(at, _)| *at > 0);
    dots.map(|(at, _)| &name[at + 1..])
}

/// A host that a route may name: below a name, or just one.
pub(super) enum Pattern<'a> {
    Exactly(&'a str),
    Below(&'a str),
}

impl<'a> Pattern<'a> {
    /// `None` for what no request can name.
    pub(super) fn parse(host: &'a str) -> Option<Self> {
        let (below, bare) = match host.strip_prefix("*.") {
            Some(bare) => (true, bare),
            None => (false, host),
        };
        let bracketed = bare.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let address = !below && bracketed.is_some_and(|it| it.parse::<Ipv6Addr>().is_ok());
        let label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let undotted = bare.strip_suffix('.').unwrap_or(bare);
        let valid = address || undotted.split('.').all(label);
        let name = name(bare);
        let pattern = if below { Self::Below } else { Self::Exactly };
        (valid && !name.is_empty()).then(|| pattern(name))
    }
}

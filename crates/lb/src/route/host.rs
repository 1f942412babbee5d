//! Names of hosts.

use core::fmt;

/// The longest name that DNS can have.
const MAX: usize = 253;

/// A host as it is compared: without port and final dot, in lower case.
pub(super) struct Host {
    bytes: [u8; MAX],
    length: usize,
}

impl Host {
    /// Of the field `Host` or an authority; `None` for what is too long to be any. Allocates nothing.
    pub(super) fn of(authority: &str) -> Option<Self> {
        let name = without_port(authority);
        let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
        let mut bytes = [0; MAX];
        let place = bytes.get_mut(..name.len())?;
        place.copy_from_slice(name);
        place.make_ascii_lowercase();
        Some(Self {
            bytes,
            length: name.len(),
        })
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// What it is below of, the longest first: `b.c` and `c` for `a.b.c`.
    pub(super) fn parents(&self) -> impl Iterator<Item = &[u8]> {
        let name = self.name();
        let dots = (1..name.len()).filter(move |at| name[*at] == b'.');
        dots.map(move |dot| &name[dot + 1..])
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.name()))
    }
}

/// An IPv6 address is in brackets and has colons of its own.
fn without_port(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority
            .find(']')
            .map_or(authority, |end| &authority[..=end]);
    }
    authority
        .find(':')
        .map_or(authority, |end| &authority[..end])
}

/// A host that a route may name: below a name, or just one.
pub(super) enum Pattern {
    Exactly(Box<[u8]>),
    Below(Box<[u8]>),
}

impl Pattern {
    /// `None` for what no request can name.
    pub(super) fn parse(host: &str) -> Option<Self> {
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let address = name.starts_with('[') && name.ends_with(']') && !below;
        let label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let bare = name.strip_suffix('.').unwrap_or(name);
        if !(address || bare.split('.').all(label)) {
            return None;
        }
        let name = Host::of(name)?.name().into();
        Some(if below {
            Self::Below(name)
        } else {
            Self::Exactly(name)
        })
    }
}

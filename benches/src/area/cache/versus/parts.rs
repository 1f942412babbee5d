//! The recorded requests that hit ratios are judged by.

use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::settings::Settings;
use crate::trace::{Trace, TraceOptions};

/// Where the traces are, if not where a checkout has them.
const VARIABLE: &str = "PURLIN_TRACES";

/// Requests of a head; a tail is what comes after.
const HEAD: usize = 1_000_000;

/// Of each part so many are taken to see that all runs.
const FAST: usize = 50_000;

/// Fewer different keys than this make sizes of 1 % of them silly.
const FEW_KEYS: usize = 10_000;

/// A stretch of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) trace: &'static str,
    pub(super) tail: bool,
}

const fn head(trace: &'static str) -> Part {
    Part { trace, tail: false }
}

const fn tail(trace: &'static str) -> Part {
    Part { trace, tail: true }
}

/// All of them, the longest first: so two threads end at about the same time. On the heads policies are chosen, on
/// the tails they are tried.
pub(super) const PARTS: [Part; 21] = [
    tail("arc-p12"),
    tail("cp-w106"),
    tail("orm-busy"),
    tail("arc-p3"),
    head("arc-p12"),
    head("arc-p3"),
    head("cp-w106"),
    head("orm-busy"),
    head("oltp"),
    head("mem-gcc"),
    head("lirs-loop"),
    head("mem-twolf"),
    head("mem-gzip"),
    head("lirs-2_pools"),
    head("web07"),
    head("cdn-adaptsize"),
    head("lirs-scan"),
    head("lirs-multi2"),
    head("lirs-multi1"),
    head("lirs-cpp"),
    head("lirs-cs"),
];

impl Part {
    /// Its requests, by the numbers of their keys.
    pub(super) fn requests(&self, settings: &Settings) -> Result<Vec<u64>, LabError> {
        let path = folder().join(format!("{}.u64.zst", self.trace));
        if !path.is_file() {
            return Err(LabError::NoTrace { path });
        }
        let trace = Trace::open(&path, &TraceOptions::default())?;
        let keys = trace.map(|request| Ok(request?.key));
        let (skipped, most) = if self.tail {
            (HEAD, usize::MAX)
        } else {
            (0, HEAD)
        };
        let most = if settings.fast { FAST } else { most };
        keys.skip(skipped).take(most).collect()
    }
}

/// The sizes of caches that are compared: in percent of the different keys.
pub(super) fn capacities(requests: &[u64]) -> Vec<usize> {
    let mut keys = requests.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let percent: &[usize] = if keys.len() < FEW_KEYS {
        &[10, 30]
    } else {
        &[1, 5, 20]
    };
    let capacities = percent.iter().map(|percent| keys.len() * percent / 100);
    capacities.collect()
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    std::env::var_os(VARIABLE).map_or_else(beside, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_the_different_keys() {
        let of = |keys: u64| capacities(&(0..2 * keys).map(|at| at % keys).collect::<Vec<_>>());
        assert_eq!(of(1_409), [140, 422], "as in lirs-cs");
        assert_eq!(of(20_484), [204, 1_024, 4_096], "as in web07");
    }
}

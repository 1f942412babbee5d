//! The user's own requests.

use clap::Args as _;
use std::collections::HashSet;

use crate::error::LabError;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::trace::Trace;

/// More take more memory than they tell: whoever knows the future has all of them at hand.
const REQUESTS_MAX: u64 = 20_000_000;

/// Sizes of caches, in percent of the different keys.
const PERCENT: [u64; 6] = [1, 2, 5, 10, 20, 50];

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options")]
struct Given {
    /// Only so many requests from the beginning of the trace, at most 20,000,000
    #[arg(long, value_name = "N", requires = "trace", value_parser = clap::value_parser!(u64).range(1..=REQUESTS_MAX))]
    requests: Option<u64>,
}

pub(super) fn augment_args(command: clap::Command) -> clap::Command {
    Given::augment_args(command)
}

/// Recorded requests, all of them in memory.
#[derive(Debug)]
pub(super) struct Recorded {
    /// As tables name it.
    pub(super) name: String,
    pub(super) requests: Vec<u64>,
    /// How many different keys.
    distinct: u64,
    /// Entries that were no requests.
    skipped: u64,
}

impl Recorded {
    /// Reads the trace that the settings name, if they name one.
    ///
    /// # Errors
    ///
    /// The trace's own, with the place in the file; when there is no request in it, or too many.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, LabError> {
        let (Some(trace), Some((path, _))) = (settings.open_trace()?, &settings.trace) else {
            return Ok(None);
        };
        let name = path.file_name().unwrap_or(path.as_os_str());
        // Commands without the argument do not know its name.
        let given = settings.arguments.try_get_one::<u64>("requests");
        let first = given.ok().flatten().copied();
        Self::read(trace, name.to_string_lossy().into_owned(), first).map(Some)
    }

    fn read(mut trace: Trace, name: String, first: Option<u64>) -> Result<Self, LabError> {
        let most = usize::try_from(first.unwrap_or(REQUESTS_MAX + 1)).unwrap_or(usize::MAX);
        let mut requests = Vec::new();
        let mut different = HashSet::new();
        for request in trace.by_ref().take(most) {
            let key = request?.key;
            requests.push(key);
            different.insert(key);
        }
        if requests.len() as u64 > REQUESTS_MAX {
            let most = Cell::count(REQUESTS_MAX);
            return Err(LabError::Usage(format!(
                "{name}: more than {most} requests; say with --requests how many of the first to take"
            )));
        }
        if requests.is_empty() {
            return Err(LabError::Usage(format!("{name}: no requests")));
        }
        Ok(Self {
            name,
            requests,
            distinct: different.len() as u64,
            skipped: trace.skipped(),
        })
    }

    /// Sizes of caches that tell something about it.
    pub(super) fn sizes(&self) -> Vec<u64> {
        let mut sizes = PERCENT
            .map(|percent| (self.distinct * percent / 100).max(1))
            .to_vec();
        sizes.dedup();
        sizes
    }

    /// What is in it.
    pub(super) fn table(&self) -> Table {
        let columns = [
            "trace",
            "requests",
            "different keys",
            "asked for again",
            "skipped entries",
        ];
        let mut table = Table::new("The trace", columns);
        let requests = self.requests.len() as u64;
        table.push([
            Cell::text(self.name.clone()),
            Cell::count(requests),
            Cell::count(self.distinct),
            super::ratio::percent((requests - self.distinct) as f64 / requests as f64),
            Cell::count(self.skipped),
        ]);
        let note = "Asked for again: the share of the requests whose key came before, which is the hit ratio of a cache with room for all. Every key takes the place of one entry, \
            whatever its size.";
        table.note(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Format, TraceOptions};

    fn read(keys: &'static str, first: Option<u64>) -> Result<Recorded, LabError> {
        let options = TraceOptions {
            format: Some(Format::Keys),
            ..TraceOptions::default()
        };
        let trace = Trace::from_reader("t", keys.as_bytes(), &options)?;
        Recorded::read(trace, "t".to_owned(), first)
    }

    #[test]
    fn requests_are_counted_and_cut() {
        let recorded = read("a\nb\na\nc\na\n", None).expect("valid");
        assert_eq!(recorded.requests, [0, 1, 0, 2, 0]);
        assert_eq!((recorded.distinct, recorded.skipped), (3, 0));
        assert_eq!(recorded.sizes(), [1], "half of three");
        assert_eq!(recorded.table().rows()[0][3], Cell::number(40.0, "%"));
        let cut = read("a\nb\na\nc\na\n", Some(3)).expect("valid");
        assert_eq!((cut.requests.len(), cut.distinct), (3, 2));
    }

    #[test]
    fn nothing_and_nonsense_are_refused() {
        let message = |keys| read(keys, None).expect_err("refused").to_string();
        assert_eq!(message(""), "t: no requests");
        assert_eq!(message("a\n\nb\n"), "t: line 2: an empty key");
        // What comes after the cut is not looked at.
        assert!(read("a\nb\n\n", Some(2)).is_ok());
    }

    #[test]
    fn sizes_are_parts_of_the_different_keys() {
        let recorded = Recorded {
            name: String::new(),
            requests: Vec::new(),
            distinct: 1_000,
            skipped: 0,
        };
        assert_eq!(recorded.sizes(), [10, 20, 50, 100, 200, 500]);
    }
}

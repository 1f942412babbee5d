//! Arguments of the area's own.

use core::time::Duration;
use std::path::{Path, PathBuf};

use super::scenario::{SCENARIOS, Scenario};
use super::work::Work;
use crate::error::LabError;
use crate::settings::Settings;
use crate::table::Cell;
use crate::trace::{Reason, each_line};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options")]
struct Given {
    /// The scenarios to simulate, by their names in the table; all of them where none is named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenario: Vec<String>,
    /// Your requests' service times, one a line, in ms or with a unit (ns, us, ms, s): each request
    /// takes as long as one of them, picked by chance. The scenarios last as many of their mean
    #[arg(long, value_name = "FILE")]
    latencies: Option<PathBuf>,
}

/// What they ask for.
#[derive(Debug)]
pub(super) struct Arguments {
    scenarios: Vec<&'static Scenario>,
    pub(super) work: Work,
    /// For the note below the table.
    pub(super) described: String,
}

impl Arguments {
    pub(super) fn augment_args(command: clap::Command) -> clap::Command {
        <Given as clap::Args>::augment_args(command)
    }

    /// # Errors
    ///
    /// When there is no such scenario, or the user's file cannot be read, with the line.
    pub(super) fn of(settings: &Settings) -> Result<Self, LabError> {
        // Commands without the arguments do not know their names.
        let names = settings.arguments.try_get_many::<String>("scenario");
        let names = names.ok().flatten().into_iter().flatten();
        let file = settings.arguments.try_get_one::<PathBuf>("latencies");
        let (work, described) = match file.ok().flatten() {
            Some(path) => measured(path)?,
            None => (
                Work::LogNormal,
                "log-normal with mean 10 ms and sigma 1, in i sigma 2".to_owned(),
            ),
        };
        Ok(Self {
            scenarios: names.map(|name| named(name)).collect::<Result<_, _>>()?,
            work,
            described,
        })
    }

    /// The scenarios to run: the user's, otherwise these; none of them means all.
    pub(super) fn scenarios_or(&self, names: &[&str]) -> Vec<&'static Scenario> {
        if !self.scenarios.is_empty() {
            return self.scenarios.clone();
        }
        let wanted = |scenario: &&Scenario| names.is_empty() || names.contains(&scenario.name);
        SCENARIOS.iter().filter(wanted).collect()
    }
}

fn named(name: &str) -> Result<&'static Scenario, LabError> {
    Scenario::named(name).ok_or_else(|| {
        let known = SCENARIOS.each_ref().map(|scenario| scenario.name);
        let known = known.join(", ");
        LabError::Usage(format!("there is no scenario `{name}`; there are {known}"))
    })
}

/// More take more memory than they tell.
const TIMES_MAX: usize = 10_000_000;

/// Below, the clock's nanoseconds are too coarse; above, its range too short.
const MEAN: [Duration; 2] = [Duration::from_micros(10), Duration::from_secs(60 * 60)];

fn measured(path: &Path) -> Result<(Work, String), LabError> {
    let mut times = Vec::new();
    each_line(path, |line| {
        if times.len() == TIMES_MAX {
            return Err(Reason::TooManyTimes { most: TIMES_MAX });
        }
        times.push(time(line).ok_or_else(|| Reason::no_time(line))?);
        Ok(())
    })?;
    let file = path.display();
    if times.is_empty() {
        return Err(LabError::Usage(format!("{file}: no times")));
    }
    let count = Cell::count(times.len() as u64);
    let work = Work::Measured(times.into());
    let (mean, [least, most]) = (work.mean(), MEAN);
    if !(least..=most).contains(&mean) {
        return Err(LabError::Usage(format!(
            "{file}: the mean is {mean:?}; from {least:?} to {most:?} is possible"
        )));
    }
    let described = format!("any of the {count} of {file}, whose mean is {mean:?}");
    Ok((work, described))
}

/// A number of milliseconds, or a number and its unit.
fn time(line: &[u8]) -> Option<Duration> {
    let line = str::from_utf8(line).ok()?.trim();
    let units = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
    ];
    let with_unit = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((line.strip_suffix(unit)?, seconds)));
    let (number, seconds) = with_unit.unwrap_or((line, 1e-3));
    let number: f64 = number.trim_end().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_milliseconds() {
        let times = ["12.5", "12.5 ms", "300us", "7µs", " 2s ", "9ns", "0", "1e3"];
        let expected = [
            12_500_000,
            12_500_000,
            300_000,
            7_000,
            2_000_000_000,
            9,
            0,
            1_000_000_000,
        ];
        let read = times.map(|text| time(text.as_bytes()).map(|time| time.as_nanos()));
        assert_eq!(read, expected.map(Some));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "", "-1", "ms", "5 m", "NaN", "inf", "1e300", "1,5", "5 apples",
        ] {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
        assert_eq!(time(b"\xff1"), None);
    }
}

//! `lab versus <area>`: ours, the best other crates and the physical floor on the same work,
//! interleaved in one process.
//!
//! An area lists its [`Row`]s; a row sets up a [`Contest`]; the [`harness`] times it; [`Samples`]
//! holds the statistics; a [`Bar`] from `bars.toml` judges it.

mod bars;
mod contest;
mod counted;
pub mod harness;
mod machine;
mod row;
mod samples;
mod threads;

use serde::Serialize;

pub use self::bars::{Bar, Direction};
pub use self::contest::{Contender, Contest, Over, Role};
pub(crate) use self::counted::Counted;
pub use self::harness::Effort;
pub use self::machine::describe as machine;
pub use self::row::{Judged, Measure, Row, Standing};
pub use self::samples::{Estimate, Samples, Series};
pub use self::threads::{OVERLAP_MIN, Together};
use crate::area::Area;
use crate::error::LabError;
use crate::settings::Settings;
use crate::table::{Cell, Table, significant};

/// Whether the rival crates are compiled in (feature `rivals`).
pub const RIVALS: bool = cfg!(feature = "rivals");

/// Whether the rivals are compiled in that need cmake and a C compiler:
/// `--cfg purlin_native_rivals` in `RUSTFLAGS`, beside the feature `rivals`. No feature of its own,
/// so that `--all-features` builds everywhere.
pub const NATIVE_RIVALS: bool = cfg!(purlin_native_rivals);

/// All measured rows of an area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Versus {
    /// The area's name.
    pub area: String,
    /// The machine; see [`machine`].
    pub machine: String,
    /// The rows, in the area's order.
    pub rows: Vec<Judged>,
    /// Rows of which no batch was left alone by other programs, twice.
    pub disturbed: Vec<String>,
    /// Rows that were left out, for their rival is not [compiled in](NATIVE_RIVALS).
    pub left_out: Vec<String>,
    /// Rows that were left out, for the traces that they are measured on are not here.
    pub skipped: Vec<String>,
}

impl Versus {
    /// Measures the rows of `area`, or only the one called `only` (its id, or `area/id`).
    ///
    /// # Errors
    ///
    /// [`LabError::NoRivals`] without the feature `rivals`; [`LabError::NoRow`] when `only` names
    /// none; [`LabError::NoNativeRivals`] when it names one that needs them, [`LabError::NoTrace`] one
    /// whose traces are missing; whatever a row says.
    pub fn run(area: &dyn Area, settings: &Settings, only: Option<&str>) -> Result<Self, LabError> {
        if !RIVALS {
            return Err(LabError::NoRivals { area: area.name() });
        }
        let bars = Bar::all()?;
        let (rows, left_out) = buildable(select(area, only)?);
        if only.is_some() && !left_out.is_empty() {
            return Err(LabError::NoNativeRivals { area: area.name() });
        }
        let mut progress = settings.progress(area.name(), rows.len());
        let mut judged = Vec::with_capacity(rows.len());
        let (mut disturbed, mut skipped) = (Vec::new(), Vec::new());
        for row in rows {
            progress.step(row.id);
            let bar = bars
                .iter()
                .find(|bar| bar.area == area.name() && bar.id == row.id);
            // A busy machine costs this row, not the others.
            match run_twice(row, settings, bar) {
                Err(LabError::Disturbed { row }) if only.is_none() => disturbed.push(row),
                Err(LabError::NoTrace { .. }) if only.is_none() => skipped.push(row.id.to_owned()),
                result => judged.push(result?),
            }
        }
        Ok(Self {
            area: area.name().to_owned(),
            machine: machine(),
            rows: judged,
            disturbed,
            left_out: left_out.iter().map(|row| row.id.to_owned()).collect(),
            skipped,
        })
    }

    /// The rows whose promise was not kept.
    pub fn missed(&self) -> impl Iterator<Item = &Judged> {
        self.rows.iter().filter(|row| row.met == Some(false))
    }

    /// One line a row: ours, the rival, the floor, the ratio and the verdict.
    #[must_use]
    pub fn summary(&self) -> Table {
        let columns = [
            "row",
            "measures",
            "ours",
            "rival",
            "rival's",
            "floor's",
            "ours / rival",
            "95 % interval",
            "bar",
            "met",
        ];
        let mut table = Table::new(format!("{} versus the rivals", self.area), columns);
        for row in &self.rows {
            table.push([
                Cell::text(&row.id),
                Cell::text(&row.what),
                Cell::number(row.value, &row.unit),
                Cell::maybe_text(row.rival.as_deref()),
                Cell::maybe_number(row.rival_value, &row.unit),
                Cell::maybe_number(row.floor_value, &row.unit),
                Cell::maybe_number(row.ratio, "x"),
                Cell::maybe_text(row.spread.map(|spread| row.interval(spread)).as_deref()),
                Cell::maybe_text(row.promise().as_deref()),
                Cell::maybe_text(row.met.map(|met| if met { "yes" } else { "MISSED" })),
            ]);
        }
        let disturbed = match &self.disturbed[..] {
            [] => String::new(),
            rows => format!(
                "Not measured, for the machine was too busy: {}. ",
                rows.join(", ")
            ),
        };
        let left_out = match &self.left_out[..] {
            [] => String::new(),
            rows => format!(
                "Left out, for pingora is not compiled in (it needs cmake, a C compiler and RUSTFLAGS=\"--cfg purlin_native_rivals\"): {}. ",
                rows.join(", ")
            ),
        };
        let skipped = match &self.skipped[..] {
            [] => String::new(),
            rows => format!(
                "SKIP, for their traces are not here (PURLIN_TRACES names their folder): {}. ",
                rows.join(", ")
            ),
        };
        table.note(format!(
            "{disturbed}{left_out}{skipped}Medians of interleaved batches on {}. The ratio is taken within each round; the interval is that of the ratio, or of ours where the bar has \
             a unit. A bar is met when the worse end of the interval meets it.",
            self.machine
        ))
    }

    /// One line a contender.
    #[must_use]
    pub fn contenders(&self) -> Table {
        let columns = [
            "row",
            "contender",
            "role",
            "median",
            "20th percentile",
            "ours / it",
            "95 % interval",
            "discarded",
        ];
        let mut table = Table::new(format!("{}: every contender", self.area), columns);
        for row in &self.rows {
            let mut standings: Vec<&Standing> = row.contenders.iter().collect();
            standings.sort_by_key(|standing| standing.role);
            for (index, standing) in standings.into_iter().enumerate() {
                table.push([
                    Cell::text(if index == 0 { row.id.as_str() } else { "" }),
                    Cell::text(&standing.name),
                    Cell::text(standing.role.to_string()),
                    Cell::maybe_number(standing.median, &row.unit),
                    Cell::maybe_number(standing.percentile_20, &row.unit),
                    Cell::maybe_number(standing.ratio, "x"),
                    Cell::maybe_text(standing.spread.map(interval).as_deref()),
                    Cell::text(format!("{} of {}", standing.discarded, row.rounds)),
                ]);
            }
        }
        table.note("Discarded: batches that spanned an involuntary context switch, or lasted over five times the median.")
    }
}

/// Once more, if other programs let no batch alone.
fn run_twice(row: &Row, settings: &Settings, bar: Option<&Bar>) -> Result<Judged, LabError> {
    let effort = if settings.fast {
        Effort::TOUR
    } else {
        Effort::VERSUS
    };
    match row.run(settings, effort, bar) {
        Err(LabError::Disturbed { .. }) => row.run(settings, effort, bar),
        result => result,
    }
}

/// Those that can be measured as the lab is built, and the others.
fn buildable(rows: Vec<&Row>) -> (Vec<&Row>, Vec<&Row>) {
    rows.into_iter()
        .partition(|row| NATIVE_RIVALS || !row.native)
}

fn select<'a>(area: &'a dyn Area, only: Option<&str>) -> Result<Vec<&'a Row>, LabError> {
    let Some(only) = only else {
        return Ok(area.rows().iter().collect());
    };
    let id = only
        .strip_prefix(area.name())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(only);
    let row = area.rows().iter().find(|row| row.id == id);
    let missing = || LabError::NoRow {
        area: area.name(),
        id: id.to_owned(),
        known: area
            .rows()
            .iter()
            .map(|row| row.id)
            .collect::<Vec<_>>()
            .join(", "),
    };
    row.map(|row| vec![row]).ok_or_else(missing)
}

fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", significant(low), significant(high))
}

impl Judged {
    /// Whether the bar is one for our value, not for a ratio.
    fn is_absolute(&self) -> bool {
        self.against.as_deref() == Some(Bar::ABSOLUTE)
    }

    fn interval(&self, spread: [f64; 2]) -> String {
        let interval = interval(spread);
        if self.is_absolute() {
            format!("{interval} {}", self.unit)
        } else {
            interval
        }
    }

    fn promise(&self) -> Option<String> {
        let (bar, sign) = self.bar.zip(self.direction.map(Direction::sign))?;
        Some(if self.is_absolute() {
            format!("{sign} {} {}", significant(bar), self.unit)
        } else {
            format!("{sign} {bar:.2}")
        })
    }
}

#[cfg(test)]
mod tests;

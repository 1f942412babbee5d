//! What an area found: words, tables and charts, in reading order.

use serde::Serialize;

use crate::plot::Plot;
use crate::table::Table;

/// One area's findings. The same report goes to the terminal, into the page and, as JSON, to a
/// program.
///
/// # Examples
///
/// ```
/// use purlin_benches::{report::Report, table::{Cell, Table}};
///
/// let mut clocks = Table::new("Clocks", ["clock"]);
/// clocks.push([Cell::text("SystemClock")]);
/// let nothing = Table::new("Hashes", ["hash"]);
/// let report = Report::new("core", "What everything else stands on.").table(clocks).table(nothing);
/// assert_eq!(report.tables().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    area: String,
    about: String,
    blocks: Vec<Block>,
}

/// A part of a [`Report`].
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A table.
    Table(Table),
    /// A chart; the terminal does without.
    Plot(Plot),
}

impl Report {
    /// An empty report: the area's name, and a few sentences for a reader who has never heard of
    /// it.
    #[must_use]
    pub fn new(area: &str, about: &str) -> Self {
        Self {
            area: area.to_owned(),
            about: about.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// Appends a table; one without rows is left out, so that `--variant` shows what was asked for
    /// and nothing else.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        if !table.rows().is_empty() {
            self.blocks.push(Block::Table(table));
        }
        self
    }

    /// Appends a chart; one without data is left out.
    #[must_use]
    pub fn plot(mut self, plot: Plot) -> Self {
        if !plot.is_empty() {
            self.blocks.push(Block::Plot(plot));
        }
        self
    }

    /// The area's name.
    #[must_use]
    pub fn area(&self) -> &str {
        &self.area
    }

    /// What the area is about.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Tables and charts, in reading order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The tables alone.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            Block::Plot(_) => None,
        })
    }
}

impl Serialize for Report {
    /// `{"area", "tables"}`; the charts draw the same figures.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain<'a> {
            area: &'a str,
            tables: Vec<&'a Table>,
        }
        Plain {
            area: &self.area,
            tables: self.tables().collect(),
        }
        .serialize(serializer)
    }
}

//! Tables: one value, printed to a terminal, into the page and as JSON.

use core::fmt;

use comfy_table::{Attribute, CellAlignment, ContentArrangement, LineStyle, TableStyle};
use serde::{Serialize, Serializer};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A measured value with its unit; shown with four significant digits.
    Number {
        /// The value.
        value: f64,
        /// Its unit; empty for a plain number.
        unit: String,
    },
    /// Does not apply.
    Empty,
}

impl Cell {
    /// Words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A value with its unit.
    #[must_use]
    pub fn number(value: f64, unit: &str) -> Self {
        Self::Number {
            value,
            unit: unit.to_owned(),
        }
    }

    /// A count.
    #[must_use]
    pub fn count(count: u64) -> Self {
        Self::number(count as f64, "")
    }

    /// Words, where there are any.
    #[must_use]
    pub fn maybe_text(text: Option<&str>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    /// A value, where there is one.
    #[must_use]
    pub fn maybe_number(value: Option<f64>, unit: &str) -> Self {
        value.map_or(Self::Empty, |value| Self::number(value, unit))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number { value, unit } if unit.is_empty() => f.write_str(&significant(*value)),
            Self::Number { value, unit } => write!(f, "{} {unit}", significant(*value)),
            Self::Empty => f.write_str("-"),
        }
    }
}

impl Serialize for Cell {
    /// Text as a string, a number as `{"value", "unit"}`, an empty cell as `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Number<'a> {
            value: f64,
            unit: &'a str,
        }
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number { value, unit } => Number {
                value: *value,
                unit,
            }
            .serialize(serializer),
            Self::Empty => serializer.serialize_none(),
        }
    }
}

/// One line, below the heads.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A titled table. Columns of numbers are aligned to the right.
///
/// # Examples
///
/// ```
/// use purlin_benches::table::{Cell, Table};
///
/// let mut table = Table::new("Clocks", ["clock", "median"]);
/// table.push([Cell::text("SystemClock"), Cell::number(21.4567, "ns/op")]);
/// assert!(table.to_string().contains("21.46 ns/op"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(title: impl Into<String>, columns: impl IntoIterator<Item: Into<String>>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self {
            title: title.into(),
            columns,
            rows: Vec::new(),
            note: None,
        }
    }

    /// Appends a row.
    ///
    /// # Panics
    ///
    /// When it has not one cell per column.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<Cell> = row.into_iter().collect();
        assert_eq!(
            row.len(),
            self.columns.len(),
            "a row of {:?} has one cell per column",
            self.title
        );
        self.rows.push(row);
    }

    /// Adds a sentence below the table: how to read it.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..self
        }
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The heads of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, each with one cell per column.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The sentence below the table.
    #[must_use]
    pub fn reading(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether a column holds numbers (and empty cells) only.
    #[must_use]
    pub fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self
            .rows
            .iter()
            .map(|row| &row[column])
            .filter(|cell| **cell != Cell::Empty)
            .peekable();
        cells.peek().is_some() && cells.all(|cell| matches!(cell, Cell::Number { .. }))
    }
}

impl fmt::Display for Table {
    /// The table as a terminal shows it, as wide as the terminal allows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(
            self.columns
                .iter()
                .map(|head| comfy_table::Cell::new(head).add_attribute(Attribute::Bold)),
        );
        table.add_rows(self.rows.iter().map(|row| row.iter().map(Cell::to_string)));
        for column in (0..self.columns.len()).filter(|column| self.is_numeric(*column)) {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(f, "{}", self.title)?;
        write!(f, "{}", table.trim_fmt())?;
        self.note.iter().try_for_each(|note| write!(f, "\n{note}"))
    }
}

/// Four significant digits, thousands separated, no exponent between 0.0001 and 10^15; integers in
/// full.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    let integral = value.fract().abs() < f64::EPSILON;
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        _ if integral || size >= 1000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 0.1 => 3,
        _ => 5,
    };
    separate_thousands(&format!("{value:.decimals$}"))
}

fn separate_thousands(number: &str) -> String {
    let (sign, digits) = number
        .strip_prefix('-')
        .map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut separated = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            separated.push(',');
        }
        separated.push(digit);
    }
    fraction
        .iter()
        .for_each(|fraction| separated.extend([".", fraction]));
    separated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_four_digits() {
        let shown = [
            0.0, 1.0, 1.054_321, 21.456, 123.456, 1234.56, 186_880.0, -0.012_345, 1e-7, 2e15,
        ];
        let expected = [
            "0", "1", "1.054", "21.46", "123.5", "1,235", "186,880", "-0.01235", "1.000e-7",
            "2.000e15",
        ];
        for (value, expected) in shown.into_iter().zip(expected) {
            assert_eq!(significant(value), expected);
        }
        assert_eq!(significant(f64::NAN), "NaN");
    }

    #[test]
    fn a_table_serialises_values_not_their_print() {
        let mut table = Table::new("t", ["a", "b", "c"]);
        table.push([Cell::text("x"), Cell::number(1.5, "ns/op"), Cell::Empty]);
        let json = serde_json::to_value(&table).expect("a table is plain data");
        let expected = serde_json::json!({
            "title": "t", "columns": ["a", "b", "c"], "rows": [["x", {"value": 1.5, "unit": "ns/op"}, null]]
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_column_is_numeric_when_every_cell_that_applies_is() {
        let mut table = Table::new("t", ["n", "mixed", "empty"]);
        table.push([Cell::count(1), Cell::count(1), Cell::Empty]);
        table.push([Cell::Empty, Cell::text("x"), Cell::Empty]);
        assert_eq!(
            [0, 1, 2].map(|column| table.is_numeric(column)),
            [true, false, false]
        );
    }

    #[test]
    #[should_panic(expected = "one cell per column")]
    fn a_short_row_is_refused() {
        Table::new("t", ["a", "b"]).push([Cell::Empty]);
    }
}

//! Charts as SVG: lines, horizontal bars and timelines, drawn with plotters.
//!
//! The SVG is meant to stand inside the [page](crate::page): its colours are CSS variables with a
//! fallback, so that one drawing is readable on light and dark ground, and its legend is HTML (see
//! [`Plot::legend`]), so that it wraps on a narrow screen.

mod axis;
mod bars;
mod lines;
mod palette;
mod timeline;

pub use self::axis::{Axis, Scale};
pub use self::bars::Bar;
pub use self::lines::Line;
pub use self::palette::SERIES;
pub use self::timeline::{Arrow, Span, Timeline};
use crate::error::LabError;

/// Width of a chart in its own units; the page scales it.
const WIDTH: u32 = 720;
const FONT: (&str, u32) = ("sans-serif", 13);

/// A chart.
///
/// # Examples
///
/// ```
/// use purlin_benches::plot::{Axis, Line, Plot, Scale};
///
/// let line = Line::new("LRU", vec![(100.0, 0.21), (1_000.0, 0.48)]);
/// let plot = Plot::lines("Hit ratio", Axis::new("entries", Scale::Log10), Axis::new("hit ratio", Scale::Linear), vec![line]);
/// assert!(plot.svg()?.starts_with("<svg"));
/// # Ok::<(), purlin_benches::error::LabError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    drawing: Drawing,
}

#[derive(Debug, Clone, PartialEq)]
enum Drawing {
    Lines { x: Axis, y: Axis, lines: Vec<Line> },
    Bars { axis: Axis, bars: Vec<Bar> },
    Timeline { x: Axis, timeline: Timeline },
}

impl Plot {
    /// One line per series, over common axes. At most [`SERIES`] of them are told apart by colour.
    #[must_use]
    pub fn lines(title: &str, x: Axis, y: Axis, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            drawing: Drawing::Lines { x, y, lines },
        }
    }

    /// One horizontal bar per item, from the top down in the order given, its value at its end.
    #[must_use]
    pub fn bars(title: &str, axis: Axis, bars: Vec<Bar>) -> Self {
        Self {
            title: title.to_owned(),
            drawing: Drawing::Bars { axis, bars },
        }
    }

    /// Spans of time in rows, and what passes between the rows.
    #[must_use]
    pub fn timeline(title: &str, x: Axis, timeline: Timeline) -> Self {
        Self {
            title: title.to_owned(),
            drawing: Drawing::Timeline { x, timeline },
        }
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.drawing {
            Drawing::Lines { lines, .. } => lines.iter().all(|line| line.points.is_empty()),
            Drawing::Bars { bars, .. } => bars.is_empty(),
            Drawing::Timeline { timeline, .. } => timeline.spans.is_empty(),
        }
    }

    /// Name and colour of each series, for a legend in HTML. Empty where the labels are in the
    /// drawing.
    #[must_use]
    pub fn legend(&self) -> Vec<(&str, &'static str)> {
        match &self.drawing {
            Drawing::Lines { lines, .. } => in_colours(lines.iter().map(|line| &line.name)),
            Drawing::Bars { .. } => Vec::new(),
            Drawing::Timeline { timeline, .. } => in_colours(timeline.kinds.iter()),
        }
    }

    /// The chart as an `<svg>` element with a `<title>`. Deterministic; O(points).
    ///
    /// # Errors
    ///
    /// [`LabError::Plot`] for a value that is not finite, or not positive on a logarithmic axis.
    pub fn svg(&self) -> Result<String, LabError> {
        let drawn = match &self.drawing {
            Drawing::Lines { x, y, lines } => lines::draw(x, y, lines),
            Drawing::Bars { axis, bars } => bars::draw(axis, bars),
            Drawing::Timeline { x, timeline } => timeline::draw(x, timeline),
        };
        let svg = drawn.map_err(|reason| LabError::Plot {
            title: self.title.clone(),
            reason,
        })?;
        Ok(palette::paint(&svg, &self.title))
    }
}

fn in_colours<'a>(names: impl Iterator<Item = &'a String>) -> Vec<(&'a str, &'static str)> {
    let named = names.enumerate();
    named
        .map(|(index, name)| (name.as_str(), palette::css(index)))
        .collect()
}

#[cfg(test)]
mod tests;

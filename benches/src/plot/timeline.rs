//! Who does what from when to when: a row for each, coloured spans of time, and what passes between
//! the rows.

use core::error::Error;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Extent};
use super::{FONT, WIDTH, palette};

/// The data of a timeline. Its kinds have the colours of the series of their places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Their names, from the top down.
    pub rows: Vec<String>,
    /// What spans and arrows are, for the legend.
    pub kinds: Vec<String>,
    /// Where a row has none it is empty.
    pub spans: Vec<Span>,
    /// From row to row.
    pub arrows: Vec<Arrow>,
}

/// A time in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Which row, from the top.
    pub row: usize,
    /// When it begins.
    pub from: f64,
    /// When it ends.
    pub to: f64,
    /// Which of the kinds.
    pub kind: usize,
    /// Shown where there is room for it.
    pub label: String,
}

/// Something that takes its time from one row to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrow {
    /// Row and time of its beginning.
    pub from: (usize, f64),
    /// Row and time of its end.
    pub to: (usize, f64),
    /// Which of the kinds.
    pub kind: usize,
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Extent, RangedCoordf64>>;

/// Each row's share of the height, and what the axis below them takes.
const HEIGHTS: (u32, u32) = (52, 64);

/// How thick a span is, in parts of its row's height.
const THICKNESS: f64 = 0.5;

/// Text stands on the spans, on light ground and on dark.
const OPACITY: f64 = 0.4;

/// About the width of a letter.
const LETTER: f64 = 7.2;

pub(super) fn draw(x: &Axis, timeline: &Timeline) -> Result<String, String> {
    let spans = timeline.spans.iter();
    let mut times: Vec<f64> = spans.flat_map(|span| [span.from, span.to]).collect();
    let arrows = timeline.arrows.iter();
    times.extend(arrows.flat_map(|arrow| [arrow.from.1, arrow.to.1]));
    let places = times
        .into_iter()
        .map(|time| x.place(time))
        .collect::<Result<Vec<_>, _>>()?;
    let extent = x.extent(places.into_iter(), 8);
    let mut svg = String::new();
    render(&mut svg, x, extent, timeline).map_err(|error| error.to_string())?;
    Ok(svg)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "short labels, and not many"
)]
fn render(
    svg: &mut String,
    x: &Axis,
    extent: Extent,
    timeline: &Timeline,
) -> Result<(), Box<dyn Error>> {
    let marks = extent.marks.len();
    let rows = &timeline.rows;
    let height = HEIGHTS.0 * rows.len() as u32 + HEIGHTS.1;
    let longest = rows.iter().map(|row| row.chars().count()).max();
    let labels = (longest.unwrap_or(0) as f64 * LETTER) as u32 + 16;
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(32)
        .x_label_area_size(44)
        .y_label_area_size(labels)
        .build_cartesian_2d(extent, 0.0..rows.len() as f64)?;
    let text = FONT.into_font().color(&palette::INK);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(palette::GRID)
        .axis_style(palette::GRID)
        .x_labels(marks)
        .y_labels(0)
        .x_label_formatter(&|place| x.mark(*place))
        .x_desc(x.label())
        .label_style(text.clone())
        .axis_desc_style(text)
        .draw()?;
    fill(&mut chart, x, timeline)?;
    for arrow in &timeline.arrows {
        draw_arrow(&mut chart, x, rows.len(), arrow)?;
    }
    let text = FONT.into_font().color(&palette::INK);
    let right = text.pos(Pos::new(HPos::Right, VPos::Center));
    for (index, row) in rows.iter().enumerate() {
        let start = chart.x_range().start;
        let (x, y) = chart.backend_coord(&(start, middle(index, rows.len())));
        root.draw(&Text::new(row.as_str(), (x - 8, y), right.clone()))?;
    }
    root.present()?;
    Ok(())
}

/// The middle of a row, counted from the top.
fn middle(row: usize, rows: usize) -> f64 {
    rows as f64 - row as f64 - 0.5
}

/// Where a time is; all of them were looked at before.
fn place(x: &Axis, time: f64) -> f64 {
    x.place(time).unwrap_or_default()
}

fn fill(chart: &mut Chart<'_, '_>, x: &Axis, timeline: &Timeline) -> Result<(), Box<dyn Error>> {
    let half = THICKNESS / 2.0;
    let text = FONT.into_font().color(&palette::INK);
    let text = text.pos(Pos::new(HPos::Center, VPos::Center));
    for span in &timeline.spans {
        let middle = middle(span.row, timeline.rows.len());
        let [from, to] = [span.from, span.to].map(|time| place(x, time));
        let corners = [(from, middle - half), (to, middle + half)];
        let colour = palette::series(span.kind);
        let ground = Rectangle::new(corners, colour.mix(OPACITY).filled());
        // Its edges alone show a span that is too short to be seen.
        let edge = PathElement::new(
            [(from, middle - half), (from, middle + half)],
            colour.stroke_width(1),
        );
        chart.draw_series([ground])?;
        chart.draw_series([edge])?;
        let [left, right] = [from, to].map(|place| chart.backend_coord(&(place, middle)).0);
        if f64::from(right - left) > LETTER * span.label.chars().count() as f64 {
            let centre = ((from + to) / 2.0, middle);
            let label = Text::new(span.label.clone(), centre, text.clone());
            chart.draw_series([label])?;
        }
    }
    Ok(())
}

fn draw_arrow(
    chart: &mut Chart<'_, '_>,
    x: &Axis,
    rows: usize,
    arrow: &Arrow,
) -> Result<(), Box<dyn Error>> {
    let [from, to] = [arrow.from, arrow.to].map(|(row, time)| (place(x, time), middle(row, rows)));
    let colour = palette::series(arrow.kind);
    chart.draw_series([PathElement::new([from, to], colour.stroke_width(1))])?;
    chart.draw_series([Circle::new(to, 3, colour.filled())])?;
    Ok(())
}

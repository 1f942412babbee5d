//! Horizontal bars with their labels on the left and their values at the end.

use core::error::Error;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Extent};
use super::{FONT, WIDTH, palette};
use crate::table::significant;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) group: usize,
}

impl Bar {
    /// A labelled value.
    #[must_use]
    pub fn new(label: &str, value: f64) -> Self {
        Self {
            label: label.to_owned(),
            value,
            group: 0,
        }
    }

    /// Gives the bar the colour of group `group`, counted from 0.
    #[must_use]
    pub fn in_group(self, group: usize) -> Self {
        Self { group, ..self }
    }
}

/// How thick a bar is, in parts of its share of the height.
const THICKNESS: f64 = 0.62;

/// Each bar's share of the height, and what the axis below them takes.
const HEIGHTS: (u32, u32) = (36, 64);

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Extent, RangedCoordf64>>;

pub(super) fn draw(axis: &Axis, bars: &[Bar]) -> Result<String, String> {
    let ends = bars
        .iter()
        .map(|bar| axis.place(bar.value))
        .collect::<Result<Vec<_>, _>>()?;
    let extent = axis.extent(ends.iter().copied(), 6);
    let mut svg = String::new();
    render(&mut svg, axis, extent, bars, &ends).map_err(|error| error.to_string())?;
    Ok(svg)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "short labels, and not many"
)]
fn render(
    svg: &mut String,
    axis: &Axis,
    extent: Extent,
    bars: &[Bar],
    ends: &[f64],
) -> Result<(), Box<dyn Error>> {
    // Bars grow from zero, or from the least power shown on a logarithmic axis.
    let base = extent.range.start.max(extent.range.end.min(0.0));
    let marks = extent.marks.len();
    let height = HEIGHTS.0 * bars.len() as u32 + HEIGHTS.1;
    let longest = bars
        .iter()
        .map(|bar| bar.label.chars().count())
        .max()
        .unwrap_or(0);
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .margin_right(64)
        .x_label_area_size(44)
        .y_label_area_size((longest as f64 * 7.2) as u32 + 16)
        .build_cartesian_2d(extent, 0.0..bars.len() as f64)?;
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
        .x_label_formatter(&|place| axis.mark(*place))
        .x_desc(axis.label())
        .label_style(text.clone())
        .axis_desc_style(text)
        .draw()?;
    fill(&mut chart, base, bars, ends)?;
    label(&chart, &root, bars, ends)?;
    root.present()?;
    Ok(())
}

/// The middle of a bar, counted from the top.
fn row(index: usize, bars: &[Bar]) -> f64 {
    bars.len() as f64 - index as f64 - 0.5
}

fn fill(
    chart: &mut Chart<'_, '_>,
    base: f64,
    bars: &[Bar],
    ends: &[f64],
) -> Result<(), Box<dyn Error>> {
    let half = THICKNESS / 2.0;
    let rectangles = bars
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(index, (bar, end))| {
            let row = row(index, bars);
            Rectangle::new(
                [(base, row - half), (*end, row + half)],
                palette::series(bar.group).filled(),
            )
        });
    chart.draw_series(rectangles)?;
    Ok(())
}

/// Names to the left of the bars, values behind their ends.
fn label(
    chart: &Chart<'_, '_>,
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    bars: &[Bar],
    ends: &[f64],
) -> Result<(), Box<dyn Error>> {
    let text = FONT.into_font().color(&palette::INK);
    let right = text.pos(Pos::new(HPos::Right, VPos::Center));
    let left = text.pos(Pos::new(HPos::Left, VPos::Center));
    for (index, (bar, end)) in bars.iter().zip(ends).enumerate() {
        let row = row(index, bars);
        let (x, y) = chart.backend_coord(&(chart.x_range().start, row));
        root.draw(&Text::new(bar.label.as_str(), (x - 8, y), right.clone()))?;
        let (x, y) = chart.backend_coord(&(*end, row));
        root.draw(&Text::new(significant(bar.value), (x + 6, y), left.clone()))?;
    }
    Ok(())
}

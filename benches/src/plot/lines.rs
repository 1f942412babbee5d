//! Lines over common axes.

use core::error::Error;

use plotters::prelude::*;

use super::axis::Axis;
use super::{FONT, WIDTH, palette};

/// One series of a line chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

impl Line {
    /// A named series of points, in the order they are joined.
    #[must_use]
    pub fn new(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.to_owned(),
            points,
        }
    }
}

const HEIGHT: u32 = 360;

/// Up to this many points a line, each is marked with a dot: few points are measurements, many are
/// a curve.
const DOTTED: usize = 24;

pub(super) fn draw(x: &Axis, y: &Axis, lines: &[Line]) -> Result<String, String> {
    let placed = lines
        .iter()
        .map(|line| place(x, y, &line.points))
        .collect::<Result<Vec<_>, _>>()?;
    let mut svg = String::new();
    render(&mut svg, x, y, placed).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn render(
    svg: &mut String,
    x: &Axis,
    y: &Axis,
    lines: Vec<Vec<(f64, f64)>>,
) -> Result<(), Box<dyn Error>> {
    let xs = x.extent(lines.iter().flatten().map(|point| point.0), 8);
    let ys = y.extent(lines.iter().flatten().map(|point| point.1), 6);
    let (x_marks, y_marks) = (xs.marks.len(), ys.marks.len());
    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        // Half of a mark such as 100,000 stands beyond the last place.
        .margin_right(32)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(xs, ys)?;
    let text = FONT.into_font().color(&palette::INK);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(palette::GRID)
        .axis_style(palette::GRID)
        .x_labels(x_marks)
        .y_labels(y_marks)
        .x_label_formatter(&|place| x.mark(*place))
        .y_label_formatter(&|place| y.mark(*place))
        .x_desc(x.label())
        .y_desc(y.label())
        .label_style(text.clone())
        .axis_desc_style(text)
        .draw()?;
    for (index, points) in lines.into_iter().enumerate() {
        let colour = palette::series(index);
        let dots = if points.len() <= DOTTED {
            points.clone()
        } else {
            Vec::new()
        };
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        chart.draw_series(
            dots.into_iter()
                .map(|point| Circle::new(point, 3, colour.filled())),
        )?;
    }
    root.present()?;
    Ok(())
}

fn place(x: &Axis, y: &Axis, points: &[(f64, f64)]) -> Result<Vec<(f64, f64)>, String> {
    points
        .iter()
        .map(|point| Ok((x.place(point.0)?, y.place(point.1)?)))
        .collect()
}

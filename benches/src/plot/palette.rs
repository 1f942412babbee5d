//! Colours: plotters draws in stand-ins, which are then replaced by CSS variables.

use plotters::style::RGBColor;

use crate::markup::escape;

/// How many series are told apart by colour.
pub const SERIES: usize = 8;

/// The colour of series `i` in CSS; the page defines the variables for light and dark ground. The
/// fallbacks are Okabe and Ito's palette (readable with any colour vision), without its black and
/// its yellow.
const CSS: [&str; SERIES] = [
    "var(--series-1,#0072b2)",
    "var(--series-2,#d55e00)",
    "var(--series-3,#009e73)",
    "var(--series-4,#cc79a7)",
    "var(--series-5,#56b4e9)",
    "var(--series-6,#e69f00)",
    "var(--series-7,#7a5195)",
    "var(--series-8,#7f7f7f)",
];

/// Stands for the colour of text.
pub(super) const INK: RGBColor = RGBColor(2, 0, 0);
/// Stands for the colour of grid lines and axes.
pub(super) const GRID: RGBColor = RGBColor(3, 0, 0);

/// Stands for the colour of series `index`; they repeat after [`SERIES`].
#[expect(clippy::cast_possible_truncation, reason = "below SERIES")]
pub(super) fn series(index: usize) -> RGBColor {
    RGBColor(1, 0, (index % SERIES) as u8)
}

/// The colour of series `index`, in CSS.
pub(super) fn css(index: usize) -> &'static str {
    CSS[index % SERIES]
}

/// Replaces the stand-ins, lets the drawing scale, and gives it a name for those who cannot see it.
pub(super) fn paint(svg: &str, title: &str) -> String {
    let mut svg = svg
        .replace("#020000", "currentColor")
        .replace("#030000", "var(--grid,#8888)");
    for (index, css) in CSS.iter().enumerate() {
        svg = svg.replace(&format!("#01000{index}"), css);
    }
    // The fixed size goes, the view stays.
    let Some((head, body)) = svg.split_once('>') else {
        return svg;
    };
    let view = head.find("viewBox").map_or("", |start| &head[start..]);
    format!(
        "<svg {view} role=\"img\"><title>{}</title>{body}",
        escape(title)
    )
}

//! Axes: where the marks stand and what they say.

use core::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::table::significant;

/// How an axis spreads its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, and from zero.
    Linear,
    /// By powers of two.
    Log2,
    /// By powers of ten.
    Log10,
}

/// An axis: its label (with the unit) and its scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    label: String,
    scale: Scale,
}

/// The range of an axis and the places of its marks, in plotting coordinates: the values, or their
/// logarithms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extent {
    pub(super) range: Range<f64>,
    pub(super) marks: Vec<f64>,
}

impl Ranged for Extent {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a pixel")]
    fn map(&self, place: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (place - self.range.start) / (self.range.end - self.range.start);
        first + (part * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Axis {
    /// An axis with its label, unit included.
    #[must_use]
    pub fn new(label: &str, scale: Scale) -> Self {
        Self {
            label: label.to_owned(),
            scale,
        }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// The place of a value on this axis.
    pub(super) fn place(&self, value: f64) -> Result<f64, String> {
        let place = match self.scale {
            Scale::Linear => value,
            Scale::Log2 => value.log2(),
            Scale::Log10 => value.log10(),
        };
        if place.is_finite() {
            Ok(place)
        } else {
            Err(format!("{value} has no place on the axis {:?}", self.label))
        }
    }

    /// What the mark at `place` says.
    pub(super) fn mark(&self, place: f64) -> String {
        let value = match self.scale {
            Scale::Linear => place,
            Scale::Log2 => place.exp2(),
            Scale::Log10 => 10_f64.powf(place),
        };
        // Marks stand at round values: 0.01, not 0.01000.
        let mark = significant(value);
        if mark.contains('.') && !mark.contains('e') {
            mark.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            mark
        }
    }

    /// A range that holds all `places`, with about `marks` round marks in it.
    pub(super) fn extent(&self, places: impl Iterator<Item = f64> + Clone, marks: usize) -> Extent {
        let low = places.clone().fold(f64::INFINITY, f64::min);
        let high = places.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        match self.scale {
            Scale::Linear => linear(low.min(0.0), high.max(0.0), marks),
            Scale::Log2 | Scale::Log10 => whole_powers(low, high, marks),
        }
    }
}

/// Steps of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, marks: usize) -> Extent {
    let high = if high > low { high } else { low + 1.0 };
    let rough = (high - low) / marks.max(1) as f64;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * magnitude)
        .into_iter()
        .find(|step| *step >= rough);
    evenly(low, high, step.unwrap_or(rough))
}

fn whole_powers(low: f64, high: f64, marks: usize) -> Extent {
    let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
    evenly(
        low,
        high,
        ((high - low) / marks.max(1) as f64).ceil().max(1.0),
    )
}

fn evenly(low: f64, high: f64, step: f64) -> Extent {
    let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
    let count = last - first;
    let marks = core::iter::successors(Some(0.0), |index| {
        (index + 0.5 < count).then_some(index + 1.0)
    });
    Extent {
        range: first * step..last * step,
        marks: marks.map(|index| (first + index) * step).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(scale: Scale, values: &[f64]) -> Extent {
        let axis = Axis::new("x", scale);
        axis.extent(
            values
                .iter()
                .map(|value| axis.place(*value).expect("a finite value")),
            5,
        )
    }

    #[test]
    fn marks_are_round_and_enclose_the_values() {
        let linear = extent(Scale::Linear, &[3.0, 87.0]);
        assert_eq!(
            (linear.range, linear.marks),
            (0.0..100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
        );
        let log = extent(Scale::Log2, &[8.0, 16.0, 1024.0]);
        assert_eq!(
            (log.range, log.marks),
            (2.0..10.0, vec![2.0, 4.0, 6.0, 8.0, 10.0])
        );
        let negative = extent(Scale::Linear, &[-1.0, 1.0]);
        assert_eq!(negative.range, -1.0..1.0);
    }

    #[test]
    fn an_axis_of_one_value_or_none_has_a_width() {
        for (scale, values) in [
            (Scale::Linear, vec![0.0]),
            (Scale::Log10, vec![10.0]),
            (Scale::Linear, vec![]),
        ] {
            let extent = extent(scale, &values);
            assert!(
                extent.range.start < extent.range.end,
                "{scale:?} {values:?}: {extent:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        for (scale, value) in [
            (Scale::Log10, 0.0),
            (Scale::Log2, -1.0),
            (Scale::Linear, f64::NAN),
        ] {
            assert!(
                Axis::new("x", scale).place(value).is_err(),
                "{scale:?} {value}"
            );
        }
    }

    #[test]
    fn marks_have_no_idle_zeros() {
        let marks =
            [-2.0, -1.0, 0.0, 3.0, 6.0].map(|place| Axis::new("", Scale::Log10).mark(place));
        assert_eq!(marks, ["0.01", "0.1", "1", "1,000", "1,000,000"]);
        assert_eq!(Axis::new("", Scale::Linear).mark(2.5), "2.5");
    }
}

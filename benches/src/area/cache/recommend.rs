//! Which policy to take for a trace.

use purlin_cache::registry::Algorithm;

use super::ratio::{Ratios, percent};
use crate::table::{Cell, Table};

/// What a cache has when nothing is chosen.
const DEFAULT: Algorithm = Algorithm::Adaptive;

/// By less than this a policy is no better than another: the seed decides about as much.
const POINT: f64 = 0.01;

/// The best policy of every size, and where the default stands.
pub(super) fn table(ratios: &Ratios) -> Table {
    let columns = [
        "entries",
        "best policy",
        "its hit ratio",
        "to the possible",
        "the default's",
        "behind the best",
        "from LRU to opt",
    ];
    let mut table = Table::new("Which policy", columns);
    let place = |wanted| ratios.algorithms.iter().position(|it| *it == wanted);
    let (default, lru) = (place(DEFAULT), place(Algorithm::Lru));
    for size in &ratios.sizes {
        let Some(best) = best(&size.ratios) else {
            continue;
        };
        let its = size.ratios[best];
        let defaults = default.map(|at| size.ratios[at]);
        let lru = lru.map(|at| size.ratios[at]);
        let closed = defaults
            .zip(lru)
            .and_then(|(defaults, lru)| gap_closed(defaults, lru, size.opt));
        table.push([
            Cell::count(size.capacity),
            Cell::text(ratios.algorithms[best].name()),
            percent(its),
            points(size.opt - its),
            defaults.map_or(Cell::Empty, percent),
            defaults.map_or(Cell::Empty, |defaults| points(its - defaults)),
            closed.map_or(Cell::Empty, |share| {
                Cell::number((100.0 * share).round(), "%")
            }),
        ]);
    }
    table.note(format!(
        "{} To the possible: what opt, who knows the future, hits beyond it. From LRU to opt: how much of that way the default goes; left out where it is less than a point. Sizes, latencies and \
         times to live of the entries are not looked at.",
        advice(ratios)
    ))
}

/// In words: what to take if it is to be one policy for all these sizes.
pub(super) fn advice(ratios: &Ratios) -> String {
    let means = ratios.means();
    let Some(best) = best(&means) else {
        return String::new();
    };
    let name = ratios.algorithms[best].name();
    let Some(default) = ratios.algorithms.iter().position(|it| *it == DEFAULT) else {
        return format!("Of these, take {name}.");
    };
    let behind = means[best] - means[default];
    let worst = ratios.sizes.iter().map(|size| {
        let best = size.ratios.iter().copied().fold(0.0, f64::max);
        best - size.ratios[default]
    });
    let worst = Cell::number(rounded(worst.fold(0.0, f64::max)), "points");
    if behind < POINT {
        format!(
            "Take the default: over these sizes no policy hits a point more in the mean, and the best of a single size hits {worst} more at most."
        )
    } else {
        let behind = Cell::number(rounded(behind), "points");
        format!(
            "Take {name}: over these sizes it hits {behind} more in the mean than the default; the best of a single size hits {worst} more at most."
        )
    }
}

/// The first of the highest.
fn best(ratios: &[f64]) -> Option<usize> {
    // `max_by` takes the last one of several.
    let places = (0..ratios.len()).rev();
    places.max_by(|a, b| ratios[*a].total_cmp(&ratios[*b]))
}

/// How much of what is possible beyond LRU somebody reaches.
fn gap_closed(ratio: f64, lru: f64, opt: f64) -> Option<f64> {
    let gap = opt - lru;
    (gap >= POINT).then(|| (ratio - lru) / gap)
}

fn points(difference: f64) -> Cell {
    Cell::number(rounded(difference), "pt")
}

/// In points, with two decimals.
fn rounded(difference: f64) -> f64 {
    (10_000.0 * difference).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::cache::ratio::Size;

    fn ratios(algorithms: &[Algorithm], sizes: &[(&[f64], f64)]) -> Ratios {
        let sizes = sizes.iter().zip(1..).map(|((ratios, opt), capacity)| Size {
            capacity,
            ratios: ratios.to_vec(),
            opt: *opt,
        });
        Ratios {
            algorithms: algorithms.to_vec(),
            sizes: sizes.collect(),
        }
    }

    const THREE: [Algorithm; 3] = [Algorithm::Adaptive, Algorithm::Lru, Algorithm::Lirs];

    #[test]
    fn the_default_is_best_until_another_is_a_point_better() {
        let near = ratios(&THREE, &[(&[0.50, 0.40, 0.505], 0.6)]);
        assert!(
            advice(&near).starts_with("Take the default:"),
            "{}",
            advice(&near)
        );
        let far = ratios(
            &THREE,
            &[(&[0.50, 0.40, 0.55], 0.6), (&[0.7, 0.7, 0.7], 0.7)],
        );
        let advice = advice(&far);
        assert!(
            advice.starts_with("Take lirs: over these sizes it hits 2.500 points more in the mean"),
            "{advice}"
        );
        assert!(advice.contains("hits 5 points more at most"), "{advice}");
    }

    #[test]
    fn a_row_says_who_is_best_and_how_far_the_default_is() {
        let table = table(&ratios(
            &THREE,
            &[(&[0.5, 0.4, 0.55], 0.6), (&[0.7, 0.7, 0.7], 0.7)],
        ));
        let shown = |row: usize| {
            table.rows()[row]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            shown(0),
            ["1", "lirs", "55 %", "5 pt", "50 %", "5 pt", "50 %"]
        );
        // The first of those that are equal; no way from LRU to opt is left.
        assert_eq!(
            shown(1),
            ["2", "adaptive", "70 %", "0 pt", "70 %", "0 pt", "-"]
        );
    }

    #[test]
    fn without_the_default_or_lru_the_rest_is_said() {
        let table = table(&ratios(&[Algorithm::Lirs], &[(&[0.5], 0.6)]));
        assert_eq!(table.rows()[0][4], Cell::Empty);
        assert!(
            table
                .reading()
                .expect("a note")
                .starts_with("Of these, take lirs.")
        );
    }
}

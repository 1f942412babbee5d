//! What every variant admits, beside the exact log.

use core::time::Duration;

use super::admission::Admitted;
use super::traffic::{START, TRAFFICS, Traffic, WINDOW, WINDOWS};
use super::variants::Variant;
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, SERIES, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};

/// How many points of a curve a window has.
const POINTS: u32 = 50;

/// One row per traffic, limit and variant.
pub(super) fn table(
    variants: &[Variant],
    limits: &[u64],
    settings: &Settings,
) -> Result<Table, LabError> {
    let columns = [
        "traffic",
        "limit",
        "variant",
        "asked",
        "admitted",
        "exact log",
        "fullest window",
        "lost",
    ];
    let mut table = Table::new("Accuracy", columns);
    for traffic in TRAFFICS {
        for &limit in limits {
            let arrivals = traffic.arrivals(limit, settings.seed)?;
            let exact = Admitted::by_exact_log(limit, WINDOW, &arrivals).count();
            for variant in variants {
                let limiter = variant.limiter(limit, WINDOW)?;
                let admitted = Admitted::by(&*limiter, &arrivals);
                let lost = exact.saturating_sub(admitted.count());
                table.push([
                    Cell::text(traffic.name),
                    Cell::count(limit),
                    Cell::text(variant.name),
                    Cell::count(arrivals.len() as u64),
                    Cell::count(admitted.count()),
                    Cell::count(exact),
                    Cell::number(admitted.fullest(WINDOW) as f64 / limit as f64, "x limit"),
                    Cell::number(100.0 * lost as f64 / exact.max(1) as f64, "%"),
                ]);
            }
        }
    }
    let traffics = TRAFFICS.map(|traffic| format!("{}: {}", traffic.name, traffic.about));
    let note = format!(
        "A limit for each {WINDOW:?}, for {WINDOWS} windows of virtual time; every request costs one. The exact log admits no more than the limit in any span of that length, wherever it \
         begins. Fullest window: the most that was admitted in any such span; a bucket promises its burst and what comes meanwhile, which is twice the limit here. Lost: what \
         the log admits and the variant does not, in all: what a smaller burst costs, which a queue without one, part of a limit within a window, or half of it for each user are. Traffic: {}.",
        traffics.join("; ")
    );
    Ok(table.note(note))
}

/// Admitted in the last window, against time: a chart a traffic, or several where there are more
/// variants than colours.
pub(super) fn plots(
    variants: &[Variant],
    limit: u64,
    settings: &Settings,
) -> Result<Vec<Plot>, LabError> {
    let mut plots = Vec::new();
    for traffic in TRAFFICS {
        let arrivals = traffic.arrivals(limit, settings.seed)?;
        // A colour is for the exact log.
        for variants in variants.chunks(SERIES - 1) {
            let exact = Admitted::by_exact_log(limit, WINDOW, &arrivals);
            let mut lines = vec![Line::new("exact log", curve(&exact, limit))];
            for variant in variants {
                let limiter = variant.limiter(limit, WINDOW)?;
                let admitted = Admitted::by(&*limiter, &arrivals);
                lines.push(Line::new(variant.name, curve(&admitted, limit)));
            }
            plots.push(plot(&traffic, limit, lines));
        }
    }
    Ok(plots)
}

fn plot(traffic: &Traffic, limit: u64, lines: Vec<Line>) -> Plot {
    let title = format!("Admitted under {} traffic, limit {limit}", traffic.name);
    let x = Axis::new("windows", Scale::Linear);
    let y = Axis::new("admitted in the last window (x limit)", Scale::Linear);
    Plot::lines(&title, x, y, lines)
}

fn curve(admitted: &Admitted, limit: u64) -> Vec<(f64, f64)> {
    let points = (0..=WINDOWS * POINTS).map(|index| {
        let elapsed = WINDOW / POINTS * index;
        let within = admitted.within(WINDOW, START + elapsed);
        (windows(elapsed), within as f64 / limit as f64)
    });
    points.collect()
}

fn windows(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() / WINDOW.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fullest(variant: &str, traffic: &str) -> f64 {
        let limit = 100;
        let traffic = TRAFFICS.iter().find(|candidate| candidate.name == traffic);
        let arrivals = traffic
            .expect("a traffic")
            .arrivals(limit, 42)
            .expect("valid");
        let variant = Variant::all().find(|candidate| candidate.name == variant);
        let limiter = variant
            .expect("a variant")
            .limiter(limit, WINDOW)
            .expect("valid");
        Admitted::by(&*limiter, &arrivals).fullest(WINDOW) as f64 / limit as f64
    }

    #[test]
    fn a_bucket_gives_its_burst_and_what_comes_in_two_milliseconds() {
        assert!((1.0..1.01).contains(&fullest("gcra", "boundary attack")));
        assert!(fullest("gcra", "steady") > 1.5);
    }

    #[test]
    fn what_fills_at_boundaries_gives_twice_the_limit_around_one() {
        for variant in ["fixed-window", "token-bucket-interval"] {
            let fullest = fullest(variant, "boundary attack");
            assert!((1.99..=2.0).contains(&fullest), "{variant}: {fullest}");
        }
    }

    #[test]
    fn curves_reach_from_the_first_window_to_the_last() {
        let admitted = Admitted(vec![START, START, START + WINDOW]);
        let curve = curve(&admitted, 2);
        assert_eq!(curve.first(), Some(&(0.0, 1.0)));
        assert_eq!(curve[50], (1.0, 0.5));
        assert_eq!(curve.last(), Some(&(f64::from(WINDOWS), 0.0)));
    }
}

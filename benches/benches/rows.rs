//! An area's timed rows as Criterion groups, one function per contender.
//!
//! Criterion runs one contender after the other: good for watching our own figures from change to
//! change. To compare with rivals, use `lab versus`.

use core::hint::black_box;

use criterion::Criterion;
use purlin_benches::area::Area;
use purlin_benches::settings::Settings;
use purlin_benches::versus::Measure;
use purlin_core::time::{Clock as _, SystemClock};

/// Runs every timed row of `area`.
pub(crate) fn bench(criterion: &mut Criterion, area: &dyn Area) {
    let (settings, clock) = (Settings::default(), SystemClock::new());
    for row in area.rows() {
        let Measure::Timed(setup) = row.measure else {
            continue;
        };
        let mut contest = setup(&settings).unwrap_or_else(|error| panic!("{}: {error}", row.id));
        let mut group = criterion.benchmark_group(format!("{}/{}", area.name(), row.id));
        for contender in contest.contenders_mut() {
            group.bench_function(contender.name().to_owned(), |bencher| {
                bencher.iter_custom(|iterations| {
                    let start = clock.now();
                    contender.run(black_box(iterations));
                    clock.now().saturating_duration_since(start)
                });
            });
        }
    }
}

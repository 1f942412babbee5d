//! What no algorithm can be made from is refused, by the field's name.

use core::time::Duration;
use purlin_ratelimit::ConfigError;
use purlin_ratelimit::concurrency::{
    Aimd, Fixed, Gradient2, MAX_LIMIT, Statistic, Vegas, Windowed,
};

fn field(error: ConfigError) -> &'static str {
    match error {
        ConfigError::Zero { field }
        | ConfigError::TooLarge { field, .. }
        | ConfigError::TooSmall { field, .. }
        | ConfigError::OutOfRange { field, .. } => field,
        error => panic!("{error} names no field"),
    }
}

macro_rules! refuses {
    ($($builder:expr => $field:literal),* $(,)?) => {$(
        let error = $builder.err().expect(stringify!($builder));
        assert_eq!(field(error), $field, "{}", stringify!($builder));
    )*};
}

#[test]
fn bad_values_are_refused_by_name() {
    let windowed = || Windowed::builder(Fixed::new(1).expect("a limit"));
    refuses! {
        Fixed::new(0) => "limit",
        Fixed::new(MAX_LIMIT + 1) => "limit",
        Aimd::builder().min(0).build() => "min",
        Aimd::builder().min(300).build() => "max",
        Aimd::builder().max(u32::MAX).build() => "max",
        Aimd::builder().initial(0).build() => "initial",
        Aimd::builder().initial(201).build() => "initial",
        Aimd::builder().timeout(Duration::ZERO).build() => "timeout",
        Vegas::builder().initial(1001).build() => "initial",
        Vegas::builder().alpha(7).build() => "beta",
        Vegas::builder().alpha(0).build() => "alpha",
        Vegas::builder().probe_multiplier(0).build() => "probe_multiplier",
        Vegas::builder().max_rtt_noload(Duration::ZERO).build() => "max_rtt_noload",
        Gradient2::builder().max(1).build() => "initial",
        Gradient2::builder().long_window(0).build() => "long_window",
        windowed().min_samples(0).build() => "min_samples",
        windowed().max_samples(9).build() => "max_samples",
    }
    for bad in [f64::NAN, -1.0, 0.0, 0.49, 1.0, f64::INFINITY] {
        refuses!(Aimd::builder().backoff(bad).build() => "backoff");
    }
    for bad in [f64::NAN, -1.0, 0.0, 1.01, f64::INFINITY] {
        let percentile = windowed().statistic(Statistic::Percentile(bad));
        refuses! {
            Vegas::builder().smoothing(bad).build() => "smoothing",
            Gradient2::builder().smoothing(bad).build() => "smoothing",
            percentile.build() => "percentile",
        }
    }
    for bad in [f64::NAN, -1.0, 0.99, f64::INFINITY] {
        refuses!(Gradient2::builder().tolerance(bad).build() => "tolerance");
    }
}

#[test]
fn the_ends_of_the_ranges_are_in_them() {
    assert!(Fixed::new(MAX_LIMIT).is_ok());
    let one = Aimd::builder().initial(1).max(1).backoff(0.5);
    assert!(one.build().is_ok());
    let most = Vegas::builder().max(MAX_LIMIT).initial(MAX_LIMIT);
    assert!(most.alpha(1).beta(1).build().is_ok());
    let plain = Gradient2::builder().tolerance(1.0).queue_size(0);
    assert!(plain.build().is_ok());
}

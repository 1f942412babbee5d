//! What the generators' tests share: a goodness-of-fit test.

/// Asserts that the counts of `keys` fit the probability of each of `0..items`, by Pearson's
/// chi-squared test at six standard deviations of the statistic (about one false alarm in 10^8
/// seeds; the seeds are fixed). Keys expected less than ten times are pooled.
pub(super) fn assert_fits(keys: &[u64], probability: impl Fn(u64) -> f64, items: u64) {
    let mut counts = vec![0_u64; usize::try_from(items).expect("few items")];
    for key in keys {
        counts[usize::try_from(*key).expect("few items")] += 1;
    }
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut pooled, mut pooled_expected) = (0.0, 0.0);
    for (key, count) in (0..items).zip(&counts) {
        pooled += *count as f64;
        pooled_expected += probability(key) * keys.len() as f64;
        if pooled_expected >= 10.0 {
            statistic += (pooled - pooled_expected).powi(2) / pooled_expected;
            cells += 1.0;
            (pooled, pooled_expected) = (0.0, 0.0);
        }
    }
    assert!(
        pooled <= pooled_expected + 6.0 * pooled_expected.sqrt() + 6.0,
        "{pooled} in the tail, not {pooled_expected}"
    );
    let freedom: f64 = cells - 1.0;
    let limit = freedom + 6.0 * (2.0 * freedom).sqrt();
    assert!(
        statistic <= limit,
        "chi-squared {statistic} over {freedom} degrees of freedom, limit {limit}"
    );
}

/// Mean and variance.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / values.len() as f64;
    (mean, variance)
}

/// Asserts that two values differ by no more than the given part of the second.
pub(super) fn assert_close(what: &str, measured: f64, theory: f64, tolerance: f64) {
    let difference = (measured - theory).abs() / theory.abs();
    assert!(
        difference <= tolerance,
        "{what}: {measured}, in theory {theory}: {difference} apart"
    );
}

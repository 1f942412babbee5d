//! The three rules: which endpoints are outliers, the worst first.

use super::host::Host;
use super::{BTreeMap, NodeId, OutlierConfig, Vec};
use core::cmp::Ordering;

type Hosts = BTreeMap<NodeId, Host>;

pub(super) fn failed_in_a_row(host: &Host, config: &OutlierConfig) -> bool {
    !host.is_out() && host.failures_in_a_row() >= config.failures_in_a_row()
}

pub(super) fn consecutive_failures(hosts: &Hosts, config: &OutlierConfig) -> Vec<NodeId> {
    let suspects = hosts
        .iter()
        .filter(|(_, host)| failed_in_a_row(host, config));
    let row = |host: &Host| host.failures_in_a_row();
    worst_first(suspects, |a, b| row(b).cmp(&row(a)))
}

/// The mean of the rates of success, and below which rate an endpoint is an outlier; `None` where
/// too few endpoints had enough requests to tell.
pub(super) fn spread(hosts: &Hosts, config: &OutlierConfig) -> Option<(f64, f64)> {
    let (fewest_hosts, fewest_requests) = config.success_rate_basis();
    let judged = with_requests(hosts, fewest_requests);
    let rates: Vec<f64> = judged.map(|(_, host)| host.success_rate()).collect();
    if rates.is_empty() || rates.len() < fewest_hosts {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "2^32 endpoints at most")]
    let count = rates.len() as f64;
    let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = rates.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Rounded, the mean of equal rates may differ from them, and all would be outliers.
    let mean = (rates.iter().sum::<f64>() / count).clamp(lowest, highest);
    let squares = rates.iter().map(|rate| (rate - mean) * (rate - mean));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    Some((mean, mean - deviation * config.deviations()))
}

pub(super) fn success_rate(hosts: &Hosts, config: &OutlierConfig, threshold: f64) -> Vec<NodeId> {
    let (_, fewest_requests) = config.success_rate_basis();
    let judged = with_requests(hosts, fewest_requests);
    let suspects = judged.filter(|(_, host)| host.success_rate() < threshold);
    worst_first(suspects, |a, b| {
        a.success_rate().total_cmp(&b.success_rate())
    })
}

pub(super) fn failure_percentage(hosts: &Hosts, config: &OutlierConfig) -> Vec<NodeId> {
    let (fewest_hosts, fewest_requests) = config.failure_percentage_basis();
    let judged = with_requests(hosts, fewest_requests);
    if judged.clone().count() < fewest_hosts {
        return Vec::new();
    }
    let suspects = judged.filter(|(_, host)| {
        u64::from(host.failures) * 100 > config.failures_of_100() * host.requests()
    });
    worst_first(suspects, |a, b| {
        a.success_rate().total_cmp(&b.success_rate())
    })
}

/// Those that are in, and had at least so many requests: one, that is, or more.
fn with_requests(hosts: &Hosts, fewest: u32) -> impl Iterator<Item = (&NodeId, &Host)> + Clone {
    let fewest = u64::from(fewest.max(1));
    let enough = move |host: &Host| !host.is_out() && host.requests() >= fewest;
    hosts.iter().filter(move |(_, host)| enough(host))
}

/// Those that are alike stay in the order of their identities.
fn worst_first<'a>(
    suspects: impl Iterator<Item = (&'a NodeId, &'a Host)>,
    order: impl Fn(&Host, &Host) -> Ordering,
) -> Vec<NodeId> {
    let mut suspects: Vec<_> = suspects.collect();
    suspects.sort_by(|(_, a), (_, b)| order(a, b));
    suspects.into_iter().map(|(id, _)| *id).collect()
}

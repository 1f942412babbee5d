//! What may be configured, and what cannot.

use core::fmt::Debug;
use core::time::Duration;
use purlin_lb::health::{HealthConfig, OutlierConfig};
use purlin_lb::{ConfigError, Health};
use serde_json::{Value, from_value, json, to_value};

fn refused<T: Debug>(result: Result<T, ConfigError>, message: &str) {
    assert_eq!(result.expect_err("it cannot be").to_string(), message);
}

#[test]
fn a_health_check_that_cannot_be_is_refused() {
    let config = HealthConfig::new();
    let zero = Duration::ZERO;
    refused(config.interval(zero), "interval must be above zero");
    refused(
        config.unhealthy_interval(zero),
        "unhealthy_interval must be above zero",
    );
    refused(
        config.healthy_edge_interval(zero),
        "healthy_edge_interval must be above zero",
    );
    refused(
        config.unhealthy_edge_interval(zero),
        "unhealthy_edge_interval must be above zero",
    );
    refused(config.timeout(zero), "timeout must be above zero");
    refused(
        config.healthy_threshold(0),
        "healthy_threshold must be above zero",
    );
    refused(
        config.unhealthy_threshold(0),
        "unhealthy_threshold must be above zero",
    );
    refused(
        config.jitter_percent(101),
        "jitter_percent must be from 0 to 100",
    );
}

#[test]
fn an_outlier_detection_that_cannot_be_is_refused() {
    let config = OutlierConfig::new();
    let zero = Duration::ZERO;
    refused(config.interval(zero), "interval must be above zero");
    refused(
        config.base_ejection_time(zero),
        "base_ejection_time must be above zero",
    );
    refused(
        config.consecutive_failures(0),
        "consecutive_failures must be above zero",
    );
    type Setter = fn(OutlierConfig, u8) -> Result<OutlierConfig, ConfigError>;
    let percents: [(&str, Setter); 5] = [
        ("max_ejection_percent", OutlierConfig::max_ejection_percent),
        (
            "enforcing_consecutive_failures",
            OutlierConfig::enforcing_consecutive_failures,
        ),
        (
            "enforcing_success_rate",
            OutlierConfig::enforcing_success_rate,
        ),
        (
            "failure_percentage_threshold",
            OutlierConfig::failure_percentage_threshold,
        ),
        (
            "enforcing_failure_percentage",
            OutlierConfig::enforcing_failure_percentage,
        ),
    ];
    for (field, set) in percents {
        assert!(set(config, 0).is_ok() && set(config, 100).is_ok());
        refused(set(config, 101), &format!("{field} must be from 0 to 100"));
    }
    for factor in [f64::NAN, f64::INFINITY, -0.1] {
        refused(
            config.success_rate_stdev_factor(factor),
            "success_rate_stdev_factor must be at least zero and finite",
        );
    }
}

/// The whole of both, as data: names and defaults are promises.
#[test]
fn configurations_are_objects_of_the_methods_names() {
    let duration = |secs: u64, nanos: u32| json!({"secs": secs, "nanos": nanos});
    let health = json!({
        "interval": duration(5, 0),
        "unhealthy_interval": null,
        "healthy_edge_interval": null,
        "unhealthy_edge_interval": null,
        "jitter_percent": 10,
        "first_within": duration(1, 0),
        "timeout": duration(1, 0),
        "healthy_threshold": 2,
        "unhealthy_threshold": 3,
        "initial": "healthy",
    });
    assert_eq!(to_value(HealthConfig::new()).unwrap(), health);
    let outlier = json!({
        "interval": duration(10, 0),
        "base_ejection_time": duration(30, 0),
        "max_ejection_time": duration(300, 0),
        "max_ejection_percent": 10,
        "strict_percent": false,
        "min_ejected": 0,
        "consecutive_failures": 5,
        "enforcing_consecutive_failures": 100,
        "success_rate_stdev_factor": 1.9,
        "success_rate_minimum_hosts": 5,
        "success_rate_request_volume": 100,
        "enforcing_success_rate": 100,
        "failure_percentage_threshold": 85,
        "failure_percentage_minimum_hosts": 5,
        "failure_percentage_request_volume": 50,
        "enforcing_failure_percentage": 0,
    });
    assert_eq!(to_value(OutlierConfig::new()).unwrap(), outlier);

    let empty = || Value::Object(serde_json::Map::default());
    let read: HealthConfig = from_value(empty()).unwrap();
    assert_eq!(read, HealthConfig::default());
    let read: OutlierConfig = from_value(empty()).unwrap();
    assert_eq!(read, OutlierConfig::default());
}

#[test]
fn configurations_are_read_as_they_are_written_and_checked() {
    let health = HealthConfig::new()
        .unhealthy_edge_interval(Duration::from_millis(250))
        .unwrap()
        .initial(Health::Unhealthy);
    let read: HealthConfig = from_value(to_value(health).unwrap()).unwrap();
    assert_eq!(read, health);
    let outlier = OutlierConfig::new()
        .success_rate_stdev_factor(2.5)
        .unwrap()
        .strict_percent(true)
        .min_ejected(2);
    let read: OutlierConfig = from_value(to_value(outlier).unwrap()).unwrap();
    assert_eq!(read, outlier);

    for (data, complaint) in [
        (
            json!({"timeout": {"secs": 0, "nanos": 0}}),
            "timeout must be above zero",
        ),
        (
            json!({"healthy_threshold": 0}),
            "healthy_threshold must be above zero",
        ),
        (json!({"intervall": 1}), "unknown field `intervall`"),
    ] {
        let error = from_value::<HealthConfig>(data).unwrap_err().to_string();
        assert!(error.starts_with(complaint), "{error}");
    }
    let data = json!({"max_ejection_percent": 101});
    let error = from_value::<OutlierConfig>(data).unwrap_err().to_string();
    assert_eq!(error, "max_ejection_percent must be from 0 to 100");
}

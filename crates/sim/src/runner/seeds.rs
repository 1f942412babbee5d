//! Which seeds to run, and how to run one again.

use core::ops::RangeInclusive;
use std::env;

const VARIABLE: &str = "PURLIN_SEED";

/// The environment variable `PURLIN_SEED` is neither a seed nor a range of seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "PURLIN_SEED is {0:?}; expected a seed such as `17` or `0x11`, or a range such as `1000..2000`"
)]
pub(super) struct SeedsError(String);

/// The seeds that the environment asks for.
pub(super) fn from_environment() -> Result<Option<RangeInclusive<u64>>, SeedsError> {
    env::var(VARIABLE).ok().map(|text| parse(&text)).transpose()
}

fn parse(text: &str) -> Result<RangeInclusive<u64>, SeedsError> {
    let range = match text.split_once("..") {
        Some((first, end)) => number(first).zip(number(end).and_then(|end| end.checked_sub(1))),
        None => number(text).map(|seed| (seed, seed)),
    };
    let range = range.filter(|(first, last)| first <= last);
    range
        .map(|(first, last)| first..=last)
        .ok_or_else(|| SeedsError(text.to_owned()))
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The command that runs the present test again with one seed, as well as it can be known from
/// within.
pub(super) fn replay_command(seed: u64) -> String {
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main");
    match (env::var("CARGO_PKG_NAME"), test) {
        (Ok(package), Some(test)) => {
            format!(
                "{VARIABLE}={seed} cargo test -p {package} {test} -- --exact --include-ignored --nocapture"
            )
        }
        _ => format!("run the same again with {VARIABLE}={seed} in the environment"),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, replay_command};

    #[test]
    fn seeds_are_one_or_a_range() {
        assert_eq!(parse("17"), Ok(17..=17));
        assert_eq!(parse(" 0xff "), Ok(255..=255));
        assert_eq!(parse("1000..2000"), Ok(1_000..=1_999));
        for bad in ["", "x", "5..5", "9..1", "-1", "1..", "0x", "..0"] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn the_command_names_this_test() {
        let command = replay_command(5);
        assert!(command.contains("PURLIN_SEED=5"), "{command}");
        if std::thread::current().name() != Some("main") && std::env::var("CARGO_PKG_NAME").is_ok()
        {
            assert!(
                command.contains("runner::seeds::tests::the_command_names_this_test"),
                "{command}"
            );
        }
    }
}

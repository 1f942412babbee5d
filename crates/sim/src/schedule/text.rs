//! The text form of schedules: one incident a line, `at TIME for DURATION FAULT`; `#` begins a
//! comment.

use super::{Duration, Fault, Incident, Instant, Schedule};
use crate::{ClockStep, NodeSet, Probability};
use core::fmt;
use core::str::FromStr;
use purlin_core::node::NodeId;

/// A line that is no incident.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}: {text:?} (expected e.g. \"at 1.5s for 300ms crash n2\")")]
#[non_exhaustive]
pub struct ParseScheduleError {
    /// The line's number, from 1.
    pub line: usize,
    /// The word or line that could not be understood.
    pub text: String,
    /// Why not.
    pub problem: &'static str,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|incident| writeln!(f, "{incident}"))
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at - Instant::ORIGIN;
        write!(f, "at {at:?} for {:?} {}", told(self.lasts), self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(node) => write!(f, "crash {node}"),
            Self::CrashInStep(node) => write!(f, "crash-in-step {node}"),
            Self::Wipe(node) => write!(f, "wipe {node}"),
            Self::Pause(node) => write!(f, "pause {node}"),
            Self::Slow(node, by) => write!(f, "slow {node} {:?}", told(*by)),
            Self::Cut { from, to } => write!(f, "cut {from} -> {to}"),
            Self::Split(side) => write!(f, "split {side}"),
            Self::Loss(probability) => write!(f, "loss {probability}"),
            Self::Delay(by) => write!(f, "delay {:?}", told(*by)),
            Self::SyncErrors(node) => write!(f, "sync-errors {node}"),
            Self::SlowDisk(node, by) => write!(f, "slow-disk {node} {:?}", told(*by)),
            Self::ClockStep(node, ClockStep::Forward(by)) => {
                write!(f, "clock {node} +{:?}", told(*by))
            }
            Self::ClockStep(node, ClockStep::Back(by)) => {
                write!(f, "clock {node} -{:?}", told(*by))
            }
            Self::WallClockStep(node, ClockStep::Forward(by)) => {
                write!(f, "wall-clock {node} +{:?}", told(*by))
            }
            Self::WallClockStep(node, ClockStep::Back(by)) => {
                write!(f, "wall-clock {node} -{:?}", told(*by))
            }
            Self::ClockDrift(node, ppm) => write!(f, "drift {node} {ppm}ppm"),
        }
    }
}

/// A duration as it is printed: from the 584 years on that an [`Instant`] can express, all mean for
/// ever.
fn told(duration: Duration) -> Duration {
    duration.min(Duration::from_nanos(u64::MAX))
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, ParseScheduleError> {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| {
                incident(line).map_err(|(problem, text)| ParseScheduleError {
                    line: number,
                    text: text.to_owned(),
                    problem,
                })
            })
            .collect()
    }
}

/// A part of a line, or what is wrong with which word.
type Parsed<'a, T> = Result<T, (&'static str, &'a str)>;

fn incident(line: &str) -> Parsed<'_, Incident> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["at", at, "for", lasts, kind, rest @ ..] = words.as_slice() else {
        return Err(("not of the form `at TIME for DURATION FAULT`", line));
    };
    Ok(Incident {
        at: Instant::ORIGIN + duration(at)?,
        lasts: duration(lasts)?,
        fault: fault(kind, rest)?,
    })
}

fn fault<'a>(kind: &'a str, arguments: &[&'a str]) -> Parsed<'a, Fault> {
    Ok(match (kind, arguments) {
        ("crash", [name]) => Fault::Crash(node(name)?),
        ("crash-in-step", [name]) => Fault::CrashInStep(node(name)?),
        ("wipe", [name]) => Fault::Wipe(node(name)?),
        ("pause", [name]) => Fault::Pause(node(name)?),
        ("slow", [name, by]) => Fault::Slow(node(name)?, duration(by)?),
        ("cut", [from, "->", to]) => Fault::Cut {
            from: nodes(from)?,
            to: nodes(to)?,
        },
        ("split", [side]) => Fault::Split(nodes(side)?),
        ("loss", [percent]) => Fault::Loss(probability(percent)?),
        ("delay", [by]) => Fault::Delay(duration(by)?),
        ("sync-errors", [name]) => Fault::SyncErrors(node(name)?),
        ("slow-disk", [name, by]) => Fault::SlowDisk(node(name)?, duration(by)?),
        ("clock", [name, by]) => Fault::ClockStep(node(name)?, step(by)?),
        ("wall-clock", [name, by]) => Fault::WallClockStep(node(name)?, step(by)?),
        ("drift", [name, ppm]) => Fault::ClockDrift(node(name)?, drift(ppm)?),
        _ => return Err((expected(kind), kind)),
    })
}

/// What is wrong with a fault of this name whose arguments could not be matched.
fn expected(kind: &str) -> &'static str {
    match kind {
        "crash" | "crash-in-step" | "wipe" | "pause" | "sync-errors" => {
            "takes one node, such as `n2`"
        }
        "slow" | "slow-disk" => "takes a node and a duration, such as `n2 5ms`",
        "cut" => "takes two lists of nodes, such as `n0,n1 -> n2`",
        "split" => "takes one list of nodes, such as `n0,n1`",
        "loss" => "takes a probability, such as `12.5%`",
        "delay" => "takes a duration, such as `50ms`",
        "clock" | "wall-clock" => "takes a node and a step, such as `n1 -2s`",
        "drift" => "takes a node and a drift, such as `n1 -500ppm`",
        _ => "no such fault (the documentation of `Schedule` lists them)",
    }
}

fn node(word: &str) -> Parsed<'_, NodeId> {
    let number = word
        .strip_prefix('n')
        .and_then(|number| number.parse().ok());
    number.map(NodeId).ok_or(("not a node such as `n2`", word))
}

fn nodes(words: &str) -> Parsed<'_, NodeSet> {
    if words == NodeSet::EMPTY {
        return Ok(NodeSet::default());
    }
    words.split(',').map(node).collect()
}

fn step(word: &str) -> Parsed<'_, ClockStep> {
    match (word.strip_prefix('+'), word.strip_prefix('-')) {
        (Some(by), _) => Ok(ClockStep::Forward(duration(by)?)),
        (_, Some(by)) => Ok(ClockStep::Back(duration(by)?)),
        _ => Err(("not a step such as `+2s` or `-150ms`", word)),
    }
}

fn drift(word: &str) -> Parsed<'_, i32> {
    let ppm = word
        .strip_suffix("ppm")
        .and_then(|number| number.parse().ok());
    ppm.ok_or(("not a drift such as `-500ppm`", word))
}

fn probability(word: &str) -> Parsed<'_, Probability> {
    let ppm = word
        .strip_suffix('%')
        .and_then(|percent| decimal(percent, 4));
    ppm.filter(|ppm| *ppm <= 1_000_000)
        .and_then(|ppm| u32::try_from(ppm).ok())
        .map(Probability::ppm)
        .ok_or((
            "not a probability such as `12.5%` (four decimals at most)",
            word,
        ))
}

/// The form in which `Duration` prints itself, exactly.
fn duration(word: &str) -> Parsed<'_, Duration> {
    let (number, places) = [("ns", 0), ("us", 3), ("µs", 3), ("ms", 6), ("s", 9)]
        .into_iter()
        .find_map(|(unit, places)| Some((word.strip_suffix(unit)?, places)))
        .ok_or(("a duration needs a unit: s, ms, us or ns", word))?;
    decimal(number, places).map(Duration::from_nanos).ok_or((
        "not a duration such as `1.5s` (whole nanoseconds, below 584 years)",
        word,
    ))
}

/// A decimal number times ten to the `places`, which must come out whole.
fn decimal(word: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::FaultPlan;
    use core::time::Duration;

    #[test]
    fn every_generated_schedule_reads_back() {
        for seed in 0..200 {
            let schedule = FaultPlan::new(7, Duration::from_secs(50)).schedule(seed);
            assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }
    }

    #[test]
    fn errors_name_the_line_and_the_word() {
        let refused = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        assert!(refused("\n\nat 1s for 2s melt n1").starts_with("line 3: no such fault"));
        assert!(refused("at 1s for 2s crash 7").contains("\"7\""));
        assert!(refused("at 1 for 2s crash n1").contains("needs a unit"));
        assert!(refused("at 1.0000000001s for 2s crash n1").contains("1.0000000001s"));
        assert!(refused("at 99999999999999s for 2s crash n1").contains("584 years"));
        assert!(refused("at 1s for 2s loss 101%").contains("101%"));
        assert!(refused("at 1s for 2s cut n1 n2").contains("cut"));
        assert!(refused("at 1s for 2s split ").contains("split"));
        assert!(refused("at 1s for 2s clock n1 2s").contains("+2s"));
        assert!(refused("crash n1").contains("at TIME"));
    }
}

//! A script, command by command, and where our nodes disagree with it.

use super::cluster::Cluster;
use super::commands::Answer;
use super::facts::{self, Fact, Facts};
use super::script::{self, Directive, Line};
use super::table::{Difference, LATER};

/// What etcd prints for what it refuses.
const REFUSALS: [&str; 3] = [
    "can not campaign",
    "proposal dropped",
    "ignoring conf change",
];

/// What came of a script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) commands: usize,
    /// Lines of queries, answers to commands, and facts about nodes that were looked at.
    pub(crate) compared: usize,
    pub(crate) differences: Vec<Difference>,
}

/// Runs a script. Where it is one of the `known` differences that our nodes get there later, they
/// are given one more heartbeat.
pub(crate) fn run(script: &str, known: &[Difference]) -> Result<Report, String> {
    let directives = script::parse(script).map_err(|error| error.to_string())?;
    let mut run = Run {
        known,
        cluster: Cluster::default(),
        silent: false,
        stated: Facts::new(),
        report: Report::default(),
    };
    for directive in &directives {
        let located = |error| format!("line {}: {error}", directive.line);
        run.step(directive).map_err(located)?;
        run.report.commands += 1;
    }
    let settled = run
        .stated
        .clone()
        .into_iter()
        .filter(|((_, fact), _)| fact.settles());
    run.compare_facts(settled.collect())?;
    run.report.differences.sort();
    Ok(run.report)
}

struct Run<'a> {
    known: &'a [Difference],
    cluster: Cluster,
    /// Whether commands print nothing.
    silent: bool,
    /// What has been said since they last did not.
    stated: Facts,
    report: Report,
}

impl Run<'_> {
    fn step(&mut self, directive: &Directive) -> Result<(), String> {
        if directive.command == "log-level" {
            self.silent = directive.words().next() == Some("none");
            return Ok(());
        }
        let answer = self.cluster.run(directive)?;
        let silent = self.silent || directive.value("log-level") == Some("none");
        match answer {
            Answer::Lines(_) if silent => {}
            Answer::Lines(lines) => return self.compare_lines(directive, lines),
            Answer::Refused { why, etcd } => {
                self.report.compared += 1;
                if !directive.expects(etcd) {
                    self.differ(directive.line, format!("no {etcd:?}"), why);
                }
            }
            Answer::Done => {
                self.report.compared += 1;
                if let Some(etcd) = REFUSALS.into_iter().find(|text| directive.expects(text)) {
                    self.differ(directive.line, etcd.to_owned(), "not refused".to_owned());
                }
            }
        }
        if silent {
            self.stated.clear();
            return Ok(());
        }
        let stated = facts::stated(directive);
        self.stated.extend(stated.clone());
        let now = stated.into_iter().filter(|((_, fact), _)| !fact.settles());
        self.compare_facts(now.collect())
    }

    /// Compares what a query printed; `lines` may be asked for once more.
    fn compare_lines(&mut self, directive: &Directive, lines: Vec<String>) -> Result<(), String> {
        let plain =
            |text: &str| facts::entry(text).map_or_else(|| text.to_owned(), |(_, entry)| entry);
        let mut expected: Vec<_> = directive
            .expected
            .iter()
            .filter(|line| line.text != "ok")
            .map(|line| Line {
                number: line.number,
                text: plain(&line.text),
            })
            .collect();
        // A line too many is compared with nothing.
        while expected.len() < lines.len() {
            expected.push(Line {
                number: directive.line,
                text: "nothing".to_owned(),
            });
        }
        self.compare(&expected, Some(lines), |cluster| {
            match cluster.run(directive)? {
                Answer::Lines(lines) => Ok(lines),
                other => Err(format!("no lines but {other:?}")),
            }
        })
    }

    fn compare_facts(&mut self, facts: Facts) -> Result<(), String> {
        let named = |((node, fact), line): (&(u64, Fact), &Line)| Line {
            number: line.number,
            text: format!("{node}: {fact:?} {}", line.text),
        };
        let expected: Vec<_> = facts.iter().map(named).collect();
        self.compare(&expected, None, |cluster| {
            facts
                .iter()
                .map(|((node, fact), line)| {
                    // What came with a snapshot was not applied one by one.
                    let here = cluster
                        .fact(*node, fact)?
                        .unwrap_or_else(|| line.text.clone());
                    Ok(format!("{node}: {fact:?} {here}"))
                })
                .collect()
        })
    }

    /// Compares `expected` with what is observed now, or a heartbeat later where that is known.
    fn compare(
        &mut self,
        expected: &[Line],
        observed: Option<Vec<String>>,
        observe: impl Fn(&mut Cluster) -> Result<Vec<String>, String>,
    ) -> Result<(), String> {
        let mut here = observed.map_or_else(|| observe(&mut self.cluster), Ok)?;
        let late = |line: &Line| {
            self.known
                .iter()
                .any(|known| known.line == line.number && known.here == LATER)
        };
        if expected.iter().any(late) {
            self.cluster.another_heartbeat()?;
            for ((expected, here), later) in expected
                .iter()
                .zip(&mut here)
                .zip(observe(&mut self.cluster)?)
            {
                if *here != expected.text && later == expected.text {
                    LATER.clone_into(here);
                }
            }
        }
        self.report.compared += expected.len();
        here.resize(expected.len(), "nothing".to_owned());
        for (expected, here) in expected.iter().zip(here) {
            if expected.text != here {
                self.differ(expected.number, expected.text.clone(), here);
            }
        }
        Ok(())
    }

    fn differ(&mut self, line: usize, etcd: String, here: String) {
        self.report
            .differences
            .push(Difference { line, etcd, here });
    }
}

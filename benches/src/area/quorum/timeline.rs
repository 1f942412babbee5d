//! An election and a failover as a picture.

use core::time::Duration;

use purlin_core::time::Instant;
use purlin_quorum::raft::{Config, ReadMode, RoleKind, Term};
use purlin_sim::Fault;

use super::load::{Load, Target, Wish};
use super::record::{Kind, Part, Record, Scene};
use super::server::Request;
use super::trouble::milliseconds;
use crate::error::LabError;
use crate::plot::{Arrow, Axis, Plot, Scale, Span, Timeline};
use crate::table::{Cell, Table};

/// The first leader leads for so long, and is down for so long; then there is peace.
const LEADS: Duration = Duration::from_secs(2);
const DOWN: Duration = Duration::from_secs(4);
const PEACE: Duration = Duration::from_secs(2);

/// What is shown of an election beside the time from its first question to its leader.
const MARGIN: Duration = Duration::from_micros(1_500);

/// The kinds of spans and arrows, in the order of their colours.
const KINDS: [&str; 6] = [
    "follower",
    "candidate",
    "leader",
    "asks before it campaigns",
    "pre-votes and votes",
    "heartbeats, appends and their answers",
];
const VOTES: usize = 4;
const LEADING: usize = 5;

fn kind(role: RoleKind) -> usize {
    match role {
        RoleKind::Candidate => 1,
        RoleKind::Leader => 2,
        RoleKind::PreCandidate => 3,
        _ => 0,
    }
}

/// One run: an election, a crash of the leader, another election, a restart.
///
/// # Errors
///
/// None that depends on the user.
pub(super) fn run(config: Config, nodes: usize, seed: u64) -> Result<(Table, Vec<Plot>), LabError> {
    let read = Wish {
        request: Request::Read(ReadMode::Index),
        target: Target::Leader,
    };
    let mut load = Load::new(config, nodes, vec![read], 1.0, seed)?;
    load.close();
    load.record().deliveries = Some(Vec::new());
    load.run_for(LEADS);
    let crash = load.world.now();
    let leader = load.record().leader();
    if let Some(leader) = leader {
        load.inject(Fault::Crash(leader), DOWN);
    }
    load.run_for(DOWN + PEACE);
    let (record, end) = (load.record(), load.world.now());
    let mut plots = vec![whole(&record, nodes, end)];
    plots.extend(election(&record, nodes, crash));
    Ok((table(&record, nodes), plots))
}

fn named(node: u64) -> String {
    format!("node {node}")
}

fn words(part: Part) -> (&'static str, Option<Term>) {
    match part {
        None => ("is down", None),
        Some((RoleKind::Follower, term)) => ("follows, or waits for a leader", Some(term)),
        Some((RoleKind::PreCandidate, term)) => ("asks whether it would be elected", Some(term)),
        Some((RoleKind::Candidate, term)) => ("campaigns", Some(term)),
        Some((RoleKind::Leader, term)) => ("leads", Some(term)),
        Some((RoleKind::Stopped, term)) => ("has stopped", Some(term)),
    }
}

fn table(record: &Record, nodes: usize) -> Table {
    let title = format!("An election and a failover, {nodes} nodes");
    let mut table = Table::new(title, ["at", "later by", "node", "what it does", "term"]);
    let mut last = Instant::ORIGIN;
    for scene in &record.scenes {
        let (what, term) = words(scene.part);
        let at = scene.at.saturating_duration_since(Instant::ORIGIN);
        let later = scene.at.saturating_duration_since(last);
        last = scene.at;
        table.push([
            Cell::number(at.as_secs_f64(), "s"),
            milliseconds(Some(later)),
            Cell::text(scene.node.0.to_string()),
            Cell::text(what),
            Cell::maybe_number(term.map(|term| term.0 as f64), ""),
        ]);
    }
    table.note(
        "One seed. Virtual time, network and disks simulated. The leader crashes after two seconds, the disk keeps what was synced, and it restarts four seconds later.",
    )
}

/// What each node does from when to when, between two times.
fn spans(
    record: &Record,
    nodes: usize,
    (from, until): (Instant, Instant),
    scale: impl Fn(Instant) -> f64,
) -> Vec<Span> {
    let mut spans = Vec::new();
    for row in 0..nodes {
        let scenes = record.scenes.iter();
        let scenes: Vec<&Scene> = scenes.filter(|scene| scene.node.0 == row as u64).collect();
        for (place, scene) in scenes.iter().enumerate() {
            let end = scenes
                .get(place + 1)
                .map_or(until, |next| next.at.min(until));
            let begin = scene.at.max(from);
            if let Some((role, term)) = scene.part
                && begin < end
            {
                spans.push(Span {
                    row,
                    from: scale(begin),
                    to: scale(end),
                    kind: kind(role),
                    label: format!("term {}", term.0),
                });
            }
        }
    }
    spans
}

fn drawn(nodes: usize, spans: Vec<Span>, arrows: Vec<Arrow>, kinds: usize) -> Timeline {
    Timeline {
        rows: (0..nodes as u64).map(named).collect(),
        kinds: KINDS[..kinds]
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect(),
        spans,
        arrows,
    }
}

fn whole(record: &Record, nodes: usize, end: Instant) -> Plot {
    let seconds = |at: Instant| at.saturating_duration_since(Instant::ORIGIN).as_secs_f64();
    let spans = spans(record, nodes, (Instant::ORIGIN, end), seconds);
    Plot::timeline(
        "An election, a crash of the leader and a failover",
        Axis::new("simulated seconds", Scale::Linear),
        drawn(nodes, spans, Vec::new(), VOTES),
    )
}

/// The election after the crash, with its messages.
fn election(record: &Record, nodes: usize, crash: Instant) -> Option<Plot> {
    let role = |scene: &Scene| scene.part.map(|(role, _)| role);
    let scenes = || record.scenes.iter().filter(|scene| scene.at > crash);
    let elected = scenes().find(|scene| role(scene) == Some(RoleKind::Leader))?;
    // The last time that the winner was a follower ended with its first question.
    let mut before = scenes().rev().skip_while(|scene| scene.at >= elected.at);
    let of_winner = before.by_ref().filter(|scene| scene.node == elected.node);
    let begun = of_winner
        .take_while(|scene| role(scene) != Some(RoleKind::Follower))
        .last()?;
    let from = begun.at.saturating_sub(MARGIN);
    let until = elected.at + MARGIN * 2;
    let milliseconds = |at: Instant| at.saturating_duration_since(from).as_secs_f64() * 1e3;
    let arrows = record.deliveries.iter().flatten();
    let arrows = arrows.filter(|delivery| delivery.sent >= from && delivery.at <= until);
    let row = |node: purlin_core::node::NodeId| usize::try_from(node.0).unwrap_or(usize::MAX);
    let arrows = arrows.map(|delivery| Arrow {
        from: (row(delivery.from), milliseconds(delivery.sent)),
        to: (row(delivery.to), milliseconds(delivery.at)),
        kind: match delivery.kind {
            Kind::Vote => VOTES,
            Kind::Leading => LEADING,
        },
    });
    let arrows = arrows.collect();
    let spans = spans(record, nodes, (from, until), milliseconds);
    let waited = begun.at.saturating_duration_since(crash);
    let title = format!(
        "The election after the crash, message by message; it begins {} ms after it",
        waited.as_millis()
    );
    let axis = Axis::new("simulated milliseconds", Scale::Linear);
    Some(Plot::timeline(
        &title,
        axis,
        drawn(nodes, spans, arrows, KINDS.len()),
    ))
}

#[cfg(test)]
mod tests {
    use purlin_core::node::NodeId;

    use super::*;

    #[test]
    fn there_are_two_elections_a_crash_and_a_restart() {
        let (table, plots) = run(Config::new(NodeId(1)), 5, 7).expect("a valid rate");
        let does = |what: &str| {
            let rows = table.rows().iter();
            rows.filter(|row| row[3] == Cell::text(what)).count()
        };
        assert_eq!([does("leads"), does("is down")], [2, 1]);
        assert_eq!(plots.len(), 2);
        let [whole, election] = [0, 1].map(|place: usize| plots[place].legend().len());
        assert_eq!([whole, election], [VOTES, KINDS.len()]);
        for plot in plots {
            let svg = plot.svg().expect("every time has a place");
            assert!(svg.contains("node 4") && !svg.contains("node 5"));
        }
    }
}

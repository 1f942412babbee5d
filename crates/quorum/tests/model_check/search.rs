//! Breadth first through all states.

use super::arena::Arena;
use super::digest::Fingerprints;
use super::event::Event;
use super::next::{Transition, Violation, successors};
use super::scope::Scope;
use super::state::State;
use alloc::collections::BTreeSet;
use core::fmt;

/// What a search has seen. Without a violation, nothing was left to visit.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Distinct states.
    pub(crate) states: usize,
    pub(crate) transitions: u64,
    /// How many transitions lead to the farthest state.
    pub(crate) depth: u32,
    /// Distinct states of one node.
    pub(crate) nodes: usize,
    /// What messages say.
    pub(crate) kinds: BTreeSet<String>,
    /// A shortest way to what must not be.
    pub(crate) violation: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} states ({} of a node, {} kinds of messages), {} transitions, depth {}",
            self.states,
            self.nodes,
            self.kinds.len(),
            self.transitions,
            self.depth
        )?;
        match &self.violation {
            Some(violation) => write!(f, "\n{violation}"),
            None => Ok(()),
        }
    }
}

struct Search {
    arena: Arena,
    states: Vec<State>,
    /// From which state each was first reached.
    parents: Vec<u32>,
    seen: Fingerprints,
    transitions: u64,
}

/// Visits every state within `scope`, up to the first violation.
pub(crate) fn explore(scope: Scope) -> Report {
    let mut arena = Arena::new(scope);
    let first = State::first(&mut arena);
    let mut search = Search {
        seen: Fingerprints::from_iter([first.print(&arena)]),
        arena,
        states: vec![first],
        parents: vec![0],
        transitions: 0,
    };
    let (mut depth, mut level, mut at) = (0, 1, 0);
    let mut violation = None;
    while at < search.states.len() && violation.is_none() {
        if at == level {
            (depth, level) = (depth + 1, search.states.len());
        }
        violation = search.expand(at).err();
        at += 1;
    }
    Report {
        states: search.states.len(),
        transitions: search.transitions,
        depth,
        nodes: search.arena.nodes.len(),
        kinds: search.arena.kinds(),
        violation: violation.map(|violation| search.explain(at - 1, &violation)),
    }
}

impl Search {
    fn expand(&mut self, at: usize) -> Result<(), Violation> {
        let state = self.states[at];
        let parent = u32::try_from(at).expect("less than four billion states");
        let mut wrong = None;
        successors(&mut self.arena, &state, &mut |arena, next, by| {
            self.transitions += 1;
            if !self.seen.insert(next.print(arena)) {
                return;
            }
            self.states.push(next);
            self.parents.push(parent);
            let past = arena.pasts.get(next.past);
            let verdict = next.with_views(arena, |views| past.check(by.place, views));
            if let Err(what) = verdict {
                wrong.get_or_insert(Violation { by, what });
            }
        })?;
        wrong.map_or(Ok(()), Err)
    }

    /// The way from the first state to the violation after the state `at`.
    fn explain(&mut self, mut at: usize, violation: &Violation) -> String {
        let mut steps = vec![
            format!("=> {}", violation.what),
            self.describe(at, &violation.by),
        ];
        while at > 0 {
            let parent = self.parents[at] as usize;
            let (child, state) = (self.states[at], self.states[parent]);
            let mut by = None;
            // Another way from the parent may be wrong; this one is looked for.
            let _ = successors(&mut self.arena, &state, &mut |_, next, transition| {
                if next == child {
                    by.get_or_insert(transition);
                }
            });
            let by = by.expect("the parent leads to its child");
            steps.push(self.describe(parent, &by));
            at = parent;
        }
        steps.reverse();
        steps.join("\n")
    }

    fn describe(&mut self, at: usize, by: &Transition) -> String {
        let node = self.states[at].nodes()[by.place];
        let mut line = match by.event {
            Event::Receive(message) => {
                let message = self.arena.messages.get(message);
                let (from, term, body) = (message.from, message.term, &message.body);
                format!("receives from {from} in {term} {body:?}")
            }
            event => format!("{event:?}"),
        };
        if by.repeats {
            line += " (which comes once more)";
        }
        line = format!("n{} {line}", by.place + 1);
        if let Ok(outcome) = self.arena.outcome(node, by.event) {
            for (bit, &message) in outcome.sent.iter().enumerate() {
                let message = self.arena.messages.get(message);
                let lost = if by.kept >> bit & 1 == 1 {
                    "sends"
                } else {
                    "loses"
                };
                line += &format!("\n    {lost} to {} {:?}", message.to, message.body);
            }
        }
        line
    }
}

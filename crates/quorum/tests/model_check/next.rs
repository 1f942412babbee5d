//! What may happen next.

use super::arena::{Arena, Outcome};
use super::event::Event;
use super::node::Halt;
use super::scope::Budget;
use super::state::State;
use purlin_core::node::NodeId;

/// What leads from one state to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transition {
    /// To which node it happens, counted from 0.
    pub(crate) place: usize,
    pub(crate) event: Event,
    /// The message stays under way, to arrive once more.
    pub(crate) repeats: bool,
    /// Which of the messages that the node sends are not lost, as bits.
    pub(crate) kept: u32,
}

/// What goes wrong, by what.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) by: Transition,
    pub(crate) what: String,
}

/// Visits every state that may follow. A message that is lost is lost when it is sent: nobody can
/// tell that from later.
pub(crate) fn successors(
    arena: &mut Arena,
    state: &State,
    visit: &mut impl FnMut(&Arena, State, Transition),
) -> Result<(), Violation> {
    let mut previous = None;
    for &message in state.mail() {
        if previous.replace(message) == Some(message) {
            continue;
        }
        let to = arena.messages.get(message).to;
        let place = usize::try_from(to.0 - 1).expect("nodes are 1, 2, 3");
        let event = Event::Receive(message);
        happen(arena, state, (place, event, false), visit)?;
        if has_left(arena, state, Budget::Duplicates) {
            happen(arena, state, (place, event, true), visit)?;
        }
    }
    for place in 0..state.nodes().len() {
        for event in events(arena, state, place) {
            if event
                .budget()
                .is_none_or(|budget| has_left(arena, state, budget))
            {
                happen(arena, state, (place, event, false), visit)?;
            }
        }
    }
    Ok(())
}

fn has_left(arena: &Arena, state: &State, budget: Budget) -> bool {
    state.spent[budget as usize] < arena.scope.limits[budget as usize]
}

/// What may happen to a node, but for messages.
fn events(arena: &Arena, state: &State, place: usize) -> Vec<Event> {
    let (scope, view) = (&arena.scope, arena.view(state.nodes()[place]));
    let spent = |budget: Budget| state.spent[budget as usize];
    let orders = u8::try_from(view.orders).expect("few writes");
    let mut events = vec![
        Event::Lapse,
        Event::Compact,
        Event::Read(spent(Budget::Reads)),
    ];
    if view.orders > 0 {
        events.push(Event::Persist);
    }
    events.extend((0..=orders).map(Event::Crash));
    if view.leads {
        events.push(Event::Heartbeat);
        events.push(Event::Propose(spent(Budget::Proposals)));
        let changes = u8::try_from(scope.changes.len()).expect("few changes");
        events.extend((0..changes).map(Event::Change));
        let others = (1..=scope.nodes).filter(|&other| other != view.id);
        events.extend(others.map(|other| Event::Transfer(NodeId(other))));
    } else if view.term < scope.terms {
        events.push(Event::Campaign);
    }
    events
}

fn happen(
    arena: &mut Arena,
    state: &State,
    (place, event, repeats): (usize, Event, bool),
    visit: &mut impl FnMut(&Arena, State, Transition),
) -> Result<(), Violation> {
    let mut by = Transition {
        place,
        event,
        repeats,
        kept: u32::MAX,
    };
    let outcome = match arena.outcome(state.nodes()[place], event) {
        Ok(outcome) => outcome,
        Err(Halt::Refused) => return Ok(()),
        Err(Halt::Violation(what)) => return Err(Violation { by, what }),
    };
    let mut next = *state;
    next.set_node(place, outcome.node);
    if let Event::Receive(message) = event
        && !repeats
    {
        next.take(message);
    }
    let budget = if repeats {
        Some(Budget::Duplicates)
    } else {
        event.budget()
    };
    if let Some(budget) = budget {
        next.spent[budget as usize] += 1;
    }
    remember(arena, &mut next, &by, &outcome).map_err(|what| Violation { by, what })?;
    let room = arena.scope.mail.saturating_sub(next.mail().len());
    for kept in 0..1_u32 << outcome.sent.len() {
        if kept.count_ones() as usize > room {
            continue;
        }
        let mut next = next;
        let sent = outcome.sent.iter().enumerate();
        next.post(
            sent.filter(|(bit, _)| kept >> bit & 1 == 1)
                .map(|(_, &message)| message),
        );
        by.kept = kept;
        visit(arena, next, by);
    }
    Ok(())
}

/// Brings the past up to date, which finds what contradicts it.
fn remember(
    arena: &mut Arena,
    next: &mut State,
    by: &Transition,
    outcome: &Outcome,
) -> Result<(), String> {
    let past = arena.pasts.get(next.past);
    let view = arena.view(outcome.node);
    let forgets = matches!(by.event, Event::Crash(_) | Event::Read(_));
    if !forgets && past.knows(view, &outcome.answers) {
        return Ok(());
    }
    let mut past = past.clone();
    match by.event {
        Event::Read(number) => past.ask(number, NodeId(view.id)),
        Event::Crash(_) => past.forget(NodeId(view.id)),
        _ => {}
    }
    next.with_views(arena, |views| {
        past.witness(by.place, views, &outcome.answers)
    })?;
    next.past = arena.past(past);
    Ok(())
}

//! Every part of a state once: nodes, messages and pasts get numbers.

use super::digest::{Bytes, Table};
use super::event::Event;
use super::naming::{Prints, prints};
use super::node::{Halt, Node};
use super::oracle::{Answers, Past};
use super::scope::Scope;
use super::view::View;
use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::panic::AssertUnwindSafe;
use purlin_quorum::raft::Message;
use std::panic::catch_unwind;

/// Things with numbers, found by their fingerprints.
#[derive(Debug)]
pub(crate) struct Interned<T> {
    items: Vec<T>,
    prints: Vec<Prints>,
    numbers: Table<u128, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            prints: Vec::new(),
            numbers: Table::default(),
        }
    }
}

impl<T> Interned<T> {
    /// The number of what has these fingerprints.
    fn number(&mut self, prints: Prints, item: impl FnOnce() -> T) -> u32 {
        let next = u32::try_from(self.items.len()).expect("less than four billion");
        *self.numbers.entry(prints[0]).or_insert_with(|| {
            self.items.push(item());
            self.prints.push(prints);
            next
        })
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        &self.items[number as usize]
    }

    pub(crate) fn prints(&self, number: u32) -> &Prints {
        &self.prints[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}

/// What an event does to a node.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) node: u32,
    pub(crate) sent: Box<[u32]>,
    pub(crate) answers: Answers,
}

#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) scope: Scope,
    pub(crate) ways: usize,
    pub(crate) nodes: Interned<(Node, View)>,
    pub(crate) messages: Interned<Message>,
    pub(crate) pasts: Interned<Past>,
    /// By node and event.
    outcomes: Table<u64, Result<Rc<Outcome>, Halt>>,
}

impl Arena {
    pub(crate) fn new(scope: Scope) -> Self {
        let interchangeable = if scope.is_symmetric() { scope.nodes } else { 1 };
        Self {
            ways: super::naming::ways(interchangeable),
            scope,
            nodes: Interned::default(),
            messages: Interned::default(),
            pasts: Interned::default(),
            outcomes: Table::default(),
        }
    }

    pub(crate) fn node(&mut self, node: Node) -> u32 {
        let prints = prints(self.ways, |rename| node.print(rename));
        self.nodes.number(prints, || {
            let view = View::of(&node);
            (node, view)
        })
    }

    fn message(&mut self, message: Message) -> u32 {
        let prints = prints(self.ways, |rename| {
            let mut state = Bytes::default();
            message.hash_renamed(&|node| rename(node), &mut state);
            state.digest()
        });
        self.messages.number(prints, || message)
    }

    pub(crate) fn past(&mut self, past: Past) -> u32 {
        let prints = prints(self.ways, |rename| {
            let mut state = Bytes::default();
            past.hash_renamed(rename, &mut state);
            state.digest()
        });
        self.pasts.number(prints, || past)
    }

    /// What `event` does to `node`: worked out once.
    pub(crate) fn outcome(&mut self, node: u32, event: Event) -> Result<Rc<Outcome>, Halt> {
        let key = u64::from(node) << 32 | u64::from(event.code());
        if let Some(found) = self.outcomes.get(&key) {
            return found.clone();
        }
        let found = self.work_out(node, event).map(Rc::new);
        self.outcomes.insert(key, found.clone());
        found
    }

    /// The kinds of messages that were sent.
    pub(crate) fn kinds(&self) -> BTreeSet<String> {
        let words = self.messages.items.iter().map(|message| {
            let body = format!("{:?}", message.body);
            let end = body.find(|letter: char| !letter.is_alphabetic());
            body[..end.unwrap_or(body.len())].to_owned()
        });
        words.collect()
    }

    pub(crate) fn view(&self, node: u32) -> &View {
        &self.nodes.get(node).1
    }

    fn work_out(&mut self, node: u32, event: Event) -> Result<Outcome, Halt> {
        let mut node = self.nodes.get(node).0.clone();
        let message = match event {
            Event::Receive(message) => Some(self.messages.get(message)),
            _ => None,
        };
        // What is asserted in the core counts as checked here.
        let step = catch_unwind(AssertUnwindSafe(|| node.step(&self.scope, event, message)));
        let effects = step.unwrap_or_else(|panic| {
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref().copied()).unwrap_or("?");
            Err(Halt::Violation(format!("the node panics: {why}")))
        })?;
        if node.raft.term().0 > self.scope.terms {
            return Err(Halt::Refused);
        }
        let sent = effects.sent.iter().cloned();
        Ok(Outcome {
            sent: sent.map(|message| self.message(message)).collect(),
            node: self.node(node),
            answers: Answers::from(&effects),
        })
    }
}

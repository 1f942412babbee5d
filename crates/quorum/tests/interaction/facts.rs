//! What a script's text says about the nodes, beyond its queries: terms, votes, roles, leaders,
//! commit indices, configurations and the entries that were committed.

use super::script::{Directive, Line};
use std::collections::BTreeMap;

/// Something that a script says about a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    Term,
    Vote,
    Role,
    Leader,
    /// How far the node knows entries to be committed.
    Commit,
    Configuration,
    /// The entry that was committed at this index.
    Committed(u64),
}

impl Fact {
    /// Whether it changes while messages and writes are under way: two implementations agree on it
    /// when all is quiet.
    pub(crate) fn settles(&self) -> bool {
        matches!(
            self,
            Self::Vote | Self::Commit | Self::Configuration | Self::Committed(_)
        )
    }
}

/// By node, what was said last and where.
pub(crate) type Facts = BTreeMap<(u64, Fact), Line>;

/// What the expected text of a directive says.
pub(crate) fn stated(directive: &Directive) -> Facts {
    let mut reader = Reader {
        facts: Facts::new(),
        node: directive.node().ok(),
        committed: false,
    };
    for line in &directive.expected {
        reader.read(line);
    }
    reader.facts
}

struct Reader {
    facts: Facts,
    /// Whose Ready it is.
    node: Option<u64>,
    /// Whether what follows are the Ready's committed entries.
    committed: bool,
}

impl Reader {
    fn read(&mut self, line: &Line) {
        let text = line.text.trim_start();
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            [">", node, "handling" | "receiving" | "processing", ..] => {
                self.node = node.parse().ok();
            }
            ["HardState", ..] => self.hard_state(line, &words[1..]),
            [leader, role] if leader.starts_with("Lead:") && role.starts_with("State:") => {
                self.state(Fact::Leader, line, &leader["Lead:".len()..]);
                self.state(Fact::Role, line, &role["State:".len()..]);
            }
            ["INFO", node, "became", role, "at", "term", term] => {
                self.node = node.parse().ok();
                self.became(line, role, term);
            }
            ["INFO", node, "forgetting", "leader", ..] => {
                self.node = node.parse().ok();
                self.state(Fact::Leader, line, "0");
            }
            ["INFO", node, "switched", "to", "configuration", ..] => {
                self.node = node.parse().ok();
                let (_, configuration) = text.split_once("configuration ").unwrap_or_default();
                self.state(Fact::Configuration, line, configuration);
            }
            _ => {}
        }
        if let Some((index, entry)) = self.committed.then(|| entry(text)).flatten() {
            self.state(Fact::Committed(index), line, &entry);
        } else {
            self.committed = text == "CommittedEntries:";
        }
    }

    fn hard_state(&mut self, line: &Line, fields: &[&str]) {
        // A vote for nobody is left out.
        self.state(Fact::Vote, line, "0");
        for field in fields {
            match field.split_once(':') {
                Some(("Term", term)) => self.state(Fact::Term, line, term),
                Some(("Vote", vote)) => self.state(Fact::Vote, line, vote),
                Some(("Commit", commit)) => self.state(Fact::Commit, line, commit),
                _ => {}
            }
        }
    }

    fn became(&mut self, line: &Line, role: &str, term: &str) {
        self.state(Fact::Term, line, term);
        let role = match role {
            "pre-candidate" => "StatePreCandidate",
            "candidate" => "StateCandidate",
            "leader" => "StateLeader",
            _ => "StateFollower",
        };
        self.state(Fact::Role, line, role);
        match (role, self.node) {
            ("StateLeader", Some(node)) => self.state(Fact::Leader, line, &node.to_string()),
            // Whom it follows is told elsewhere, if at all.
            ("StateFollower", Some(node)) => drop(self.facts.remove(&(node, Fact::Leader))),
            _ => self.state(Fact::Leader, line, "0"),
        }
    }

    fn state(&mut self, fact: Fact, line: &Line, value: &str) {
        if let Some(node) = self.node {
            let line = Line {
                number: line.number,
                text: value.to_owned(),
            };
            self.facts.insert((node, fact), line);
        }
    }
}

/// An entry as etcd prints it: its index, and the line with the content of a change left out.
pub(crate) fn entry(text: &str) -> Option<(u64, String)> {
    let (position, payload) = text.trim_start().split_once(' ')?;
    let (term, index) = position.split_once('/')?;
    term.parse::<u64>().ok()?;
    let payload = if payload.starts_with("EntryConfChange") {
        "EntryConfChange"
    } else {
        payload
    };
    Some((index.parse().ok()?, format!("{position} {payload}")))
}

#[test]
fn facts_are_read() {
    let script = "stabilize\n----\n\
        > 2 handling Ready\n  Ready MustSync=true:\n  Lead:1 State:StateFollower\n  \
          HardState Term:3 Commit:11\n  Entries:\n  3/12 EntryNormal \"x\"\n  \
          CommittedEntries:\n  2/10 EntryConfChangeV2 v2\n  2/11 EntryNormal \"\"\n  Messages:\n  \
          2->1 MsgAppResp Term:3 Log:0/12\n  INFO 2 switched to configuration voters=(1 2)&&(1)\n\
        > 1 receiving messages\n  INFO 1 became leader at term 3\n";
    let facts = stated(&super::script::parse(script).unwrap()[0]);
    let facts: Vec<_> = facts
        .iter()
        .map(|((node, fact), line)| (*node, fact, &*line.text))
        .collect();
    let expected = [
        (1, &Fact::Term, "3"),
        (1, &Fact::Role, "StateLeader"),
        (1, &Fact::Leader, "1"),
        (2, &Fact::Term, "3"),
        (2, &Fact::Vote, "0"),
        (2, &Fact::Role, "StateFollower"),
        (2, &Fact::Leader, "1"),
        (2, &Fact::Commit, "11"),
        (2, &Fact::Configuration, "voters=(1 2)&&(1)"),
        (2, &Fact::Committed(10), "2/10 EntryConfChange"),
        (2, &Fact::Committed(11), "2/11 EntryNormal \"\""),
    ];
    assert_eq!(facts, expected);
}

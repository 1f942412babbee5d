//! A state machine that remembers everything, so that its state says what was applied, and where.

use bytes::Bytes;
use purlin_quorum::raft::Index;
use purlin_quorum::raft::replica::{RestoreError, StateMachine};

/// Every command with its index; the reply is how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Journal(pub(crate) Vec<(Index, Bytes)>);

impl Journal {
    pub(crate) fn commands(&self) -> Vec<&[u8]> {
        self.0.iter().map(|(_, command)| &command[..]).collect()
    }
}

impl StateMachine for Journal {
    type Reply = usize;

    fn apply(&mut self, index: Index, command: &Bytes) -> usize {
        let last = self.0.last().map_or(Index::ZERO, |&(last, _)| last);
        assert!(last < index, "{index:?} applied after {last:?}");
        self.0.push((index, command.clone()));
        self.0.len()
    }

    fn snapshot(&self) -> Bytes {
        let text = |command| core::str::from_utf8(command).expect("commands are text");
        let lines = self.0.iter();
        lines
            .map(|(index, command)| format!("{} {}\n", index.0, text(command)))
            .collect::<String>()
            .into()
    }

    fn restore(&mut self, snapshot: &Bytes) -> Result<(), RestoreError> {
        let mut journal = Vec::new();
        for line in core::str::from_utf8(snapshot)?.lines() {
            let (index, command) = line.split_once(' ').ok_or("no command")?;
            journal.push((
                Index(index.parse()?),
                Bytes::copy_from_slice(command.as_bytes()),
            ));
        }
        self.0 = journal;
        Ok(())
    }
}

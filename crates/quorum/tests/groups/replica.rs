//! One replica's disk and state machine.

use bytes::Bytes;
use purlin_quorum::raft::{Entry, Input, Output, Payload, Recovered};

/// What one replica has on its disk, and what its state machine has applied.
#[derive(Default)]
pub(crate) struct Replica {
    pub(crate) disk: Recovered,
    pub(crate) applied: Vec<Bytes>,
}

impl Replica {
    /// The same after a crash: the state machine is built anew from the log.
    pub(crate) fn recovered(&self) -> Recovered {
        self.disk.clone()
    }

    /// Does at once what a group asks for, and answers what it is to be told.
    pub(crate) fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Write(write) => {
                let disk = &mut self.disk;
                disk.hard_state = write.hard_state.unwrap_or(disk.hard_state);
                if !write.entries.is_empty() {
                    let keep = usize::try_from(write.entries.first_index().0 - 1).expect("short");
                    disk.entries.truncate(keep);
                    let entries = write.entries.iter().map(|(_, entry)| entry.clone());
                    disk.entries.extend(entries);
                }
                Some(Input::Persisted(write.ticket))
            }
            Output::Commit(entries) => {
                let commands = entries.iter().filter_map(|(_, entry)| command(entry));
                self.applied.extend(commands);
                Some(Input::Applied(entries.last().expect("some").index))
            }
            Output::Send(_) => panic!("messages come as GroupsOutput::Send"),
            _ => None,
        }
    }
}

fn command(entry: &Entry) -> Option<Bytes> {
    match &entry.payload {
        Payload::Command(command) if !command.is_empty() => Some(command.clone()),
        _ => None,
    }
}

//! How a node begins.

use super::config::{Config, ConfigError};
use super::durable::Recovered;
use super::entry::EntriesError;
use super::held::Held;
use super::log::Log;
use super::membership::History;
use super::position::{Index, Position, Term};
use super::role::{Role, Writes};
use super::{Entries, Payload, Raft, SnapshotMeta};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use purlin_core::random::SplitMix64;
use purlin_core::time::Instant;
use thiserror::Error;

/// Why a node cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A value of the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state machine is said to have applied what the log does not have.
    #[error("applied up to {applied}, but snapshot and log are {snapshot}..={last}")]
    Applied {
        /// Said to be applied.
        applied: Index,
        /// The snapshot's index.
        snapshot: Index,
        /// The last index of the log.
        last: Index,
    },
    /// The entries cannot be.
    #[error(transparent)]
    Entries(#[from] EntriesError),
    /// An entry's term is lower than that of the entry before it, or higher than the node's term.
    #[error("the term of entry {0} contradicts its neighbours or the node's term")]
    Terms(Index),
}

impl Raft {
    /// A node as it was when it stopped.
    ///
    /// `seed` varies the election timeouts and numbers messages: give each node another one, and each
    /// start, from the system's entropy; not the id. `now` is the time of the clock that all later
    /// calls use: [`SystemClock`](crate::SystemClock), or any other that goes on steadily.
    ///
    /// A node that uses leases (see [`Config::lease_drift_ppm`]) counts its start as having heard of
    /// a leader: it may have promised a lease before it crashed.
    ///
    /// # Errors
    ///
    /// [`StartError`], when `config` or `recovered` contradict themselves.
    pub fn new(
        config: impl Into<Arc<Config>>,
        recovered: Recovered,
        seed: u64,
        now: Instant,
    ) -> Result<Self, StartError> {
        let config = config.into();
        config.validate()?;
        let Recovered {
            hard_state,
            snapshot,
            entries,
            applied,
        } = recovered;
        let base = snapshot.position;
        let last = base.index + entries.len() as u64;
        if applied < base.index || applied > last {
            return Err(StartError::Applied {
                applied,
                snapshot: base.index,
                last,
            });
        }
        let mut log = Log::new(base);
        let entries = Entries::try_new(base.index.next(), entries)?;
        check_terms(base, &entries, hard_state.term)?;
        let history = history(&snapshot, &entries);
        log.extend(entries);
        let heard_until = match config.lease_drift_ppm {
            Some(_) => now + config.election_timeout,
            None => Instant::default(),
        };
        let mut raft = Self {
            random: SplitMix64::new(seed),
            now,
            hard: hard_state,
            hard_dirty: false,
            log_dirty: None,
            writes: Writes {
                stable: last,
                ..Writes::default()
            },
            log,
            history,
            snapshot,
            commit: applied,
            handed: applied,
            applied,
            unapplied: super::progress::Inflight::default(),
            role: Role::Follower,
            leader: None,
            leader_changed: false,
            heard_until,
            patience: 0,
            deadline: None,
            matched: Index::ZERO,
            round: 0,
            ack_due: false,
            quiesced: false,
            in_vain: false,
            rested: false,
            incoming: None,
            reads: None,
            next_forward: 0,
            known: Vec::new(),
            held: Held::default(),
            outbox: VecDeque::new(),
            #[cfg(feature = "mutants")]
            mutant: None,
            config,
        };
        raft.next_forward = raft.draw();
        raft.matched = raft.commit;
        raft.draw_patience();
        raft.reset_election_deadline();
        Ok(raft)
    }
}

/// The configurations along the log.
fn history(snapshot: &SnapshotMeta, entries: &Entries) -> History {
    let mut history = History::new(snapshot.configuration.clone());
    for (index, entry) in entries.iter() {
        if let Payload::Configuration(configuration) = &entry.payload {
            history.push(index, configuration.clone());
        }
    }
    history
}

/// Terms grow along the log, and none is later than the node's.
fn check_terms(base: Position, entries: &Entries, term: Term) -> Result<(), StartError> {
    if base.term > term {
        return Err(StartError::Terms(base.index));
    }
    let mut earlier = base.term;
    for (index, entry) in entries.iter() {
        if entry.term < earlier || entry.term > term {
            return Err(StartError::Terms(index));
        }
        earlier = entry.term;
    }
    Ok(())
}

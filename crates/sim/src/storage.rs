//! The storage model: what a node's disk keeps when the node crashes.

mod disk;
mod files;

pub(crate) use disk::{Disk, Fates, SyncResult};
pub use files::{FileWrite, Files};

use crate::{Latency, Probability};
use core::fmt;
use core::time::Duration;
use purlin_core::random::Random;

/// What a kind of node keeps on disk, and how a write changes it.
///
/// The simulator holds two copies for each node: what the node sees (all its writes) and what a
/// crash is certain to leave (its synced writes). A store is typically the few fields a protocol
/// must not forget; [`Files`] is one of raw bytes, and `()` is for nodes without a disk.
///
/// # Implementing
///
/// `apply` must be total: after a crash, writes may be applied without the ones before them.
/// Validate when reading, as a real node must.
///
/// ```
/// use purlin_core::random::Random;
/// use purlin_sim::Store;
///
/// /// A log of records whose last one a crash may cut short.
/// #[derive(Clone, Default)]
/// struct Log(Vec<String>);
///
/// impl Store for Log {
///     type Write = String;
///
///     fn apply(&mut self, record: &String) {
///         self.0.push(record.clone());
///     }
///
///     fn torn(record: &String, random: &mut dyn Random) -> Option<String> {
///         let kept = (random.next_u64() % (record.len() as u64 + 1)) as usize;
///         Some(record.chars().take(kept).collect())
///     }
/// }
/// ```
pub trait Store: Clone + Default {
    /// One write, as small as the disk's atomic unit allows or larger.
    type Write: Clone + fmt::Debug;

    /// Carries the write out.
    fn apply(&mut self, write: &Self::Write);

    /// What a crash in the middle of the write leaves of it; `None` (the default) for nothing.
    fn torn(_write: &Self::Write, _random: &mut dyn Random) -> Option<Self::Write> {
        None
    }
}

/// Nodes without a disk.
impl Store for () {
    type Write = core::convert::Infallible;

    fn apply(&mut self, write: &Self::Write) {
        match *write {}
    }
}

/// How disks behave.
///
/// A write is seen by the node at once and reported after [`write_latency`](Self::write_latency);
/// it is durable when a sync issued after it has succeeded. At a crash, each write that is not yet
/// durable is lost, or torn, or survives, and survivors may be applied in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageModel {
    /// From a write to its report.
    pub write_latency: Latency,
    /// From a sync to its report.
    pub sync_latency: Latency,
    /// How likely a sync fails. The writes it covered are then lost, torn or durable as at a
    /// crash, and **no later sync covers them**, as with Linux `fsync`; the node sees them
    /// until it crashes.
    pub sync_failure: Probability,
    /// How likely a sync reports success without having done anything: the lying disk. Protocols
    /// do not survive this by themselves; it is for showing that they notice.
    pub sync_lie: Probability,
    /// How likely a crash or failed sync loses a write that was not durable.
    pub lost: Probability,
    /// How likely it tears a write that was not durable and not lost.
    pub torn: Probability,
    /// How likely it lets a surviving write trade places with a later one.
    pub reordered: Probability,
}

impl StorageModel {
    /// Instant, and every write durable at once even without a sync.
    #[must_use]
    pub const fn perfect() -> Self {
        Self {
            write_latency: Latency::ZERO,
            sync_latency: Latency::ZERO,
            sync_failure: Probability::NEVER,
            sync_lie: Probability::NEVER,
            lost: Probability::NEVER,
            torn: Probability::NEVER,
            reordered: Probability::NEVER,
        }
    }

    /// Whether no crash and no failed sync takes anything, so that nothing need be remembered of a
    /// write.
    pub(crate) fn keeps_all(&self) -> bool {
        [self.lost, self.torn, self.reordered] == [Probability::NEVER; 3]
    }

    /// An honest disk under a hostile power supply: writes in 20 us, syncs in about 1 ms; at a
    /// crash half of what was not synced is lost, 20 % of the rest torn, 20 % reordered.
    #[must_use]
    pub const fn disk() -> Self {
        Self {
            write_latency: Latency::Constant(Duration::from_micros(20)),
            sync_latency: Latency::LogNormal {
                median: Duration::from_millis(1),
                p99: Duration::from_millis(20),
            },
            lost: Probability::percent(50),
            torn: Probability::percent(20),
            reordered: Probability::percent(20),
            ..Self::perfect()
        }
    }
}

//! The policies.

mod draws;
mod failover;
mod priority;
pub(crate) mod random;
pub(crate) mod round_robin;
mod shares;
mod zone_aware;
mod zone_map;
mod zones;

pub use failover::Failover;
pub use priority::Priority;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use zone_aware::ZoneAware;
pub use zone_map::ZoneMap;

//! How traffic is divided over groups of endpoints: pure functions over counts.
//!
//! The policies [`Priority`](crate::policy::Priority) and [`ZoneAware`](crate::policy::ZoneAware)
//! send requests by them; they are public for whoever plans, explains or tests a division.

pub(crate) mod division;
mod priority_load;
mod zone_map;
mod zone_split;
pub(crate) mod zones;

pub use priority_load::{LevelCounts, LevelLoad, PriorityRule, priority_load};
pub use zone_map::ZoneMap;
pub use zone_split::{ZoneCounts, ZoneSplit};

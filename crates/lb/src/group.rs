//! How traffic is divided over groups of endpoints: pure functions over counts.
//!
//! The policies [`Priority`](crate::policy::Priority) and [`ZoneAware`](crate::policy::ZoneAware)
//! send requests by them; they are public for whoever plans, explains or tests a division.

mod priority_load;
mod zone_split;

pub use priority_load::{LevelCounts, LevelLoad, PriorityRule, priority_load};
pub use zone_split::{ZoneCounts, ZoneSplit};

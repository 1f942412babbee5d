//! What can be done to a cache.

/// What is done to a cache of a given policy. Keys are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A lookup, and where the key is not here its insertion.
    Get {
        /// What is asked for.
        key: u64,
    },
    /// The same, of a key that takes the room of several when it is inserted, as where entries have weights.
    GetHeavy {
        /// What is asked for.
        key: u64,
        /// How many entries it takes the room of.
        entries: usize,
    },
    /// The key's entry is removed by its user, if it is here.
    Remove {
        /// Whose entry.
        key: u64,
    },
    /// The capacity becomes another, and what is too much leaves.
    SetCapacity {
        /// How many entries there is room for.
        entries: usize,
    },
    /// There is room for another number of entries, and the policy is not told: as where they got other
    /// weights. What is too much leaves.
    SetRoom {
        /// How many entries there is room for.
        entries: usize,
    },
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The key was here.
    Hit,
    /// The key was not here, and now is.
    Inserted,
    /// The key was not here, and the policy thought that it is not worth the room; or there is none.
    Rejected,
    /// The step was another than a lookup.
    Done,
}

use super::{Index, SlotSet};
use crate::raft::groups::GroupId;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn lookups_in_any_order_find_what_a_map_finds(
        steps in prop::collection::vec((any::<bool>(), 0..60_u64), 0..100),
        mut asked in prop::collection::vec(0..70_u64, 0..60),
        ascending: bool,
    ) {
        let mut index = Index::default();
        let mut model = BTreeMap::new();
        for (insert, id) in steps {
            if insert {
                let slot = index.insert(GroupId(id));
                prop_assert_eq!(slot.is_none(), model.contains_key(&id));
                if let Some(slot) = slot {
                    prop_assert!(!model.values().any(|&other| other == slot), "{} is taken", slot);
                    model.insert(id, slot);
                }
            } else {
                prop_assert_eq!(index.remove(GroupId(id)), model.remove(&id));
            }
            prop_assert_eq!(index.len(), model.len());
        }
        if ascending {
            asked.sort_unstable();
        }
        let mut lookup = index.lookup();
        for id in asked {
            prop_assert_eq!(lookup.get(GroupId(id)), model.get(&id).copied());
            prop_assert_eq!(index.get(GroupId(id)), model.get(&id).copied());
        }
    }

    #[test]
    fn slots_are_visited_in_order(
        steps in prop::collection::vec((any::<bool>(), 0..300_u32), 0..200),
    ) {
        let (mut set, mut model) = (SlotSet::default(), BTreeSet::new());
        for (insert, slot) in steps {
            if insert {
                set.insert(slot);
                model.insert(slot);
            } else {
                set.remove(slot);
                model.remove(&slot);
            }
        }
        prop_assert_eq!(set.len(), model.len());
        let mut visited = Vec::new();
        let mut from = 0;
        while let Some(slot) = set.next(from) {
            visited.push(slot);
            from = slot + 1;
        }
        prop_assert!(visited.iter().eq(&model), "{:?}", visited);
    }
}

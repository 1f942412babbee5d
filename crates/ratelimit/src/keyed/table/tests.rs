use crate::{Gcra, Instant, Keyed, Quota, WhenFull};

/// What is not found goes on under a lock, with the same answers: nobody would notice.
#[test]
fn entries_are_found_without_a_lock() {
    let quota = Quota::per_second(1).unwrap().with_burst(2).unwrap();
    let builder = Keyed::builder(Gcra::new(quota).unwrap(), 2000);
    let keyed = builder.when_full(WhenFull::Deny).build().unwrap();
    let is_found = |key: u64, plan| {
        let address = keyed.address(keyed.of(&key).hash());
        keyed.table.find(&address, plan).is_some()
    };
    let now = Instant::from_secs(1);
    for key in 0..1900 {
        assert!(!is_found(key, 0), "{key}");
        keyed.try_acquire_at(&key, now, 1).unwrap();
    }
    for key in 0..1900 {
        assert!(is_found(key, 0), "{key}");
        assert!(!is_found(key, 1), "{key} is under another plan");
    }
}

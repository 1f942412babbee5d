//! Snapshots: whole, in order, and untouched by what fails.
#![cfg(not(purlin_loom))]

extern crate alloc;

use alloc::sync::{Arc, Weak};
use core::convert::Infallible;
use core::panic::AssertUnwindSafe;
use purlin_hashring::{
    Identity, Member, Membership, MembershipError, Placement, Reader, Rendezvous, Shared,
};
use std::panic::catch_unwind;
use std::sync::{Barrier, Mutex};

#[test]
fn an_update_is_seen_by_all_handles_and_not_by_older_snapshots() {
    let shared = Shared::new(vec![1]);
    let (other, mut reader, before) = (shared.clone(), shared.reader(), shared.load());
    let mut copy = reader.clone();
    let answer = shared.update(|list| {
        list.push(2);
        Ok::<_, Infallible>(list.len())
    });
    assert_eq!(answer, Ok(2));
    assert_eq!(*other.load(), [1, 2]);
    assert_eq!(*reader.load(), [1, 2]);
    assert_eq!(*copy.load(), [1, 2]);
    assert_eq!(*before, [1]);
}

#[test]
fn what_fails_changes_nothing_and_hinders_nobody() {
    let shared = Shared::new(Rendezvous::new(["a", "b"]).expect("distinct"));
    let mut reader = shared.reader();
    let before = shared.load();

    let failed = shared.update(|nodes| {
        nodes.add(Member::new("c"))?;
        nodes.remove("x".id()).map(|_| ())
    });
    assert_eq!(failed, Err(MembershipError::Unknown { id: "x".id() }));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        shared.update(|nodes| -> Result<(), MembershipError> {
            nodes.remove("a".id())?;
            panic!("half-way");
        })
    }));
    assert!(panicked.is_err());
    assert!(Arc::ptr_eq(&before, &shared.load()));
    assert!(core::ptr::eq(reader.load(), Arc::as_ptr(&before)));

    let added = shared.update(|nodes| nodes.add(Member::new("c")));
    assert_eq!(reader.load().node(added.expect("new")), Some(&"c"));
}

#[test]
fn replace_answers_the_former_and_needs_no_clone() {
    struct NotClone(u32);
    let shared = Shared::new(NotClone(1));
    let mut reader = shared.reader();
    assert_eq!(shared.replace(NotClone(2)).0, 1);
    assert_eq!(shared.replace(NotClone(3)).0, 2);
    assert_eq!((shared.load().0, reader.load().0), (3, 3));
}

#[test]
fn a_snapshot_goes_with_its_last_reader() {
    let shared = Shared::new(Arc::new(()));
    let first: Weak<()> = Arc::downgrade(&shared.load());
    let mut reader = shared.reader();
    let holder = shared.load();
    drop(shared.replace(Arc::new(())));
    drop(holder);
    assert!(first.upgrade().is_some(), "the reader has not moved on");
    reader.load();
    assert!(first.upgrade().is_none());
}

/// A snapshot whose end comes back to the `Shared` it was in, once.
#[derive(Clone, Default)]
struct Returns(Arc<Mutex<Option<Shared<Self>>>>);

impl Drop for Returns {
    fn drop(&mut self) {
        let home = self.0.lock().expect("not poisoned").take();
        if let Some(home) = home {
            drop(home.replace(Self::default()));
        }
    }
}

#[test]
fn a_snapshot_is_dropped_while_no_lock_is_held() {
    let home = Arc::default();
    let shared = Shared::new(Returns(Arc::clone(&home)));
    let updated = shared.update(|next| {
        // The clone of the first goes here, and must not come back yet.
        *next = Returns::default();
        *home.lock().expect("not poisoned") = Some(shared.clone());
        Ok::<_, Infallible>(())
    });
    assert_eq!(updated, Ok(()));
    let home = home.lock().expect("not poisoned");
    assert!(home.is_none(), "the first one has ended and come back");
}

#[test]
fn threads_share_it_if_they_may_share_what_is_in_it() {
    const fn sendable<T: Send + Sync>() {}
    const { sendable::<Shared<Rendezvous<String>>>() };
    const { sendable::<Reader<Rendezvous<String>>>() };
}

#[test]
fn no_update_of_many_threads_is_lost_and_no_reader_goes_back() {
    let shared = Shared::new((0_u32, 0_u32));
    let start = Barrier::new(4);
    let write = || {
        start.wait();
        for _ in 0..1_000 {
            let updated = shared.update(|(a, b)| {
                *a += 1;
                std::thread::yield_now();
                *b += 1;
                Ok::<_, Infallible>(())
            });
            assert_eq!(updated, Ok(()));
        }
    };
    let read = |mut reader: Reader<(u32, u32)>| {
        start.wait();
        let mut last = 0;
        for _ in 0..100_000 {
            let &(a, b) = reader.load();
            assert_eq!(a, b, "half of a change");
            assert!(a >= last, "{a} after {last}");
            last = a;
        }
        reader
    };
    std::thread::scope(|scope| {
        let writers = [(); 2].map(|()| scope.spawn(write));
        let readers = [(); 2].map(|()| scope.spawn(|| read(shared.reader())));
        for writer in writers {
            writer.join().expect("no writer panics");
        }
        for reader in readers {
            let mut reader = reader.join().expect("no reader panics");
            assert_eq!(*reader.load(), (2_000, 2_000));
        }
    });
}

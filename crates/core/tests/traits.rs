//! The traits as users meet them: through pointers, behind `dyn`, across threads, in serde.
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

use core::future::{Ready, ready};
use purlin_core::hash::{KeyHash, KeyHasher, SipHash13, SipHash24, Xxh3};
use purlin_core::machine::Machine;
use purlin_core::node::{Epoch, NodeId, NodeIdx, Weight, WeightError};
use purlin_core::placement::{Placement, PlacementExt};
use purlin_core::random::{Random, RandomExt, SplitMix64, Xoshiro256PlusPlus};
use purlin_core::time::{Clock, Instant, Timer, UnixTime, WallClock};
use std::sync::{Arc, Mutex};

/// Implements every trait with every method, notes each call, and answers how many there were since
/// the notes were taken. A pointer that answers by a trait's default instead of forwarding is so
/// found out. Clones share the notes.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<&'static str>>>);

impl Recorder {
    fn note(&self, call: &'static str) -> u64 {
        let mut calls = self.0.lock().expect("no call panicked");
        calls.push(call);
        calls.len() as u64
    }

    fn take(&self) -> Vec<&'static str> {
        core::mem::take(&mut self.0.lock().expect("no call panicked"))
    }
}

impl Clock for Recorder {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.note("now"))
    }
}

impl WallClock for Recorder {
    fn unix_now(&self) -> UnixTime {
        UnixTime::from_nanos(self.note("unix_now"))
    }
}

impl Timer for Recorder {
    type Sleep = Ready<()>;
    fn sleep_until(&self, deadline: Instant) -> Ready<()> {
        assert_eq!(deadline, Instant::from_secs(9));
        self.note("sleep_until");
        ready(())
    }
}

impl Random for Recorder {
    fn next_u64(&mut self) -> u64 {
        self.note("next_u64")
    }
}

impl KeyHasher for Recorder {
    fn hash_bytes(&self, key: &[u8]) -> KeyHash {
        assert_eq!(key, b"key");
        KeyHash(self.note("hash_bytes"))
    }
    fn hash_u64(&self, key: u64) -> KeyHash {
        assert_eq!(key, 77);
        KeyHash(self.note("hash_u64"))
    }
}

impl Placement for Recorder {
    type Node = &'static str;
    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        self.note("owner");
        Some(NodeIdx((key.0 % 10) as u32))
    }
    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        self.note("replicas");
        out[0] = NodeIdx((key.0 % 10) as u32);
        1
    }
    fn node(&self, index: NodeIdx) -> Option<&&'static str> {
        self.note("node");
        [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
        ]
        .get(index.get())
    }
    fn len(&self) -> usize {
        self.note("len");
        10
    }
    fn epoch(&self) -> Epoch {
        Epoch(self.note("epoch"))
    }
    fn is_empty(&self) -> bool {
        self.note("is_empty");
        true // in contradiction to `len`, so that the default would show
    }
}

impl Machine for Recorder {
    type Input = &'static str;
    type Output = u64;
    type Error = &'static str;
    fn handle(&mut self, now: Instant, input: &'static str) -> Result<(), &'static str> {
        assert_eq!(now, Instant::from_secs(1));
        self.note("handle");
        Err(input)
    }
    fn handle_timeout(&mut self, now: Instant) {
        assert_eq!(now, Instant::from_secs(2));
        self.note("handle_timeout");
    }
    fn poll_output(&mut self) -> Option<u64> {
        Some(self.note("poll_output"))
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Some(Instant::from_nanos(self.note("poll_timeout")))
    }
}

// What follows takes the pointer itself as the implementation.

fn use_clock(clock: impl Clock, recorder: &Recorder) {
    assert_eq!(clock.now(), Instant::from_nanos(1));
    assert_eq!(recorder.take(), ["now"]);
}

fn use_wall_clock(clock: impl WallClock, recorder: &Recorder) {
    assert_eq!(clock.unix_now(), UnixTime::from_nanos(1));
    assert_eq!(recorder.take(), ["unix_now"]);
}

fn use_timer(timer: impl Timer<Sleep = Ready<()>>, recorder: &Recorder) {
    let () = timer.sleep_until(Instant::from_secs(9)).into_inner();
    assert_eq!(recorder.take(), ["sleep_until"]);
}

fn use_random(mut random: impl Random, recorder: &Recorder) {
    assert_eq!((random.next_u64(), random.next_u64()), (1, 2));
    assert_eq!(
        random.below(1 << 63),
        1,
        "the third word, 3, times 2^63, over 2^64"
    );
    assert_eq!(recorder.take(), ["next_u64"; 3]);
}

fn use_hasher(hasher: impl KeyHasher, recorder: &Recorder) {
    assert_eq!(
        (hasher.hash_bytes(b"key"), hasher.hash_u64(77)),
        (KeyHash(1), KeyHash(2))
    );
    assert_eq!(recorder.take(), ["hash_bytes", "hash_u64"]);
}

fn use_placement(placement: impl Placement<Node = &'static str>, recorder: &Recorder) {
    let mut out = [NodeIdx(0)];
    assert_eq!(placement.owner(KeyHash(13)), Some(NodeIdx(3)));
    assert_eq!(
        (placement.replicas(KeyHash(14), &mut out), out),
        (1, [NodeIdx(4)])
    );
    assert_eq!(placement.node(NodeIdx(5)), Some(&"five"));
    assert_eq!((placement.len(), placement.epoch()), (10, Epoch(5)));
    assert!(placement.is_empty());
    assert_eq!(
        recorder.take(),
        ["owner", "replicas", "node", "len", "epoch", "is_empty"]
    );

    // By key: the same as by the key's XXH3.
    let hash = Xxh3::new().hash_bytes(b"user:42");
    let index = placement.owner(hash);
    assert_eq!(placement.owner_of("user:42"), index);
    assert_eq!(
        placement.node_of(b"user:42"),
        placement.node(index.expect("it has one"))
    );
    assert_eq!(
        (
            placement.replicas_of(String::from("user:42"), &mut out),
            Some(out[0])
        ),
        (1, index)
    );
    assert_eq!(
        recorder.take(),
        ["owner", "owner", "owner", "node", "node", "replicas"]
    );
}

fn use_machine(
    mut machine: impl Machine<Input = &'static str, Output = u64, Error = &'static str>,
    recorder: &Recorder,
) {
    assert_eq!(
        machine.handle(Instant::from_secs(1), "given back"),
        Err("given back")
    );
    machine.handle_timeout(Instant::from_secs(2));
    assert_eq!(machine.poll_output(), Some(3));
    assert_eq!(machine.poll_timeout(), Some(Instant::from_nanos(4)));
    assert_eq!(
        recorder.take(),
        ["handle", "handle_timeout", "poll_output", "poll_timeout"]
    );
}

/// Uses each trait through the pointer that `$to` makes of a recorder.
#[cfg(feature = "alloc")]
macro_rules! through {
    ($to:expr, $recorder:expr, [$($use:ident),*]) => {$( $use($to($recorder.clone()), &$recorder); )*};
}

#[test]
fn references_forward_every_call() {
    let recorder = Recorder::default();
    let r = &recorder;
    use_clock(r, r);
    use_wall_clock(r, r);
    use_timer(r, r);
    use_hasher(r, r);
    use_placement(r, r);
    let mut clone = recorder.clone();
    use_clock(&mut clone, r);
    use_wall_clock(&mut clone, r);
    use_timer(&mut clone, r);
    use_hasher(&mut clone, r);
    use_placement(&mut clone, r);
    use_random(&mut clone, r);
    use_machine(&mut clone, r);
}

#[cfg(feature = "alloc")]
#[test]
fn boxes_and_arcs_forward_every_call() {
    let recorder = Recorder::default();
    through!(
        Box::new,
        recorder,
        [
            use_clock,
            use_wall_clock,
            use_timer,
            use_hasher,
            use_placement,
            use_random,
            use_machine
        ]
    );
    through!(
        Arc::new,
        recorder,
        [
            use_clock,
            use_wall_clock,
            use_timer,
            use_hasher,
            use_placement
        ]
    );
}

type DynPlacement = dyn Placement<Node = &'static str>;
type DynMachine = dyn Machine<Input = &'static str, Output = u64, Error = &'static str>;

#[test]
fn every_trait_but_timer_works_behind_dyn() {
    let recorder = Recorder::default();
    let r = &recorder;
    use_clock(r as &dyn Clock, r);
    use_wall_clock(r as &dyn WallClock, r);
    use_hasher(r as &dyn KeyHasher, r);
    use_placement(r as &DynPlacement, r);
    use_random(&mut recorder.clone() as &mut dyn Random, r);
    use_machine(&mut recorder.clone() as &mut DynMachine, r);
}

#[cfg(feature = "alloc")]
#[test]
fn boxed_and_shared_trait_objects_are_implementations() {
    let recorder = Recorder::default();
    let r = &recorder;
    use_clock(Box::new(r.clone()) as Box<dyn Clock>, r);
    use_wall_clock(Box::new(r.clone()) as Box<dyn WallClock>, r);
    use_hasher(Box::new(r.clone()) as Box<dyn KeyHasher>, r);
    use_placement(Box::new(r.clone()) as Box<DynPlacement>, r);
    use_random(Box::new(r.clone()) as Box<dyn Random>, r);
    use_machine(Box::new(r.clone()) as Box<DynMachine>, r);
    use_clock(Arc::new(r.clone()) as Arc<dyn Clock + Send + Sync>, r);
    use_wall_clock(Arc::new(r.clone()) as Arc<dyn WallClock + Send + Sync>, r);
    use_hasher(Arc::new(r.clone()) as Arc<dyn KeyHasher + Send + Sync>, r);
    use_placement(Arc::new(r.clone()) as Arc<DynPlacement>, r);
}

#[test]
fn extension_methods_work_on_an_unsized_self() {
    fn sample<R: Random + ?Sized>(random: &mut R) -> [usize; 3] {
        let (mut items, mut out) = ([0, 1, 2], [0; 3]);
        random.shuffle(&mut items);
        random.sample(9, &mut out);
        assert!((0.0..1.0).contains(&random.f64()));
        items
            .iter_mut()
            .zip(out)
            .for_each(|(item, sampled)| *item += 10 * sampled);
        items
    }
    let by_type = sample(&mut SplitMix64::new(4));
    assert_eq!(sample::<dyn Random>(&mut SplitMix64::new(4)), by_type);
}

#[test]
fn integers_hash_as_their_little_endian_bytes() {
    let hashers: [&dyn KeyHasher; 3] = [
        &Xxh3::with_seed(3),
        &SipHash13::new([1; 16]),
        &SipHash24::new([1; 16]),
    ];
    for (hasher, word) in hashers
        .into_iter()
        .flat_map(|hasher| [0, 1, 0x0102_0304_0506_0708, u64::MAX].map(|word| (hasher, word)))
    {
        assert_eq!(
            hasher.hash_u64(word),
            hasher.hash_bytes(&word.to_le_bytes())
        );
    }
}

#[test]
fn secret_keys_are_not_printed() {
    for printed in [
        format!("{:?}", SipHash13::new([171; 16])),
        format!("{:?}", SipHash24::new([171; 16])),
    ] {
        assert!(printed.starts_with("SipHash"), "{printed}");
        assert!(
            !printed.contains("171") && !printed.to_lowercase().contains("ab"),
            "{printed}"
        );
    }
}

/// Compiles only where every listed type crosses and is shared between threads.
const fn send_and_sync<T: Send + Sync + Unpin>() {}

const _: () = {
    send_and_sync::<(
        Instant,
        UnixTime,
        KeyHash,
        NodeId,
        NodeIdx,
        Epoch,
        Weight,
        WeightError,
    )>();
    send_and_sync::<(SplitMix64, Xoshiro256PlusPlus, Xxh3, SipHash13, SipHash24)>();
    #[cfg(target_has_atomic = "64")]
    send_and_sync::<purlin_core::random::SharedRandom>();
    #[cfg(feature = "std")]
    send_and_sync::<purlin_core::time::SystemClock>();
    #[cfg(all(feature = "std", target_has_atomic = "64"))]
    send_and_sync::<(
        purlin_core::time::ManualClock,
        purlin_core::time::ManualSleep,
    )>();
    #[cfg(feature = "tokio")]
    send_and_sync::<purlin_core::time::TokioTimer>();
};

#[cfg(feature = "rand_core")]
#[test]
fn generators_of_the_rand_ecosystem_are_adapted_word_for_word() {
    struct Counter(u64);
    impl rand_core::TryRng for Counter {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unreachable!("a Random wants whole words")
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.0 += 1;
            Ok(self.0)
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            unreachable!("a Random wants whole words")
        }
    }
    let mut random = purlin_core::random::RandCore(Counter(u64::MAX - 2));
    assert_eq!(
        [random.next_u64(), random.next_u64()],
        [u64::MAX - 1, u64::MAX]
    );
}

#[cfg(feature = "serde")]
mod serde {
    use super::*;
    use ::serde::Serialize;
    use ::serde::de::DeserializeOwned;
    use core::fmt::Debug;

    #[track_caller]
    fn is_the_number<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, json: &str) {
        assert_eq!(serde_json::to_string(&value).ok().as_deref(), Some(json));
        assert_eq!(serde_json::from_str::<T>(json).ok(), Some(value));
    }

    #[test]
    fn values_are_plain_numbers() {
        for word in [0, 1, 1 << 53, u64::MAX] {
            let json = word.to_string();
            is_the_number(NodeId(word), &json);
            is_the_number(Epoch(word), &json);
            is_the_number(KeyHash(word), &json);
            is_the_number(UnixTime::from_nanos(word), &json);
        }
        for word in [0, 7, u32::MAX] {
            is_the_number(NodeIdx(word), &word.to_string());
            is_the_number(Weight::new(word), &word.to_string());
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for json in ["-1", "4294967296", "1.5", "\"1\"", "null"] {
            assert!(
                serde_json::from_str::<Weight>(json).is_err(),
                "weight {json}"
            );
            assert!(
                serde_json::from_str::<NodeIdx>(json).is_err(),
                "index {json}"
            );
        }
        for json in ["-1", "18446744073709551616", "1.5", "[]"] {
            assert!(serde_json::from_str::<NodeId>(json).is_err(), "id {json}");
            assert!(
                serde_json::from_str::<UnixTime>(json).is_err(),
                "time {json}"
            );
        }
    }
}

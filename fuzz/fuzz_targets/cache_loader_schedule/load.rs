use crate::history::{History, KEYS};
use crate::{End, LoadingCache, Script};
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Poll, Waker};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

/// What a loader panics with.
pub(crate) struct Panicked;

/// Lets loads go on, one step of one load at a time.
#[derive(Default)]
pub(crate) struct Gates {
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    all_open: bool,
    /// How many steps each load has left to wait, and who waits.
    loads: Vec<(u8, Option<Waker>)>,
}

impl Gates {
    fn add(&self, waits: u8) -> usize {
        let mut all = self.waits.lock().expect("no panic");
        all.loads.push((waits, None));
        all.loads.len() - 1
    }

    pub(crate) fn open(&self, at: usize) {
        self.go_on(at, true);
    }

    pub(crate) fn wake(&self, at: usize) {
        self.go_on(at, false);
    }

    fn go_on(&self, at: usize, open: bool) {
        let mut all = self.waits.lock().expect("no panic");
        let Some(at) = at.checked_rem(all.loads.len()) else {
            return;
        };
        let load = &mut all.loads[at];
        load.0 -= u8::from(open && load.0 > 0);
        let waker = load.1.clone();
        drop(all);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn open_all(&self) {
        let mut all = self.waits.lock().expect("no panic");
        all.all_open = true;
        let wakers: Vec<_> = all
            .loads
            .iter_mut()
            .filter_map(|load| load.1.take())
            .collect();
        drop(all);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, number: usize, waker: &Waker) -> Poll<()> {
        let mut all = self.waits.lock().expect("no panic");
        if all.all_open || all.loads[number].0 == 0 {
            return Poll::Ready(());
        }
        let old = all.loads[number].1.replace(waker.clone());
        drop(all);
        drop(old);
        Poll::Pending
    }
}

/// One run of a loader.
pub(crate) struct Load {
    key: u8,
    script: Script,
    cache: Arc<LoadingCache>,
    history: Arc<Mutex<History>>,
    gates: Arc<Gates>,
}

/// Says that the load has ended, however it did.
struct Running(Arc<Mutex<History>>, u64);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().expect("no panic").end(self.1);
    }
}

impl Load {
    pub(crate) fn new(
        key: u8,
        script: Script,
        cache: &Arc<LoadingCache>,
        history: &Arc<Mutex<History>>,
        gates: &Arc<Gates>,
    ) -> Self {
        Self {
            key,
            script,
            cache: Arc::clone(cache),
            history: Arc::clone(history),
            gates: Arc::clone(gates),
        }
    }

    /// Its value, or an error which tells the same.
    pub(crate) async fn run(self) -> Result<u64, u64> {
        let value = self.history.lock().expect("no panic").begin(self.key);
        let _running = Running(Arc::clone(&self.history), value);
        let gate = self.gates.add(self.script.waits % 4);
        if let Some(other) = self.script.nested {
            // Higher keys only, so that no two wait for each other.
            let other = self.key + 1 + other % KEYS;
            if other < KEYS {
                self.load_other(other).await;
            }
        }
        poll_fn(|cx| self.gates.poll(gate, cx.waker())).await;
        match self.script.end {
            End::Value => Ok(value),
            End::Error => Err(value),
            End::Panic => resume_unwind(Box::new(Panicked)),
        }
    }

    /// The same with a value for an error.
    pub(crate) async fn run_infallibly(self) -> u64 {
        self.run().await.unwrap_or_else(|value| value)
    }

    /// Boxed, since it is a part of itself.
    fn load_other(&self, other: u8) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let script = Script {
            nested: None,
            end: End::Value,
            ..self.script
        };
        let load = Self::new(other, script, &self.cache, &self.history, &self.gates);
        Box::pin(async move {
            let asked = self.history.lock().expect("no panic").tick();
            let load = load.run_infallibly();
            let value = self.cache.get_with_async(other, load).await;
            let history = self.history.lock().expect("no panic");
            history.check(other, value, asked);
        })
    }
}

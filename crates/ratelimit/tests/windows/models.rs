//! What the limiters should do, by plain lists and a look at every nanosecond.

/// A limiter that tells when a request would be admitted.
pub(crate) trait Model {
    /// The first instant from now on at which a request would be admitted. `None` if never.
    fn slot(&self, now: u64, cost: u64) -> Option<u64>;

    /// It was admitted at `now` for that instant.
    fn record(&mut self, now: u64, slot: u64, cost: u64);

    /// A request was admitted at `now`, and taken back. The instant that is remembered of it.
    fn undone(&mut self, _now: u64, _cost: u64) -> u64 {
        0
    }
}

/// Tokens taken of each window.
pub(crate) struct FixedModel {
    limit: u64,
    window: u64,
    origin: u64,
    taken: Vec<u64>,
}

impl FixedModel {
    pub(crate) fn new(limit: u64, window: u64, origin: u64) -> Self {
        let taken = Vec::new();
        Self {
            limit,
            window,
            origin,
            taken,
        }
    }

    fn index(&self, now: u64) -> usize {
        usize::try_from(now.saturating_sub(self.origin) / self.window).unwrap()
    }

    /// Token by token, from the first window on, not before the last one of which any was taken: the
    /// window of the last token.
    fn take(&self, now: u64, cost: u64) -> (Vec<u64>, usize) {
        let mut taken = self.taken.clone();
        let last = taken.iter().rposition(|taken| *taken > 0).unwrap_or(0);
        let mut at = self.index(now).max(last);
        taken.resize(taken.len().max(at + 1), 0);
        for _ in 0..cost {
            if taken[at] == self.limit {
                at += 1;
                taken.resize(taken.len().max(at + 1), 0);
            }
            taken[at] += 1;
        }
        (taken, at)
    }
}

impl Model for FixedModel {
    fn slot(&self, now: u64, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let (_, last) = self.take(now, cost);
        let begins = self.origin + u64::try_from(last).unwrap() * self.window;
        Some(if self.index(now) >= last { now } else { begins })
    }

    fn record(&mut self, now: u64, _: u64, cost: u64) {
        (self.taken, _) = self.take(now, cost);
    }

    /// What was left of earlier windows is lost, should the clock go back.
    fn undone(&mut self, now: u64, cost: u64) -> u64 {
        let index = self.index(now);
        if cost > 0 && cost <= self.limit && index > 0 && self.taken.len() <= index {
            self.taken.resize(index, 0);
            self.taken[index - 1] = self.limit;
        }
        0
    }
}

/// Every admission.
pub(crate) struct LogModel {
    limit: u64,
    window: u64,
    admitted: Vec<(u64, u64)>,
    /// The latest instant of a call that was admitted.
    seen: u64,
}

impl LogModel {
    pub(crate) fn new(limit: u64, window: u64) -> Self {
        Self {
            limit,
            window,
            admitted: Vec::new(),
            seen: 0,
        }
    }
}

impl Model for LogModel {
    fn slot(&self, now: u64, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let newest = self.admitted.last().map_or(0, |(at, _)| *at);
        let now_or_seen = now.max(self.seen);
        let slot = (now_or_seen.max(newest)..).find(|at| {
            let inside = self
                .admitted
                .iter()
                .filter(|(then, _)| then + self.window > *at);
            inside.map(|(_, cost)| cost).sum::<u64>() + cost <= self.limit
        });
        slot.map(|slot| if slot == now_or_seen { now } else { slot })
    }

    fn record(&mut self, now: u64, slot: u64, cost: u64) {
        self.undone(now, cost);
        self.admitted.push((slot.max(self.seen), cost));
    }

    fn undone(&mut self, now: u64, cost: u64) -> u64 {
        if cost > 0 {
            self.seen = self.seen.max(now);
        }
        self.seen
    }
}

/// Every admission, by sub-window.
pub(crate) struct CounterModel {
    limit: u64,
    window: u64,
    k: u64,
    strict: bool,
    origin: u64,
    admitted: Vec<(u64, u64)>,
}

impl CounterModel {
    pub(crate) fn new(limit: u64, window: u64, k: u64, strict: bool, origin: u64) -> Self {
        Self {
            limit,
            window,
            k,
            strict,
            origin,
            admitted: Vec::new(),
        }
    }

    /// The sub-window, and what part of it has passed in parts of `window`.
    fn at(&self, now: u64) -> (u64, u64) {
        let units = now.saturating_sub(self.origin) * self.k;
        (units / self.window, units % self.window)
    }

    fn fits(&self, now: u64, cost: u64) -> bool {
        let (index, passed) = self.at(now);
        let in_sight = if self.strict {
            self.window
        } else {
            self.window - passed
        };
        let worth = self.admitted.iter().map(|(at, cost)| match at + self.k {
            end if end > index => cost * self.window,
            end if end == index => cost * in_sight,
            _ => 0,
        });
        worth.sum::<u64>() + cost * self.window <= self.limit * self.window
    }
}

impl Model for CounterModel {
    fn slot(&self, now: u64, cost: u64) -> Option<u64> {
        if cost > self.limit {
            return None;
        }
        let last = self.admitted.last().map_or(0, |(at, _)| *at);
        (now..).find(|at| self.at(*at).0 >= last && self.fits(*at, cost))
    }

    fn record(&mut self, _: u64, slot: u64, cost: u64) {
        self.admitted.push((self.at(slot).0, cost));
    }
}

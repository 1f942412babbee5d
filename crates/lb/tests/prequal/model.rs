//! A naive model: lists that are sorted and searched anew each time. It is told whom the policy asks,
//! as that is luck, and says who gets each request.

use super::{NOW, answer, cluster, fetch, node, pick};
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::policy::Prequal;
use purlin_lb::{Identity as _, Instant};

#[derive(Clone, Copy, Debug)]
struct Known {
    node: u64,
    rif: u32,
    millis: u64,
    received: Instant,
    uses: u32,
}

#[derive(Debug)]
struct Model {
    size: usize,
    quantile: f64,
    uses: u32,
    /// The oldest first.
    pool: Vec<Known>,
    said: Vec<u32>,
    worst_is_next: bool,
}

impl Model {
    /// More than the quantile of what was said lately is no more than this.
    fn is_hot(&self, rif: u32) -> bool {
        let last = self.said.iter().rev().take(128);
        let (len, below) = (last.len() as f64, last.filter(|said| **said <= rif).count());
        below as f64 > self.quantile * len
    }

    /// Hot ones are worse than cold ones.
    fn badness(&self, known: &Known) -> (bool, u64, u64) {
        let rif = u64::from(known.rif);
        match self.is_hot(known.rif) {
            true => (true, rif, known.millis),
            false => (false, known.millis, rif),
        }
    }

    fn expire(&mut self, now: Instant) {
        self.pool
            .retain(|known| now - known.received <= Duration::from_secs(1));
    }

    /// Who gets a request; `None` if that is luck.
    fn pick(&mut self, now: Instant, members: &[u64]) -> Option<u64> {
        self.expire(now);
        let mut picked = None;
        if self.pool.len() >= 2 {
            let present = |known: &&Known| members.contains(&known.node);
            let mut order: Vec<Known> = self.pool.iter().rev().filter(present).copied().collect();
            order.sort_by_key(|known| self.badness(known));
            picked = order.first().map(|known| known.node);
        }
        for known in &mut self.pool {
            if Some(known.node) == picked {
                known.rif += 1;
                known.uses -= 1;
            }
        }
        self.pool.retain(|known| known.uses > 0);
        let out = if self.worst_is_next {
            let mut order = self.pool.clone();
            // The worst first; of equals the oldest.
            order.sort_by_key(|known| core::cmp::Reverse(self.badness(known)));
            order.first().map(|known| known.node)
        } else {
            self.pool.first().map(|known| known.node)
        };
        if let Some(out) = out {
            self.pool.retain(|known| known.node != out);
            self.worst_is_next = !self.worst_is_next;
        }
        picked
    }

    fn answered(&mut self, now: Instant, node: u64, (rif, millis): (u32, u64)) {
        self.expire(now);
        self.said.push(rif);
        self.pool.retain(|known| known.node != node);
        self.pool.push(Known {
            node,
            rif,
            millis,
            received: now,
            uses: self.uses,
        });
        if self.pool.len() > self.size {
            self.pool.remove(0);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Pick,
    /// Of the probes that were asked, which one, and what it says.
    Answer(usize, (u32, u64)),
    Wait(u64),
    Remove(usize),
    Insert,
}

fn step() -> impl Strategy<Value = Step> {
    let says = (0..12_u32, 0..30_u64);
    prop_oneof![
        3 => Just(Step::Pick),
        6 => (any::<prop::sample::Index>(), says).prop_map(|(which, says)| Step::Answer(which.index(1_000), says)),
        2 => (0..400_u64).prop_map(Step::Wait),
        1 => (0..100_usize).prop_map(Step::Remove),
        1 => Just(Step::Insert),
    ]
}

/// `uses`: of what is set here it is no luck how often an answer may be used.
fn compare(
    (members, size, rate, uses): (u64, usize, f64, u32),
    quantile: f64,
    steps: Vec<Step>,
) -> Result<usize, TestCaseError> {
    let policy = Prequal::seeded(7)
        .pool_size(size)
        .and_then(|policy| policy.hot_quantile(quantile))
        .and_then(|policy| policy.probes_per_request(rate))
        .expect("in range");
    let (cluster, mut probes) = cluster(policy, members);
    let mut model = Model {
        size,
        quantile,
        uses,
        pool: Vec::new(),
        said: Vec::new(),
        worst_is_next: true,
    };
    let mut present: Vec<u64> = (0..members).collect();
    let (mut now, mut next, mut foreseen) = (NOW, members, 0);
    let mut asked: Vec<(u64, u64, Instant)> = Vec::new();
    for step in steps {
        match step {
            Step::Pick => {
                let found = pick(&cluster, now);
                prop_assert!(present.contains(&found));
                if let Some(expected) = model.pick(now, &present) {
                    prop_assert_eq!(found, expected);
                    foreseen += 1;
                }
                let fetched = fetch(&mut probes).into_iter();
                asked.extend(fetched.map(|probe| (probe.number, node(probe.endpoint), now)));
            }
            Step::Answer(which, says) => {
                if asked.is_empty() {
                    continue;
                }
                let (number, node, at) = asked.remove(which % asked.len());
                answer(&mut probes, now, number, says);
                if now - at <= Duration::from_secs(1) {
                    model.answered(now, node, says);
                }
            }
            Step::Wait(millis) => now += Duration::from_millis(millis),
            Step::Remove(which) if present.len() as u64 > members => {
                let node = present.swap_remove(which % present.len());
                cluster.remove(node.id()).expect("it is there");
            }
            Step::Remove(_) => {}
            Step::Insert => {
                cluster.insert_at(now, next).expect("it is new");
                present.push(next);
                next += 1;
            }
        }
    }
    Ok(foreseen)
}

proptest! {
    /// Few endpoints, and a pool for all of them: answers are used until they are taken out.
    #[test]
    fn answers_that_are_used_again(
        quantile in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0],
        steps in prop::collection::vec(step(), 0..400),
    ) {
        compare((6, 64, 3.0, u32::MAX), quantile, steps)?;
    }

    /// Many, of which each request asks sixteen: an answer is used once.
    #[test]
    fn answers_that_are_used_once(
        quantile in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0],
        size in 2..10_usize,
        steps in prop::collection::vec(step(), 0..400),
    ) {
        compare((30, size, 16.0, 1), quantile, steps)?;
    }
}

/// The model would agree with anything if it foresaw nothing.
#[test]
fn the_model_foresees_most_picks() {
    let steps: Vec<Step> = (0..1_000_u32)
        .map(|index| match index % 4 {
            0 => Step::Pick,
            _ => Step::Answer(0, (index * 7 % 12, u64::from(index) * 11 % 30)),
        })
        .collect();
    let foreseen = compare((6, 64, 3.0, u32::MAX), 0.5, steps).unwrap();
    assert!(foreseen > 150, "{foreseen} of 250");
}

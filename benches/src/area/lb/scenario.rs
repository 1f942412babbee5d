//! What is simulated: how many requests come, and what is wrong with which servers.

use core::time::Duration;

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_lb::Instant;

/// A place where policies differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    trouble: Trouble,
    /// Offered work, of what all servers can do while nothing is wrong but for good.
    pub(super) load: f64,
    pub(super) clients: usize,
    /// The standard deviation of the logarithm of the work.
    pub(super) sigma: f64,
    /// When the last request comes, in seconds.
    pub(super) seconds: u32,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// A tenth of the servers is ten times as slow as the others.
    TenthSlow,
    /// Half of the servers are twice as slow as the others.
    HalfSlow,
    /// Each server by itself is three times as slow for a fifth of the time.
    Antagonists,
    /// One server is fifty times as slow from second 20 to 30.
    SlowDown,
    /// One server fails whatever it gets, at once, from second 10 on.
    BlackHole,
}

/// How a server is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Condition {
    /// What it begins takes so many times as long as on a sound one.
    Slowed(f64),
    /// It fails whatever reaches it, at once.
    Failing,
}

impl Condition {
    const SOUND: Self = Self::Slowed(1.0);
}

/// How a server is doing from when on, in order of time. The first is for ever before, too.
pub(super) type Timeline = Vec<(Instant, Condition)>;

/// How long an antagonist stays on average, and how long it is away.
const ANTAGONIST: [Duration; 2] = [Duration::from_millis(1_000), Duration::from_millis(4_000)];

const fn scenario(
    name: &'static str,
    about: &'static str,
    trouble: Trouble,
    load: f64,
) -> Scenario {
    Scenario {
        name,
        about,
        trouble,
        load,
        clients: 10,
        sigma: 1.0,
        seconds: 30,
    }
}

const SLOW: &str = "a tenth of the servers 10 times as slow";
const EQUAL: &str = "all servers equal";
const HALF: &str = "half of the servers twice as slow";
const ANTAGONISTS: &str = "every server 3 times as slow for a fifth of the time";

/// All of them.
pub(super) const SCENARIOS: [Scenario; 16] = [
    scenario("a-75", SLOW, Trouble::TenthSlow, 0.75),
    scenario("a-90", SLOW, Trouble::TenthSlow, 0.90),
    scenario("a-95", SLOW, Trouble::TenthSlow, 0.95),
    scenario("b-75", EQUAL, Trouble::None, 0.75),
    scenario("b-90", EQUAL, Trouble::None, 0.90),
    scenario("b-95", EQUAL, Trouble::None, 0.95),
    scenario("c-60", HALF, Trouble::HalfSlow, 0.60),
    scenario("c-75", HALF, Trouble::HalfSlow, 0.75),
    scenario("c-90", HALF, Trouble::HalfSlow, 0.90),
    scenario("d-60", ANTAGONISTS, Trouble::Antagonists, 0.60),
    scenario("d-75", ANTAGONISTS, Trouble::Antagonists, 0.75),
    Scenario {
        seconds: 40,
        ..scenario(
            "e",
            "a server 50 times as slow from second 20 to 30",
            Trouble::SlowDown,
            0.70,
        )
    },
    Scenario {
        seconds: 25,
        ..scenario(
            "f",
            "a server that fails everything at once from second 10 on",
            Trouble::BlackHole,
            0.70,
        )
    },
    Scenario {
        clients: 1,
        ..scenario("g", SLOW, Trouble::TenthSlow, 0.90)
    },
    Scenario {
        clients: 100,
        seconds: 25,
        ..scenario("h", SLOW, Trouble::TenthSlow, 0.90)
    },
    Scenario {
        sigma: 2.0,
        ..scenario(
            "i",
            "a tenth of the servers 10 times as slow, work of a heavier tail",
            Trouble::TenthSlow,
            0.75,
        )
    },
];

impl Scenario {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        const { &SCENARIOS }
            .iter()
            .find(|scenario| scenario.name == name)
    }

    /// How much slower a server is for good.
    pub(super) fn slowness(&self, server: usize, servers: usize) -> f64 {
        match self.trouble {
            Trouble::TenthSlow if server < servers.div_ceil(10) => 10.0,
            Trouble::HalfSlow if server < servers / 2 => 2.0,
            _ => 1.0,
        }
    }

    /// Whether something is wrong with this server but not with all of them.
    pub(super) fn is_troubled(&self, server: usize, servers: usize) -> bool {
        match self.trouble {
            Trouble::TenthSlow | Trouble::HalfSlow => self.slowness(server, servers) > 1.0,
            Trouble::SlowDown | Trouble::BlackHole => server == 0,
            Trouble::None | Trouble::Antagonists => false,
        }
    }

    /// How a server does from `start` to `end`, the seconds of the scenario taking `second`.
    pub(super) fn timeline(
        &self,
        server: usize,
        servers: usize,
        start: Instant,
        second: Duration,
        random: &mut SplitMix64,
    ) -> Timeline {
        let mut timeline = vec![(start, Condition::Slowed(self.slowness(server, servers)))];
        match self.trouble {
            Trouble::Antagonists => {
                let end = start + second * self.seconds;
                timeline = antagonists(start, end, second, random);
            }
            Trouble::SlowDown if server == 0 => timeline.extend([
                (start + second * 20, Condition::Slowed(50.0)),
                (start + second * 30, Condition::SOUND),
            ]),
            Trouble::BlackHole if server == 0 => {
                timeline.push((start + second * 10, Condition::Failing));
            }
            _ => {}
        }
        timeline
    }
}

/// Comes and goes, memoryless, as a neighbour on the same machine does.
fn antagonists(
    start: Instant,
    end: Instant,
    second: Duration,
    random: &mut SplitMix64,
) -> Timeline {
    let [stay, away] = ANTAGONIST;
    let scale = second.as_secs_f64();
    // A fifth of the servers begins with one.
    let mut here = random.below(5) == 0;
    let (mut now, mut timeline) = (start, Vec::new());
    while now < end {
        let condition = if here {
            Condition::Slowed(3.0)
        } else {
            Condition::SOUND
        };
        timeline.push((now, condition));
        let mean = if here { stay } else { away };
        let wait = -libm::log1p(-random.f64()) * mean.as_secs_f64() * scale;
        now = now.saturating_add(Duration::from_secs_f64(wait));
        here = !here;
    }
    timeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn antagonists_take_a_fifth_of_the_time() {
        let mut random = SplitMix64::new(7);
        let second = Duration::from_secs(1);
        let end = Instant::ORIGIN + second * 100_000;
        let timeline = antagonists(Instant::ORIGIN, end, second, &mut random);
        let ends = timeline[1..].iter().map(|(at, _)| *at).chain([end]);
        let taken: Duration = timeline
            .iter()
            .zip(ends)
            .filter(|((_, condition), _)| *condition != Condition::SOUND)
            .map(|((from, _), until)| until.saturating_duration_since(*from))
            .sum();
        assert!((19_000..21_000).contains(&taken.as_secs()), "{taken:?}");
    }

    #[test]
    fn a_tenth_of_twenty_is_two_and_of_few_is_one() {
        let scenario = Scenario::named("a-90").expect("there is one");
        let slow = |servers| {
            (0..servers)
                .filter(|at| scenario.is_troubled(*at, servers))
                .count()
        };
        assert_eq!([2, 10, 20, 200].map(slow), [1, 1, 2, 20]);
    }
}

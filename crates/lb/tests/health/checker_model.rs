//! The checker against a list of all probes there ever were, from which everything is worked out
//! anew after each step.

use core::time::Duration;
use proptest::prelude::*;
use purlin_core::machine::Machine as _;
use purlin_lb::health::{HealthChecker, HealthConfig, HealthInput, HealthOutput, Outcome};
use purlin_lb::{Health, Instant, NodeId, UpdateError};

const FIRST: Duration = Duration::from_millis(400);
const INTERVAL: Duration = Duration::from_millis(1_000);
const UNHEALTHY: Duration = Duration::from_millis(700);
const HEALTHY_EDGE: Duration = Duration::from_millis(300);
const UNHEALTHY_EDGE: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(500);
const JITTER_PERCENT: u8 = 20;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// Until the checker wants to be called.
    Sleep,
    BackInTime(u64),
    Add(u64),
    Remove(u64),
    /// The result of any probe there ever was, by its place from the end.
    Answer(usize, Outcome),
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Success),
        1 => Just(Outcome::Degraded),
        4 => Just(Outcome::Failure),
        1 => Just(Outcome::NotServing),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..800_u64).prop_map(Step::Wait),
        8 => Just(Step::Sleep),
        1 => (0..2_000_u64).prop_map(Step::BackInTime),
        2 => (0..4_u64).prop_map(Step::Add),
        1 => (0..4_u64).prop_map(Step::Remove),
        8 => (0..4_usize, outcomes()).prop_map(|(nth, outcome)| Step::Answer(nth, outcome)),
        1 => (0..40_usize, outcomes()).prop_map(|(nth, outcome)| Step::Answer(nth, outcome)),
    ]
}

/// A time that an endpoint was checked, from when it was added until it was removed.
#[derive(Debug)]
struct Stay {
    id: NodeId,
    added: Instant,
    over: bool,
    told: Option<Health>,
}

#[derive(Debug)]
struct Probe {
    stay: usize,
    number: u64,
    deadline: Instant,
    result: Option<(Instant, Outcome)>,
}

struct Model {
    rise: usize,
    fall: usize,
    initial: Health,
    stays: Vec<Stay>,
    probes: Vec<Probe>,
    now: Instant,
}

fn passes(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Success | Outcome::Degraded)
}

impl Model {
    fn results(&self, stay: usize) -> Vec<(Instant, Outcome)> {
        let of_it = self.probes.iter().filter(|probe| probe.stay == stay);
        of_it.filter_map(|probe| probe.result).collect()
    }

    /// Whether an endpoint takes requests, after the results.
    fn is_up(&self, results: &[(Instant, Outcome)]) -> bool {
        let Some(((_, last), before)) = results.split_last() else {
            return self.initial != Health::Unhealthy;
        };
        let up = passes(*last);
        let alike = results.iter().rev();
        let streak = alike
            .take_while(|(_, outcome)| passes(*outcome) == up)
            .count();
        let enough = streak >= if up { self.rise } else { self.fall };
        if before.is_empty() || enough || *last == Outcome::NotServing {
            up
        } else {
            self.is_up(before)
        }
    }

    fn health(&self, stay: usize) -> Health {
        let results = self.results(stay);
        if !self.is_up(&results) {
            return Health::Unhealthy;
        }
        let passed = results.iter().rev().find(|(_, outcome)| passes(*outcome));
        match passed {
            Some((_, Outcome::Degraded)) => Health::Degraded,
            Some(_) => Health::Healthy,
            None => self.initial,
        }
    }

    /// Between when and when the next probe is due; `None` while one is out.
    fn due(&self, stay: usize) -> Option<(Instant, Instant)> {
        let mut of_it = self.probes.iter().filter(|probe| probe.stay == stay);
        if of_it.any(|probe| probe.result.is_none()) {
            return None;
        }
        let results = self.results(stay);
        let Some(((at, _), before)) = results.split_last() else {
            let added = self.stays[stay].added;
            return Some((added, added + FIRST));
        };
        let interval = match (self.is_up(&results), self.is_up(before)) {
            (true, true) => INTERVAL,
            (true, false) => HEALTHY_EDGE,
            (false, true) => UNHEALTHY_EDGE,
            (false, false) => UNHEALTHY,
        };
        let longest = interval + interval * u32::from(JITTER_PERCENT) / 100;
        Some((*at + interval, *at + longest))
    }

    fn present(&self) -> Vec<usize> {
        let stays = 0..self.stays.len();
        stays.filter(|stay| !self.stays[*stay].over).collect()
    }

    fn stay_of(&self, id: NodeId) -> Option<usize> {
        let mut present = self.present().into_iter();
        present.find(|stay| self.stays[*stay].id == id)
    }

    fn input(&mut self, input: HealthInput) -> Result<(), UpdateError> {
        match input {
            HealthInput::Add(id) if self.stay_of(id).is_some() => {
                Err(UpdateError::Duplicate { id })
            }
            HealthInput::Add(id) => {
                self.stays.push(Stay {
                    id,
                    added: self.now,
                    over: false,
                    told: None,
                });
                Ok(())
            }
            HealthInput::Remove(id) => {
                let stay = self.stay_of(id).ok_or(UpdateError::Unknown { id })?;
                self.stays[stay].over = true;
                Ok(())
            }
            HealthInput::Probed {
                id,
                number,
                outcome,
            } => {
                let (stay, now) = (self.stay_of(id), self.now);
                // What is late has failed, whatever it says.
                let in_time = |it: &Probe| it.deadline > now;
                let mut open = self.probes.iter_mut().filter(|it| it.result.is_none());
                if let Some(probe) = open.find(|it| it.number == number && Some(it.stay) == stay) {
                    let late = Outcome::Failure;
                    probe.result = Some((now, if in_time(probe) { outcome } else { late }));
                }
                Ok(())
            }
        }
    }

    /// A checker that was called at its time: what is late has failed.
    fn time_out(&mut self) {
        let open = self.probes.iter_mut().filter(|it| it.result.is_none());
        for probe in open.filter(|it| it.deadline <= self.now) {
            if !self.stays[probe.stay].over {
                probe.result = Some((self.now, Outcome::Failure));
            }
        }
    }

    fn output(&mut self, output: HealthOutput) -> Result<(), TestCaseError> {
        match output {
            HealthOutput::Changed { id, health } => {
                let stay = self.stay_of(id).expect("of one that is checked");
                prop_assert_eq!(health, self.health(stay));
                prop_assert_ne!(self.stays[stay].told, Some(health), "no news of {}", id);
                self.stays[stay].told = Some(health);
            }
            HealthOutput::Probe {
                id,
                number,
                deadline,
            } => {
                let stay = self.stay_of(id).expect("of one that is checked");
                prop_assert_eq!(self.stays[stay].told, Some(self.health(stay)));
                let (from, _) = self.due(stay).expect("none is out");
                prop_assert!(from <= self.now, "{} at {}, due {}", id, self.now, from);
                prop_assert_eq!(deadline, self.now + TIMEOUT);
                prop_assert!(self.probes.iter().all(|probe| probe.number != number));
                self.probes.push(Probe {
                    stay,
                    number,
                    deadline,
                    result: None,
                });
            }
        }
        Ok(())
    }

    /// After outputs were fetched.
    fn check(&self, checker: &HealthChecker) -> Result<(), TestCaseError> {
        let present = self.present();
        prop_assert_eq!(checker.len(), present.len());
        prop_assert_eq!(checker.poll_timeout().is_none(), present.is_empty());
        for stay in present {
            let Stay { id, told, .. } = self.stays[stay];
            prop_assert_eq!(checker.health(id), Some(self.health(stay)));
            prop_assert_eq!(told, checker.health(id));
        }
        Ok(())
    }

    /// After a call at that time.
    fn check_due(&self, checker: &HealthChecker) -> Result<(), TestCaseError> {
        prop_assert!(checker.poll_timeout().is_none_or(|due| due > self.now));
        for stay in self.present() {
            match self.due(stay) {
                Some((_, until)) => prop_assert!(until > self.now, "{:?}", self.stays[stay]),
                None => {
                    let mut open = self.probes.iter().filter(|probe| probe.stay == stay);
                    let open = open.find(|probe| probe.result.is_none());
                    prop_assert!(open.is_some_and(|probe| probe.deadline > self.now));
                }
            }
        }
        Ok(())
    }
}

fn config(rise: usize, fall: usize, initial: Health) -> HealthConfig {
    let threshold = |count| u32::try_from(count).expect("small");
    let config = HealthConfig::new()
        .interval(INTERVAL)
        .and_then(|it| it.unhealthy_interval(UNHEALTHY))
        .and_then(|it| it.healthy_edge_interval(HEALTHY_EDGE))
        .and_then(|it| it.unhealthy_edge_interval(UNHEALTHY_EDGE))
        .and_then(|it| it.timeout(TIMEOUT))
        .and_then(|it| it.jitter_percent(JITTER_PERCENT))
        .and_then(|it| it.healthy_threshold(threshold(rise)))
        .and_then(|it| it.unhealthy_threshold(threshold(fall)));
    config.expect("valid").first_within(FIRST).initial(initial)
}

proptest! {
    #[test]
    fn the_checker_does_as_a_list_of_all_probes_says(
        (rise, fall) in (1..4_usize, 1..4_usize),
        initial in prop_oneof![Just(Health::Healthy), Just(Health::Degraded), Just(Health::Unhealthy)],
        steps in proptest::collection::vec(steps(), 1..150),
        seed: u64,
    ) {
        let mut checker = HealthChecker::seeded(config(rise, fall, initial), seed);
        let mut model = Model {
            rise,
            fall,
            initial,
            stays: Vec::new(),
            probes: Vec::new(),
            now: Instant::ORIGIN,
        };
        // The clock, which may go backwards while the model, as the checker is to, waits for it.
        let mut clock = Instant::from_secs(10);
        for step in steps {
            let mut input = None;
            match step {
                Step::Wait(millis) => clock += Duration::from_millis(millis),
                Step::Sleep => clock = clock.max(checker.poll_timeout().unwrap_or(clock)),
                Step::BackInTime(millis) => {
                    clock = clock.saturating_sub(Duration::from_millis(millis));
                }
                Step::Add(id) => input = Some(HealthInput::Add(NodeId(id))),
                Step::Remove(id) => input = Some(HealthInput::Remove(NodeId(id))),
                Step::Answer(nth, outcome) => {
                    input = model.probes.iter().rev().nth(nth).map(|probe| HealthInput::Probed {
                        id: model.stays[probe.stay].id,
                        number: probe.number,
                        outcome,
                    });
                }
            }
            model.now = model.now.max(clock);
            let timed = input.is_none();
            match input {
                Some(input) => {
                    prop_assert_eq!(checker.handle(clock, input), model.input(input));
                }
                None => {
                    model.time_out();
                    checker.handle_timeout(clock);
                }
            }
            while let Some(output) = checker.poll_output() {
                model.output(output)?;
            }
            model.check(&checker)?;
            if timed {
                model.check_due(&checker)?;
            }
        }
    }
}

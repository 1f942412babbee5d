//! Raft under every fault the simulator knows.

extern crate alloc;

#[path = "simulation/harness.rs"]
mod simulation;

use core::cell::RefCell;
use simulation::Tally;

/// Runs seeds and counts what happened.
fn run(seeds: core::ops::Range<u64>) -> Tally {
    let tally = RefCell::new(Tally::default());
    purlin_sim::run(seeds, simulation::world, |world| {
        simulation::check(world)?;
        tally.borrow_mut().add(&simulation::tally(world));
        Ok(())
    });
    tally.into_inner()
}

#[test]
fn some_hundred_seeds() {
    let tally = run(0..300);
    println!("{tally}");
    for (what, count) in tally.counts() {
        assert!(
            count > 0 || what.contains("fenced"),
            "no {what} in any seed"
        );
    }
}

#[test]
#[ignore = "dev"]
fn survey() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |n| n.parse().unwrap());
    let (first, count, effort) = (
        number("FIRST", 0),
        number("COUNT", 300),
        number("EFFORT", 0),
    );
    let tally = RefCell::new(Tally::default());
    let mut kinds: std::collections::BTreeMap<String, Vec<u64>> = Default::default();
    for seed in first..first + count {
        let runner = purlin_sim::Runner::new()
            .shrink_effort(u32::try_from(effort).unwrap())
            .timeline(usize::try_from(number("LINES", 60)).unwrap());
        let found = runner.search(seed..=seed, simulation::world, |world| {
            let checked = simulation::check(world);
            tally.borrow_mut().add(&simulation::tally(world));
            checked
        });
        if let Err(failure) = found {
            if effort > 0 {
                println!("{failure}");
            }
            let text = failure.violation.to_string();
            let kind: String = text
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .take(150)
                .collect();
            let seeds = kinds.entry(kind).or_default();
            if seeds.is_empty() {
                println!("{seed}: {}", text.chars().take(700).collect::<String>());
            }
            seeds.push(seed);
        }
    }
    if effort == 0 {
        println!("{}", tally.into_inner());
    }
    for (kind, seeds) in kinds {
        println!(
            "{:>5} {kind}: {:?}",
            seeds.len(),
            &seeds[..seeds.len().min(12)]
        );
    }
}

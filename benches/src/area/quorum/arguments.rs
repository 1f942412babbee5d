//! Arguments of the area's own.

use super::scenario::{SCENARIOS, Scenario};
use crate::error::LabError;
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options")]
struct Given {
    /// The kinds of trouble to simulate, by their names in the table; all of them where none is
    /// named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenario: Vec<String>,
    /// How many nodes the simulated groups have [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(3..=9))]
    nodes: Option<u64>,
    /// Run the crate's own simulation, with all its checks, on so many seeds, and nothing else
    #[arg(long, value_name = "SEEDS", value_parser = clap::value_parser!(u64).range(1..))]
    simulate: Option<u64>,
    /// The first seed of --simulate [default: 0]
    #[arg(long, value_name = "SEED", requires = "simulate")]
    from: Option<u64>,
}

/// What they ask for.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) scenarios: Vec<&'static Scenario>,
    pub(super) nodes: usize,
    /// How many seeds, and the first of them.
    pub(super) simulate: Option<(u64, u64)>,
}

impl Arguments {
    pub(super) fn augment_args(command: clap::Command) -> clap::Command {
        <Given as clap::Args>::augment_args(command)
    }

    /// # Errors
    ///
    /// When there is no such scenario.
    pub(super) fn of(settings: &Settings) -> Result<Self, LabError> {
        // Commands without the arguments do not know their names.
        let names = settings.arguments.try_get_many::<String>("scenario");
        let names = names.ok().flatten().into_iter().flatten();
        let number = |name: &str| {
            let number = settings.arguments.try_get_one::<u64>(name);
            number.ok().flatten().copied()
        };
        let mut scenarios = names
            .map(|name| named(name))
            .collect::<Result<Vec<_>, _>>()?;
        if scenarios.is_empty() {
            scenarios = SCENARIOS.iter().collect();
        }
        let seeds = number("simulate");
        Ok(Self {
            scenarios,
            nodes: number("nodes").map_or(3, |nodes| usize::try_from(nodes).unwrap_or(usize::MAX)),
            simulate: seeds.map(|seeds| (seeds, number("from").unwrap_or(0))),
        })
    }
}

fn named(name: &str) -> Result<&'static Scenario, LabError> {
    Scenario::named(name).ok_or_else(|| {
        let known = SCENARIOS.each_ref().map(|scenario| scenario.name);
        let known = known.join(", ");
        LabError::Usage(format!("there is no scenario `{name}`; there are {known}"))
    })
}

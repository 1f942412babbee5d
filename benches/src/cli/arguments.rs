//! What the lab understands, and its help.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};

use crate::area::{AREAS, Area};
use crate::settings::Settings;
use crate::table::Cell;
use crate::trace::{Format, KeyColumn, TraceOptions};

const ABOUT: &str = "Shows what purlin's building blocks do, and measures them beside the best other crates.

Without a command: a short tour of all areas (under two minutes), one table per area, and a page with charts.";

const EXIT_STATUS: &str = "Exit status: 0 fine, 1 a bar was missed (versus --check), 2 usage, bad input, or a file that cannot be read or written.";

/// Arguments of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Global {
    /// Print JSON on standard output, and nothing else there
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Show no progress (it is shown only where standard error is a terminal)
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Seed of every random choice
    #[arg(long, global = true, value_name = "N", default_value_t = 42)]
    pub(super) seed: u64,
    /// Where pages are written [default: `lab` in cargo's target directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

impl Global {
    pub(super) fn settings(&self, matches: &clap::ArgMatches) -> Settings {
        Settings {
            seed: self.seed,
            quiet: self.quiet,
            arguments: matches.clone(),
            ..Settings::default()
        }
    }
}

/// Arguments of `lab <area>`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
pub(super) struct InDepth {
    /// Only these variants
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(super) variant: Vec<String>,
    /// Only these sizes
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub(super) size: Vec<u64>,
}

/// How to read a trace.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
pub(super) struct Reading {
    /// A recorded trace, instead of the made workload
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The trace's format, where its name does not tell
    #[arg(long, value_enum, requires = "trace")]
    format: Option<Format>,
    /// The column of a CSV trace that holds the key: its name in the header line, or its number
    /// (from 1) in a file without one
    #[arg(long, value_name = "COLUMN", default_value = "1", value_parser = clap::value_parser!(KeyColumn))]
    key_column: KeyColumn,
}

impl Reading {
    pub(super) fn trace(self) -> Option<(PathBuf, TraceOptions)> {
        let options = TraceOptions {
            format: self.format,
            key_column: self.key_column,
        };
        self.trace.map(|path| (path, options))
    }
}

/// Arguments of `lab versus`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
pub(super) struct VersusArguments {
    /// The area to measure
    #[arg(value_parser = PossibleValuesParser::new(AREAS.iter().map(|area| area.name())))]
    pub(super) area: String,
    /// Exit with status 1 when a bar is missed, and say which
    #[arg(long)]
    pub(super) check: bool,
    /// Measure for a fraction of the time: to see that all runs, not for figures
    #[arg(long)]
    pub(super) fast: bool,
    /// Run one row, by its id
    #[arg(long, value_name = "ID")]
    pub(super) only: Option<String>,
}

/// The whole command line.
#[must_use]
pub fn command() -> Command {
    // The argument groups bring their own comments as help texts, so that the commands' come last.
    let versus = Reading::augment_args(VersusArguments::augment_args(Command::new("versus")))
        .about("Measures an area beside the best other crates (feature `rivals`)");
    let trace = Reading::augment_args(Command::new("trace"))
        .about("Says what is in a recorded trace: requests, distinct keys, bytes")
        .mut_arg("trace", |trace| {
            trace.long(None).required(true).help("The file")
        });
    Global::augment_args(Command::new("lab"))
        .about("Shows what purlin's building blocks do, and measures them beside the best other crates")
        .long_about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(EXIT_STATUS)
        .subcommand_value_name("AREA or COMMAND")
        .subcommand_help_heading("Areas and commands")
        .disable_help_subcommand(true)
        .subcommands(AREAS.iter().map(|area| in_depth(*area)))
        .subcommands([versus, trace])
}

fn in_depth(area: &dyn Area) -> Command {
    let command = InDepth::augment_args(Command::new(area.name()))
        .mut_arg("variant", |variant| {
            variant.value_parser(PossibleValuesParser::new(area.variants()))
        })
        .mut_arg("size", |size| {
            let sizes = area.sizes();
            let [least, most] = [sizes.start(), sizes.end()].map(|bound| Cell::count(*bound));
            let help = format!("Only these sizes: {}; from {least} to {most}", area.size());
            size.help(help)
                .value_parser(clap::value_parser!(u64).range(sizes))
        });
    let command = if area.reads_traces() {
        Reading::augment_args(command)
    } else {
        command
    };
    area.arguments(command).about(area.about())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_lists_every_area_and_the_exit_status() {
        let help = command().render_long_help().to_string();
        for area in AREAS {
            assert!(
                help.contains(area.name()) && help.contains(area.about()),
                "{help}"
            );
        }
        assert!(help.contains("Exit status: 0"), "{help}");
    }

    #[test]
    fn unknown_variants_and_sizes_are_usage_errors() {
        for arguments in [
            ["lab", "core", "--variant", "nothing"],
            ["lab", "core", "--size", "0"],
            ["lab", "core", "--size", "x"],
        ] {
            let error = command()
                .try_get_matches_from(arguments)
                .expect_err("not usable");
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn lists_may_be_given_with_commas_or_again() {
        use clap::FromArgMatches as _;

        let arguments = [
            "lab", "core", "--size", "8,16", "--size", "64", "--seed", "7",
        ];
        let matches = command().try_get_matches_from(arguments).expect("usable");
        let (_, matches) = matches.subcommand().expect("an area");
        assert_eq!(
            InDepth::from_arg_matches(matches)
                .expect("just parsed")
                .size,
            [8, 16, 64]
        );
        assert_eq!(
            Global::from_arg_matches(matches).expect("just parsed").seed,
            7
        );
    }
}

//! The command line: `lab`, `lab <area>`, `lab versus <area>`, `lab trace`.
//!
//! Tables and JSON go to standard output, progress and messages to standard error. Exit status: 0
//! fine, 1 a bar was missed (`versus --check`), 2 anything that kept the lab from doing what it was
//! asked.

mod arguments;
mod output;

use std::io::{self, Write as _};
use std::path::{Path, absolute};
use std::process::ExitCode;

use clap::ArgMatches;
use serde::Serialize;

pub use self::arguments::command;
use self::arguments::{Global, InDepth, Reading, VersusArguments};
use crate::area::{self, AREAS, Area};
use crate::error::LabError;
use crate::page;
use crate::report::Report;
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::trace::{Summary, Trace};
use crate::versus::{self, Versus};

/// Runs the lab on the program's arguments.
#[must_use]
pub fn main() -> ExitCode {
    // Clap itself prints help and usage errors, the latter with status 2.
    let matches = command().get_matches();
    match dispatch(&matches) {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

fn dispatch(matches: &ArgMatches) -> Result<ExitCode, LabError> {
    match matches.subcommand() {
        None => tour(matches),
        Some(("versus", matches)) => run_versus(matches),
        Some(("trace", matches)) => run_trace(matches),
        Some((name, matches)) => run_area(name, matches),
    }
}

/// All areas, a few seconds each.
fn tour(matches: &ArgMatches) -> Result<ExitCode, LabError> {
    let global = read::<Global>(matches)?;
    let settings = global.settings(matches);
    let mut reports = Vec::with_capacity(AREAS.len());
    for area in AREAS {
        let report = area.tour(&settings)?;
        if !global.json {
            report.tables().try_for_each(print_table)?;
        }
        reports.push(report);
    }
    if global.json {
        print_json(&reports)?;
    }
    write_page(&global, "index.html", "purlin: the lab", &reports)?;
    Ok(ExitCode::SUCCESS)
}

/// One area, in depth.
fn run_area(name: &str, matches: &ArgMatches) -> Result<ExitCode, LabError> {
    let area = known(name)?;
    let global = read::<Global>(matches)?;
    let in_depth = read::<InDepth>(matches)?;
    let mut settings = Settings {
        sizes: in_depth.size,
        variants: in_depth.variant,
        ..global.settings(matches)
    };
    if area.reads_traces() {
        settings.trace = read::<Reading>(matches)?.trace();
    }
    let report = area.run(&settings)?;
    if global.json {
        print_json(&report)?;
    } else {
        report.tables().try_for_each(print_table)?;
    }
    let title = format!("purlin: {name}");
    write_page(
        &global,
        &format!("{name}.html"),
        &title,
        core::slice::from_ref(&report),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn run_versus(matches: &ArgMatches) -> Result<ExitCode, LabError> {
    let global = read::<Global>(matches)?;
    let arguments = read::<VersusArguments>(matches)?;
    let area = known(&arguments.area)?;
    let trace = read::<Reading>(matches)?.trace();
    if trace.is_some() {
        // To ignore it would show figures of something else.
        let name = area.name();
        return Err(LabError::Usage(format!(
            "the rows of {name} are measured on inputs of their own: leave --trace out{}",
            if area.reads_traces() {
                format!("; `lab {name} --trace` reads it")
            } else {
                String::new()
            }
        )));
    }
    let settings = Settings {
        fast: arguments.fast,
        ..global.settings(matches)
    };
    let versus = Versus::run(area, &settings, arguments.only.as_deref())?;
    if global.json {
        print_json(&versus)?;
    } else {
        print_table(&versus.contenders())?;
        print_table(&versus.summary())?;
    }
    let mut missed: Vec<&str> = versus.missed().map(|row| row.id.as_str()).collect();
    missed.extend(versus.disturbed.iter().map(String::as_str));
    if arguments.check && !missed.is_empty() {
        complain(&format!(
            "bars missed in {}: {}",
            area.name(),
            missed.join(", ")
        ));
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn run_trace(matches: &ArgMatches) -> Result<ExitCode, LabError> {
    let global = read::<Global>(matches)?;
    let Some((path, options)) = read::<Reading>(matches)?.trace() else {
        return Err(LabError::Usage("say which trace".to_owned()));
    };
    let summary = Summary::of(Trace::open(&path, &options)?)?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let mut table = Table::new(
        name,
        [
            "requests",
            "distinct keys",
            "asked for once",
            "bytes",
            "skipped entries",
        ],
    );
    let Summary {
        requests,
        distinct,
        once,
        bytes,
        skipped,
    } = summary;
    table.push([requests, distinct, once, bytes, skipped].map(Cell::count));
    if global.json {
        print_json(&table)?;
    } else {
        print_table(&table)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn known(name: &str) -> Result<&'static dyn Area, LabError> {
    area::find(name).ok_or_else(|| LabError::Usage(format!("there is no area {name}")))
}

fn read<T: clap::FromArgMatches>(matches: &ArgMatches) -> Result<T, LabError> {
    T::from_arg_matches(matches).map_err(|error| LabError::Usage(error.to_string()))
}

fn write_page(
    global: &Global,
    file: &str,
    title: &str,
    reports: &[Report],
) -> Result<(), LabError> {
    let path = output::directory(global.out.as_deref()).join(file);
    output::write_whole(&path, &page::render(title, &versus::machine(), reports)?)?;
    if !global.quiet {
        say(&path);
    }
    Ok(())
}

fn print_table(table: &Table) -> Result<(), LabError> {
    unless_closed(writeln!(
        anstream::stdout(),
        "{table}
"
    ))
}

fn print_json(value: &impl Serialize) -> Result<(), LabError> {
    let json = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    unless_closed(writeln!(anstream::stdout(), "{json}"))
}

/// A reader that has seen enough (`lab | head`) is no error.
fn unless_closed(written: io::Result<()>) -> Result<(), LabError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn say(path: &Path) {
    // To be found from any folder; as it is where the system does not know the current one.
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    // Nothing can be done where standard error is closed.
    let _ = writeln!(anstream::stderr(), "page: {}", path.display());
}

fn complain(message: &str) {
    let _ = writeln!(anstream::stderr(), "error: {message}");
}

//! What the user asked for, as an area sees it.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::LabError;
use crate::trace::{Trace, TraceOptions};

/// The settings of one run.
///
/// # Examples
///
/// ```
/// use purlin_benches::settings::Settings;
///
/// let settings = Settings { variants: vec!["xxh3".to_owned()], ..Settings::default() };
/// assert!(settings.wants("xxh3"));
/// assert!(!settings.wants("siphash-1-3"));
/// assert!(Settings::default().wants("siphash-1-3"), "no choice means all");
/// ```
#[derive(Debug, Clone)]
pub struct Settings {
    /// Every generator starts from it: same seed, same inputs.
    pub seed: u64,
    /// The variants to run, of the area's [`variants`](crate::area::Area::variants); empty means
    /// all.
    pub variants: Vec<String>,
    /// The sizes to run, in the area's own [`size`](crate::area::Area::size); empty means the
    /// area's choice.
    pub sizes: Vec<u64>,
    /// A trace to run on instead of the generated workload, for areas that read one.
    pub trace: Option<(PathBuf, TraceOptions)>,
    /// Show no progress. It is never shown where standard error is not a terminal.
    pub quiet: bool,
    /// Measure for a fraction of the time: to see that all runs, not for figures.
    pub fast: bool,
    /// The arguments of the area's own (see [`Area::arguments`](crate::area::Area::arguments)).
    pub arguments: clap::ArgMatches,
}

impl Default for Settings {
    /// Seed 42, everything the area's choice, no progress bars.
    fn default() -> Self {
        Self {
            seed: 42,
            variants: Vec::new(),
            sizes: Vec::new(),
            trace: None,
            quiet: true,
            fast: false,
            arguments: clap::ArgMatches::default(),
        }
    }
}

impl Settings {
    /// Whether the variant is to be run.
    #[must_use]
    pub fn wants(&self, variant: &str) -> bool {
        self.variants.is_empty() || self.variants.iter().any(|wanted| wanted == variant)
    }

    /// The sizes to run: the user's, otherwise `default`.
    #[must_use]
    pub fn sizes_or(&self, default: &[u64]) -> Vec<u64> {
        if self.sizes.is_empty() {
            default.to_vec()
        } else {
            self.sizes.clone()
        }
    }

    /// Opens the trace the user named, if any.
    ///
    /// # Errors
    ///
    /// As [`Trace::open`].
    pub fn open_trace(&self) -> Result<Option<Trace>, LabError> {
        let trace = self
            .trace
            .as_ref()
            .map(|(path, options)| Trace::open(path, options));
        Ok(trace.transpose()?)
    }

    /// A progress bar of `steps` steps on standard error, or nothing there when it is no terminal
    /// or the user wants quiet.
    #[must_use]
    pub fn progress(&self, label: &str, steps: usize) -> Progress {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:>10} {bar:24.cyan/dim} {pos}/{len} {msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_owned());
        Progress {
            bar,
            started: false,
        }
    }
}

/// A progress bar. It is taken off the terminal when dropped, so that an error or a table comes out
/// on a clean line.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    started: bool,
}

impl Progress {
    /// The last step is done, and this one begins.
    pub fn step(&mut self, what: &str) {
        if self.started {
            self.bar.inc(1);
        }
        self.started = true;
        self.bar.set_message(what.to_owned());
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

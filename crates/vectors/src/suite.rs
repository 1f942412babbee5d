use crate::case::message;
use crate::field::{Field, FileState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

type Test<'t> = Box<dyn Fn(&Field<'_>) + 't>;

/// The schemas that a test knows, each with what to do for a file of it.
pub struct Suite<'t> {
    area: String,
    tests: BTreeMap<String, Test<'t>>,
}

/// What came of all files.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was run and what was left out, for people.
    pub(crate) lines: Vec<String>,
    pub(crate) failures: Vec<String>,
}

/// Whose files are run: on a crate's own, everything must be understood.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Own,
    Brought,
}

impl fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemas: Vec<_> = self.tests.keys().collect();
        f.debug_struct("Suite")
            .field("area", &self.area)
            .field("schemas", &schemas)
            .finish()
    }
}

impl<'t> Suite<'t> {
    pub(crate) fn new(area: &str) -> Self {
        Self {
            area: area.to_owned(),
            tests: BTreeMap::new(),
        }
    }

    /// Says what to do for a file of a schema. The function gets the file's root and hands the
    /// cases in it to [`Field::cases`] or [`Field::case`].
    ///
    /// # Panics
    ///
    /// When the name is not of the form `area/name@version` with the suite's own area, or was given
    /// before.
    pub fn schema(&mut self, name: &str, test: impl Fn(&Field<'_>) + 't) {
        let of_area = name
            .strip_prefix(&self.area)
            .and_then(|rest| rest.strip_prefix('/'));
        assert!(
            of_area.is_some_and(|rest| rest.contains('@')),
            "schema `{name}` is not of the form `{}/name@version`",
            self.area
        );
        let before = self.tests.insert(name.to_owned(), Box::new(test));
        assert!(before.is_none(), "schema `{name}` was given before");
    }

    /// Runs the crate's own files and those of the brought folder, if there is one.
    pub(crate) fn run(&self, own: &Path, brought: Option<&Path>) -> Report {
        let mut report = Report::default();
        let mut unseen: Vec<&String> = self.tests.keys().collect();
        for path in report.files(own, Origin::Own) {
            let schema = self.run_file(&path, Origin::Own, &mut report);
            unseen.retain(|known| Some(*known) != schema.as_ref());
        }
        for schema in unseen {
            let nowhere = format!("schema `{schema}`: no file of it in {}", own.display());
            report.failures.push(nowhere);
        }
        match brought {
            Some(brought) if brought.is_dir() => {
                for path in report.files(brought, Origin::Brought) {
                    self.run_file(&path, Origin::Brought, &mut report);
                }
            }
            Some(brought) => report.lines.push(format!(
                "{}: no such folder; ran the crate's own files only",
                brought.display()
            )),
            None => {}
        }
        report
    }

    /// Runs one file and answers its schema.
    fn run_file(&self, path: &Path, origin: Origin, report: &mut Report) -> Option<String> {
        let shown = path.display();
        let root = match parse(path) {
            Ok(root) => root,
            Err(error) => {
                report.failures.push(format!("{shown}: {error}"));
                return None;
            }
        };
        let schema = root.get("schema").and_then(Value::as_str);
        let Some((schema, test)) = schema.and_then(|schema| self.tests.get_key_value(schema))
        else {
            let schema = match schema {
                Some(schema) => format!("schema `{schema}` is not known"),
                None => "names no schema".to_owned(),
            };
            report.left_out(origin, format!("{shown}: {schema}; nothing of it was run"));
            return None;
        };
        let file = FileState::default();
        let field = Field {
            value: &root,
            path: String::new(),
            file: &file,
        };
        let stopped = catch_unwind(AssertUnwindSafe(|| test(&field))).err();
        let unread = if stopped.is_some() {
            BTreeMap::new()
        } else {
            field.unread()
        };

        let tally = file.tally.take();
        report.lines.push(format!(
            "{shown}: {} passed, {} differ on purpose, {} failed",
            tally.passed,
            tally.differing.len(),
            tally.failed
        ));
        report.lines.extend(
            tally
                .differing
                .iter()
                .map(|case| format!("{shown}: differs on purpose: {case}")),
        );
        if tally.ran() == 0 {
            report.failures.push(format!("{shown}: no case was run"));
        }
        report.failures.extend(
            tally
                .failures
                .iter()
                .map(|failure| format!("{shown}: {failure}")),
        );
        report.failures.extend(
            stopped.map(|payload| format!("{shown}: outside of any case: {}", message(&*payload))),
        );
        for (field, count) in unread {
            report.left_out(
                origin,
                format!("{shown}: field `{field}` was never read ({count}x)"),
            );
        }
        Some(schema.clone())
    }
}

fn parse(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))
}

impl Report {
    /// The vector files of a folder, sorted; what is none of them is left out, but for a README.
    fn files(&mut self, folder: &Path, origin: Origin) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> = match entries {
            Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
            Err(error) => {
                self.failures.push(format!("{}: {error}", folder.display()));
                return Vec::new();
            }
        };
        paths.sort();
        paths.retain(|path| {
            let is_vectors = path.is_file() && path.extension().is_some_and(|e| e == "json");
            if !is_vectors && path.file_name().is_none_or(|name| name != "README.md") {
                self.left_out(origin, format!("{}: no vector file", path.display()));
            }
            is_vectors
        });
        paths
    }

    /// Notes what the test did not understand: a failure on the crate's own files.
    fn left_out(&mut self, origin: Origin, what: String) {
        match origin {
            Origin::Own => self.failures.push(what),
            Origin::Brought => self.lines.push(what),
        }
    }

    /// Prints the lines to the real standard output: a test that passes would otherwise hide what
    /// it left out.
    pub(crate) fn print(&self) {
        let mut out = std::io::stdout().lock();
        for line in &self.lines {
            // Nobody reads a closed pipe; the test's verdict does not depend on it.
            let _ = writeln!(out, "vectors: {line}");
        }
    }

    /// The failures, the first hundred of them.
    pub(crate) fn summary(&self) -> String {
        const SHOWN: usize = 100;
        let mut summary = format!("{} failures in the test vectors:", self.failures.len());
        for failure in self.failures.iter().take(SHOWN) {
            summary += "\n  ";
            summary += failure;
        }
        if let Some(more) = self
            .failures
            .len()
            .checked_sub(SHOWN)
            .filter(|more| *more > 0)
        {
            summary += &format!("\n  ... and {more} more");
        }
        summary
    }
}

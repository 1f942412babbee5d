use crate::field::{BadField, Field};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One case of a vector file: a [`Field`] to read from, whose results can be checked.
///
/// Failed checks are collected, so one case can report several. A case that checks nothing fails.
#[derive(Debug)]
pub struct Case<'f> {
    field: Field<'f>,
    /// Of an entry of an object of cases.
    key: Option<&'f str>,
    checks: Cell<usize>,
    mismatches: RefCell<Vec<String>>,
    differs: RefCell<Option<String>>,
}

/// What came of the cases of a file.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// Cases that differ on purpose, each with its reason.
    pub(crate) differing: Vec<String>,
    pub(crate) failed: usize,
    /// What failed, in the order of the file; a case may have several.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn ran(&self) -> usize {
        self.passed + self.differing.len() + self.failed
    }
}

impl<'f> Deref for Case<'f> {
    type Target = Field<'f>;

    fn deref(&self) -> &Field<'f> {
        &self.field
    }
}

impl<'f> Case<'f> {
    /// Checks that two values are equal; `what` names the result in the failure. One type for both,
    /// so that `case.read(..)` knows what to read.
    pub fn check_eq<T: PartialEq + Debug>(&self, what: &str, actual: T, expected: T) {
        self.record(actual == expected, || {
            format!(
                "{what}: got {}, expected {}",
                shown(&actual),
                shown(&expected)
            )
        });
    }

    /// Checks that a number is within an absolute `tolerance` of the expected one. A NaN is never
    /// close.
    #[expect(
        clippy::float_cmp,
        reason = "equal infinities are close, though their difference is NaN"
    )]
    pub fn check_close(&self, what: &str, actual: f64, expected: f64, tolerance: f64) {
        let close = actual == expected || (actual - expected).abs() <= tolerance;
        self.record(close, || {
            format!("{what}: got {actual:?}, expected {expected:?} +- {tolerance:?}")
        });
    }

    /// Checks that a statement holds; `what` says it in words.
    pub fn check(&self, what: &str, holds: bool) {
        self.record(holds, || format!("does not hold: {what}"));
    }

    /// Declares that we differ from this case on purpose.
    ///
    /// Its failed checks are then expected: the report lists the case with the reason and does not
    /// count it as passed. Should it agree after all, that is a failure, so that no stale
    /// reason stays behind. Panics and bad fields fail as ever.
    pub fn differs(&self, reason: &str) {
        *self.differs.borrow_mut() = Some(reason.to_owned());
    }

    /// The case's `name` or `id`; its key, where the cases are the entries of an object; or else
    /// its place in the file, such as `cases[3]`.
    #[must_use]
    pub fn name(&self) -> &str {
        let named = |key| self.field.value.get(key)?.as_str();
        let name = named("name").or_else(|| named("id")).or(self.key);
        name.unwrap_or(&self.field.path)
    }

    fn record(&self, holds: bool, failure: impl FnOnce() -> String) {
        self.checks.set(self.checks.get() + 1);
        if !holds {
            self.mismatches.borrow_mut().push(failure());
        }
    }

    /// Runs one case and puts what came of it into the file's tally.
    pub(crate) fn run(field: Field<'f>, key: Option<&'f str>, test: impl Fn(&Self)) {
        field.ignore(&["name", "id"]);
        let case = Self {
            field,
            key,
            checks: Cell::new(0),
            mismatches: RefCell::default(),
            differs: RefCell::default(),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&case)));
        case.conclude(outcome.err().map(|payload| message(&*payload)));
    }

    fn conclude(self, stopped: Option<String>) {
        if stopped.is_some() {
            // It had no chance to read the rest.
            self.field.mark_read();
        }
        let name = match self.name() {
            path if path == self.field.path => format!("`{path}`"),
            name => format!("`{}` ({name})", self.field.path),
        };
        let mut mismatches = self.mismatches.into_inner();
        let mut tally = self.field.file.tally.borrow_mut();
        match (stopped, self.differs.into_inner()) {
            (None, Some(reason)) if !mismatches.is_empty() => {
                tally.differing.push(format!("{name}: {reason}"));
                return;
            }
            (None, Some(reason)) => {
                mismatches.push(format!(
                    "declared to differ ({reason}), but every check holds"
                ));
            }
            (None, None) if self.checks.get() == 0 => {
                mismatches.push("nothing was checked".to_owned());
            }
            (stopped, _) => mismatches.extend(stopped),
        }
        if mismatches.is_empty() {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            let failures = mismatches
                .iter()
                .map(|failure| format!("{name}: {failure}"));
            tally.failures.extend(failures);
        }
    }
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(BadField(message)) = payload.downcast_ref() {
        return message.clone();
    }
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("panicked: {}", said.unwrap_or("(no message)"))
}

/// A value in a failure, cut where it would fill the screen.
fn shown(value: &impl Debug) -> String {
    const LIMIT: usize = 500;
    let text = format!("{value:?}");
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{} ... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

use crate::case::{Case, Tally};
use crate::decode::Decode;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::panic::resume_unwind;

/// Keys that hold prose for people; they may be left unread anywhere in a file.
const PROSE: &[&str] = &["source", "note", "semantics", "why"];

/// Keys that hold prose at the top of a file; further in they may be data, and then must be read.
const PROSE_OF_FILE: &[&str] = &["schema", "rule", "formula", "algorithm"];

/// A value at a place in a vector file: what a case reads its inputs and expectations from.
///
/// Everything read is remembered, so that the report can name what never was. A value that is
/// missing or of the wrong type ends the case and becomes a failure that names the file, the case
/// and the field.
#[derive(Clone, Debug)]
pub struct Field<'f> {
    pub(crate) value: &'f Value,
    pub(crate) path: String,
    pub(crate) file: &'f FileState,
}

/// What is known of a file while its test runs.
#[derive(Debug, Default)]
pub(crate) struct FileState {
    /// The values that were read whole, by their address in the parsed file.
    read: RefCell<HashSet<*const Value>>,
    pub(crate) tally: RefCell<Tally>,
}

/// The panic payload of a bad field: a message that already names the field.
pub(crate) struct BadField(pub(crate) String);

impl<'f> Field<'f> {
    /// Whether a key right below this place is known to hold prose.
    fn is_prose(&self, key: &str) -> bool {
        PROSE.contains(&key) || self.path.is_empty() && PROSE_OF_FILE.contains(&key)
    }

    /// Reads the value under a key. A missing key or `null` is `None` for `Option<T>` and a failure
    /// for everything else.
    ///
    /// ```no_run
    /// # fn case(case: &purlin_vectors::Case<'_>) {
    /// let seed: u64 = case.read("seed"); // 7, "7" or "0x7"
    /// let steps: Vec<(u64, i64, bool)> = case.read("steps"); // [[0, -1, true], [5, 2, false]]
    /// let retry_after: Option<u64> = case.read("retry_after");
    /// # }
    /// ```
    #[must_use = "what is read and not used is not tested; say `ignore` where that is meant"]
    pub fn read<T: Decode>(&self, key: &str) -> T {
        match self.get(key) {
            Some(field) => field.decode(),
            None => T::absent().unwrap_or_else(|| self.child(key, self.value).fail("is missing")),
        }
    }

    /// Reads this value itself, such as one item of a [`list`](Self::list).
    #[must_use = "what is read and not used is not tested; say `ignore` where that is meant"]
    pub fn decode<T: Decode>(&self) -> T {
        T::decode(self)
    }

    /// The value under a key; a failure where it is missing or `null`.
    #[must_use]
    pub fn at(&self, key: &str) -> Self {
        self.get(key)
            .unwrap_or_else(|| self.child(key, self.value).fail("is missing"))
    }

    /// The value under a key, or `None` where it is missing or `null`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        let Value::Object(fields) = self.value else {
            self.fail("is no object")
        };
        let field = self.child(key, fields.get(key)?);
        if field.value.is_null() {
            field.mark_read();
            return None;
        }
        Some(field)
    }

    /// The items of this array.
    #[must_use]
    pub fn list(&self) -> Vec<Self> {
        let Value::Array(items) = self.value else {
            self.fail("is no array")
        };
        if items.is_empty() {
            self.mark_read();
        }
        let item = |(index, value)| Self {
            value,
            path: format!("{}[{index}]", self.path),
            file: self.file,
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The keys of this object and what is under them, in the order of the keys.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'f str, Self)> {
        let Value::Object(fields) = self.value else {
            self.fail("is no object")
        };
        if fields.is_empty() {
            self.mark_read();
        }
        let entry = |(key, value): (&'f String, _)| (key.as_str(), self.child(key, value));
        fields.iter().map(entry).collect()
    }

    /// The value as parsed, for shapes that [`Decode`] does not fit. All that is below it counts as
    /// read.
    #[must_use]
    pub fn json(&self) -> &'f Value {
        self.mark_read();
        self.value
    }

    /// Leaves these keys of this object unread, knowingly. Prose (`schema`, `source`, `note`,
    /// `semantics`, `rule`, `formula`, `algorithm`, `why`) needs no mention.
    pub fn ignore(&self, keys: &[&str]) {
        for key in keys {
            if let Some(value) = self.value.get(key) {
                self.child(key, value).mark_read();
            }
        }
    }

    /// Runs every item of the array, or every entry of the object, under a key as a case. See
    /// [`Case::name`] for what it is called.
    ///
    /// All cases run, whatever becomes of the ones before.
    pub fn cases(&self, key: &str, test: impl Fn(&Case<'f>)) {
        let cases = self.at(key);
        if cases.value.is_object() {
            for (key, field) in cases.entries() {
                Case::run(field, Some(key), &test);
            }
        } else {
            for field in cases.list() {
                Case::run(field, None, &test);
            }
        }
    }

    /// Runs the value under a key as one case: for a case that is an object of its own.
    pub fn case(&self, key: &str, test: impl Fn(&Case<'f>)) {
        Case::run(self.at(key), None, &test);
    }

    /// Ends the case (or, outside of cases, the file) with a failure that names this field. For
    /// implementations of [`Decode`].
    ///
    /// # Panics
    ///
    /// Always; the runner catches it.
    pub fn fail(&self, what: &str) -> ! {
        // Past the panic hook: this is a finding about the file, not a defect of the program that
        // needs a backtrace.
        let place = match self.path.as_str() {
            "" => "the file".to_owned(),
            path => format!("field `{path}`"),
        };
        resume_unwind(Box::new(BadField(format!("{place} {what}"))))
    }

    /// Everything below this value counts as read.
    pub(crate) fn mark_read(&self) {
        self.file.read.borrow_mut().insert(self.value);
    }

    fn child(&self, key: &str, value: &'f Value) -> Self {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            parent => format!("{parent}.{key}"),
        };
        Self {
            value,
            path,
            file: self.file,
        }
    }

    /// The fields that nothing has read, array indices left out, and how often each occurs.
    pub(crate) fn unread(&self) -> BTreeMap<String, usize> {
        let mut unread = BTreeMap::new();
        if self.collect_unread(&mut unread) {
            unread = BTreeMap::from([(self.path.clone(), 1)]);
        }
        unread
    }

    /// Collects what is unread below this field. True, with nothing collected, when that is
    /// everything: the caller then names the field as a whole.
    fn collect_unread(&self, unread: &mut BTreeMap<String, usize>) -> bool {
        let address: *const Value = self.value;
        if self.file.read.borrow().contains(&address) {
            return false;
        }
        let children: Vec<Self> = match self.value {
            Value::Array(items) if !items.is_empty() => self.list(),
            Value::Object(fields) if !fields.is_empty() => {
                let of_substance = |(key, field)| (!self.is_prose(key)).then_some(field);
                self.entries()
                    .into_iter()
                    .filter_map(of_substance)
                    .collect()
            }
            _ => return true,
        };
        let mut below = BTreeMap::new();
        let (whole, in_part): (Vec<_>, Vec<_>) = children
            .iter()
            .partition(|child| child.collect_unread(&mut below));
        if in_part.is_empty() {
            return !whole.is_empty(); // only prose: nothing was missed
        }
        for child in whole {
            *unread.entry(without_indices(&child.path)).or_default() += 1;
        }
        for (path, count) in below {
            *unread.entry(path).or_default() += count;
        }
        false
    }
}

/// `cases[3].steps[0]` as `cases[].steps[]`.
fn without_indices(path: &str) -> String {
    let is_index = |piece: &&str| !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_digit());
    let pieces = path
        .split_inclusive(['[', ']'])
        .map(|piece| match piece.strip_suffix(']') {
            Some(index) if is_index(&index) => "]",
            _ => piece,
        });
    pieces.collect()
}

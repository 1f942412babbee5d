//! Histories with known verdicts: porcupine's test data, whose register histories are Jepsen runs
//! against etcd.
//!
//! They are read from `$PURLIN_VECTORS/quorum/porcupine` and are not part of this project. The
//! README there has the formats and the source.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use purlin_sim::history::{History, OpId};
use purlin_sim::linearizability::{self, CheckError};
use purlin_sim::model::{ByKey, Model, Register, RegisterOp, RegisterRet};
use thiserror::Error;

/// A text that can be extended: what a model of one's own looks like.
struct Text;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum TextOp {
    Get,
    Put(String),
    Append(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TextRet {
    Value(String),
    Done,
}

impl Model for Text {
    type Op = TextOp;
    type Ret = TextRet;
    type State = String;
    type Key = ();

    fn key(&self, _: &TextOp) {}

    fn initial(&self, (): &()) -> String {
        String::new()
    }

    fn step(&self, text: &String, op: &TextOp, ret: Option<&TextRet>) -> Option<String> {
        match (op, ret) {
            (TextOp::Get, None) => Some(text.clone()),
            (TextOp::Get, Some(TextRet::Value(value))) => (value == text).then(|| text.clone()),
            (TextOp::Put(value), None | Some(TextRet::Done)) => Some(value.clone()),
            (TextOp::Append(value), None | Some(TextRet::Done)) => Some(text.clone() + value),
            _ => None,
        }
    }

    fn is_read(&self, op: &TextOp, _: &TextRet) -> bool {
        *op == TextOp::Get
    }

    fn may_answer(
        &self,
        text: &String,
        op: &TextOp,
        ret: &TextRet,
        others: &mut dyn Iterator<Item = &TextOp>,
    ) -> bool {
        let (TextOp::Get, TextRet::Value(value)) = (op, ret) else {
            return true;
        };
        let missing = value.strip_prefix(text.as_str());
        let mut steps = others.filter_map(|other| match other {
            TextOp::Get => None,
            TextOp::Put(new) => Some((value.as_str(), new)),
            TextOp::Append(more) => missing.map(|missing| (missing, more)),
        });
        missing == Some("") || steps.any(|(wanted, start)| wanted.starts_with(start))
    }
}

/// A line that is not in the format of its file.
#[derive(Debug, Error)]
#[error("{file}:{line}: {reason}")]
struct Unparseable {
    file: String,
    line: usize,
    reason: String,
}

/// A history that is being read, with the operation each process waits for.
struct Reader<Op, Ret> {
    history: History<Op, Ret>,
    waiting: HashMap<u64, (OpId, Op)>,
}

/// What a line says about the operation its process waits for.
enum Ending<Ret> {
    Returned(Ret),
    /// It may take effect at any later time, or never; the process will not wait any longer.
    Unknown,
}

impl<Op: Clone, Ret> Reader<Op, Ret> {
    /// Feeds the lines of `file` one by one to `parse`, and says where it failed.
    fn read(
        file: &Path,
        parse: impl Fn(&mut Self, &str) -> Result<(), String>,
    ) -> Result<History<Op, Ret>, Unparseable> {
        let located = |line, reason| Unparseable {
            file: file.display().to_string(),
            line,
            reason,
        };
        let mut reader = Self {
            history: History::new(),
            waiting: HashMap::new(),
        };
        let text = fs::read_to_string(file).map_err(|error| located(0, error.to_string()))?;
        for (index, line) in text.lines().enumerate() {
            parse(&mut reader, line).map_err(|reason| located(index + 1, reason))?;
        }
        Ok(reader.history)
    }

    fn invoke(&mut self, process: u64, op: Op) -> Result<(), String> {
        let id = self.history.invoke(process, op.clone());
        match self.waiting.insert(process, (id, op)) {
            None => Ok(()),
            Some((id, _)) => Err(format!("process {process} still waits for {id}")),
        }
    }

    /// Ends the operation of `process`; `ending` is told which it is.
    fn end(
        &mut self,
        process: u64,
        ending: impl FnOnce(&Op) -> Result<Ending<Ret>, String>,
    ) -> Result<(), String> {
        let waiting = self.waiting.remove(&process);
        let (id, op) = waiting.ok_or_else(|| format!("process {process} waits for nothing"))?;
        match ending(&op)? {
            Ending::Returned(ret) => self
                .history
                .complete(id, ret)
                .map_err(|error| error.to_string()),
            Ending::Unknown => Ok(()),
        }
    }
}

/// A line of a Jepsen log: `INFO  jepsen.util - PROCESS  :TYPE  :F  VALUE`.
fn jepsen_line(
    reader: &mut Reader<RegisterOp<i64>, RegisterRet<i64>>,
    line: &str,
) -> Result<(), String> {
    use RegisterOp::{CompareAndSet, Read, Write};
    use RegisterRet::{Refused, Swapped, Value, Written};

    let words: Vec<_> = line.split_whitespace().collect();
    let ["INFO", "jepsen.util", "-", process, kind, f, value @ ..] = words.as_slice() else {
        return Err("not `INFO jepsen.util - PROCESS :TYPE :F VALUE`".into());
    };
    let process = number(process)?;
    if *kind == ":invoke" {
        let op = match (*f, value) {
            (":read", ["nil"]) => Read,
            (":write", [value]) => Write(number(value)?),
            (":cas", [old, new]) => {
                let (old, new) = pair(old, new)?;
                CompareAndSet {
                    expected: Some(old),
                    new,
                }
            }
            _ => return Err(format!("cannot invoke {f} {value:?}")),
        };
        return reader.invoke(process, op);
    }
    reader.end(process, |op| {
        let timed_out = value == [":timed-out"];
        Ok(Ending::Returned(match (*kind, *f, *op) {
            (":fail" | ":info", ":read", Read) if timed_out => return Ok(Ending::Unknown),
            (":info", ":write", Write(_)) if timed_out => return Ok(Ending::Unknown),
            (":info", ":cas", CompareAndSet { .. }) if timed_out => return Ok(Ending::Unknown),
            (":ok", ":read", Read) if value == ["nil"] => Value(None),
            (":ok", ":read", Read) => match value {
                [value] => Value(Some(number(value)?)),
                _ => return Err(format!("cannot have read {value:?}")),
            },
            (":ok", ":write", Write(written)) if value == [written.to_string()] => Written,
            (":ok" | ":fail", ":cas", CompareAndSet { expected, new }) => match value {
                [a, b] if pair(a, b).is_ok_and(|(old, b)| (Some(old), b) == (expected, new)) => {
                    if *kind == ":ok" {
                        Swapped
                    } else {
                        Refused
                    }
                }
                _ => return Err(format!("{value:?} is not what was invoked")),
            },
            _ => return Err(format!("{kind} {f} {value:?} does not end {op:?}")),
        }))
    })
}

fn number<T: core::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number in range"))
}

fn pair(old: &str, new: &str) -> Result<(i64, i64), String> {
    let old = old.strip_prefix('[').ok_or("no [ before the pair")?;
    let new = new.strip_suffix(']').ok_or("no ] after the pair")?;
    Ok((number(old)?, number(new)?))
}

/// A line of a store's history: `{:process P, :type :T, :f :F, :key "K", :value V}` where V is
/// `nil` or a text in quotes.
fn edn_line(reader: &mut Reader<(String, TextOp), TextRet>, line: &str) -> Result<(), String> {
    let parse = || {
        let rest = line.strip_prefix("{:process ")?.strip_suffix('}')?;
        let (process, rest) = rest.split_once(", :type :")?;
        let (kind, rest) = rest.split_once(", :f :")?;
        let (f, rest) = rest.split_once(", :key \"")?;
        let (key, value) = rest.split_once("\", :value ")?;
        let value = match value {
            "nil" => None,
            _ => Some(value.strip_prefix('"')?.strip_suffix('"')?),
        };
        // An escape would mean another text than is written here.
        let plain = |text: &str| !text.contains(['"', '\\']);
        (plain(key) && value.is_none_or(plain)).then_some((process, kind, f, key, value))
    };
    let (process, kind, f, key, value) =
        parse().ok_or("not `{:process P, :type :T, :f :F, :key \"K\", :value V}`")?;
    let process = number(process)?;
    let op = match (f, value) {
        ("get", _) => TextOp::Get,
        ("put", Some(value)) => TextOp::Put(value.to_owned()),
        ("append", Some(value)) => TextOp::Append(value.to_owned()),
        _ => return Err(format!("unknown operation :{f} {value:?}")),
    };
    match (kind, value) {
        ("invoke", None) => reader.invoke(process, (key.to_owned(), op)),
        ("invoke", Some(_)) if op != TextOp::Get => reader.invoke(process, (key.to_owned(), op)),
        ("ok", Some(value)) => reader.end(process, |(invoked_key, invoked)| {
            if (invoked_key.as_str(), invoked) != (key, &op) {
                return Err(format!("{invoked:?} of {invoked_key:?} was invoked"));
            }
            Ok(Ending::Returned(match op {
                TextOp::Get => TextRet::Value(value.to_owned()),
                _ => TextRet::Done,
            }))
        }),
        _ => Err(format!("unknown event :{kind} {value:?}")),
    }
}

/// Whether `history` is linearizable, and how many configurations it took to know.
fn verdict<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> (bool, usize) {
    match linearizability::check(model, history) {
        Ok(linearization) => (true, linearization.configurations),
        Err(CheckError::NotLinearizable(evidence)) => (false, evidence.configurations),
        Err(undecided) => panic!("{undecided}"),
    }
}

fn check_file(file: &Path) -> Result<(bool, usize), Unparseable> {
    if file.extension().is_some_and(|extension| extension == "log") {
        Ok(verdict(
            &Register::new(None),
            &Reader::read(file, jepsen_line)?,
        ))
    } else {
        Ok(verdict(&ByKey::new(Text), &Reader::read(file, edn_line)?))
    }
}

fn folder() -> Result<PathBuf, &'static str> {
    let vectors = std::env::var_os("PURLIN_VECTORS").ok_or("PURLIN_VECTORS is not set")?;
    let folder = Path::new(&vectors).join("quorum/porcupine");
    let there = folder.is_dir();
    there
        .then_some(folder)
        .ok_or("$PURLIN_VECTORS/quorum/porcupine is not there")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real time is what is printed")]
fn verdicts_are_those_of_porcupine() {
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return println!("SKIP {why}"),
    };
    let kinds = ["jepsen", "kv"].into_iter();
    let files = kinds.flat_map(|kind| fs::read_dir(folder.join(kind)).unwrap());
    let mut unexpected: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    let mut wrong = Vec::new();
    let expected = fs::read_to_string(folder.join("EXPECTED.tsv")).unwrap();
    for (index, line) in expected.lines().enumerate() {
        let (name, expected) = match line.split_once('\t') {
            Some((name, "linearizable")) => (name, true),
            Some((name, "NOT-linearizable")) => (name, false),
            _ => panic!("EXPECTED.tsv:{}: neither verdict: {line:?}", index + 1),
        };
        let file = folder.join(name);
        let started = std::time::Instant::now();
        let (linearizable, configurations) =
            check_file(&file).unwrap_or_else(|error| panic!("{error}"));
        let took = started.elapsed().as_secs_f64() * 1e3;
        println!(
            "{name:<19} linearizable: {linearizable:<5} {took:>8.2} ms {configurations:>7} configurations"
        );
        if linearizable != expected {
            wrong.push(name);
        }
        unexpected.retain(|other| *other != file);
    }
    assert!(
        wrong.is_empty(),
        "other verdicts than porcupine's: {wrong:?}"
    );
    assert!(unexpected.is_empty(), "no expected verdict: {unexpected:?}");
    assert!(!expected.is_empty(), "no history ran");
}

#[test]
fn a_bad_line_is_named() {
    let file = std::env::temp_dir().join(format!("purlin-porcupine-{}.log", std::process::id()));
    let good = "INFO  jepsen.util - 3\t:invoke\t:read\tnil\n";
    let bad = [
        ("INFO  jepsen.util - 3\t:ok\t:read\tthree\n", "not a number"),
        (
            "INFO  jepsen.util - 3\t:ok\t:write\t3\n",
            "does not end Read",
        ),
        (
            "INFO  jepsen.util - 4\t:ok\t:read\tnil\n",
            "waits for nothing",
        ),
        (
            "INFO  jepsen.util - 3\t:invoke\t:read\tnil\n",
            "still waits",
        ),
        ("something else\n", "not `INFO"),
    ];
    for (line, reason) in bad {
        fs::write(&file, [good, line].concat()).unwrap();
        let error = check_file(&file).unwrap_err();
        assert_eq!(error.line, 2, "{error}");
        assert!(error.reason.contains(reason), "{error}");
    }
    fs::remove_file(file).unwrap();
}

//! The scripts' format: comments, a command line, body lines, `----`, and what is expected up to the
//! next blank line.

use thiserror::Error;

/// A line of a script with its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// One command and what it is expected to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Where the command stands.
    pub(crate) line: usize,
    pub(crate) command: String,
    /// The words after the command.
    pub(crate) args: Vec<Arg>,
    pub(crate) body: Vec<String>,
    pub(crate) expected: Vec<Line>,
}

/// `key`, `key=value` or `key=(value,value)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arg {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// A line that is not in the format.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub(crate) struct Unparseable {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl Directive {
    /// The values of `key=`, or none.
    pub(crate) fn values(&self, key: &str) -> &[String] {
        let arg = self.args.iter().find(|arg| arg.key == key);
        arg.map_or(&[], |arg| &arg.values)
    }

    /// The value of `key=`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values(key).first().map(String::as_str)
    }

    /// The numbers of `key=`.
    pub(crate) fn numbers(&self, key: &str) -> Result<Vec<u64>, String> {
        self.values(key).iter().map(|value| number(value)).collect()
    }

    /// The words before the first `key=value`, which are numbers in every command but one.
    pub(crate) fn positional(&self) -> Result<Vec<u64>, String> {
        self.words().map(number).collect()
    }

    /// The words that have no value.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.args.iter().filter(|arg| arg.values.is_empty());
        words.map(|arg| arg.key.as_str())
    }

    /// The first number: the node that the command is for, or how many nodes.
    pub(crate) fn node(&self) -> Result<u64, String> {
        number(self.words().next().ok_or("no node is named")?)
    }

    /// Whether it is expected to print `text` somewhere.
    pub(crate) fn expects(&self, text: &str) -> bool {
        self.expected.iter().any(|line| line.text.contains(text))
    }
}

pub(crate) fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}

/// The directives of a script.
pub(crate) fn parse(script: &str) -> Result<Vec<Directive>, Unparseable> {
    let numbered = (1..).zip(script.lines());
    let mut lines = numbered
        .map(|(number, text)| Line {
            number,
            text: text.trim_end().to_owned(),
        })
        .peekable();
    let mut directives = Vec::new();
    while let Some(Line { number: line, text }) = lines.next() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |reason: &str| Unparseable {
            line,
            reason: reason.to_owned(),
        };
        let (command, args) = text.split_once(' ').unwrap_or((&text, ""));
        let args = arguments(args).map_err(|reason| wrong(&reason))?;
        let mut body = Vec::new();
        loop {
            match lines.next() {
                Some(line) if line.text == "----" => break,
                Some(line) => body.push(line.text),
                None => return Err(wrong("no ---- after the command")),
            }
        }
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.text.is_empty()) {
            expected.push(line);
        }
        directives.push(Directive {
            line,
            command: command.to_owned(),
            args,
            body,
            expected,
        });
    }
    Ok(directives)
}

fn arguments(text: &str) -> Result<Vec<Arg>, String> {
    let mut rest = text.trim();
    let mut args = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (values, after) = match after.strip_prefix('=') {
            None => (Vec::new(), after),
            Some(list) if list.starts_with('(') => {
                let (list, after) = list[1..]
                    .split_once(')')
                    .ok_or("a list that does not end")?;
                let values = list.split(',').map(|value| value.trim().to_owned());
                (values.filter(|value| !value.is_empty()).collect(), after)
            }
            Some(value) => {
                let (value, after) = value.split_at(value.find(' ').unwrap_or(value.len()));
                (vec![value.to_owned()], after)
            }
        };
        args.push(Arg {
            key: key.to_owned(),
            values,
        });
        rest = after.trim_start();
    }
    Ok(args)
}

#[test]
fn the_format_is_read() {
    let script = "# a comment\n\nadd-nodes 3 voters=(1, 2,3) learners=() index=10\n----\nok\n\n\
                  propose-conf-change 1\nv4 l5\nr1\n----\na\n  b\n\n\nlog-level none\n----\nok";
    let directives = parse(script).unwrap();
    let [add, change, level] = directives.as_slice() else {
        panic!("three directives: {directives:#?}");
    };
    assert_eq!((add.line, add.command.as_str()), (3, "add-nodes"));
    assert_eq!(add.node(), Ok(3));
    assert_eq!(add.numbers("voters"), Ok(vec![1, 2, 3]));
    assert_eq!(add.numbers("index"), Ok(vec![10]));
    assert_eq!(add.values("learners"), [] as [String; 0]);
    assert_eq!(change.body, ["v4 l5", "r1"]);
    assert_eq!(
        change.expected[1],
        Line {
            number: 12,
            text: "  b".into()
        }
    );
    assert!(change.expects("b") && !change.expects("ok"));
    assert_eq!(level.words().collect::<Vec<_>>(), ["none"]);
    assert!(level.positional().unwrap_err().contains("none"));
}

#[test]
fn what_is_not_in_the_format_is_named() {
    let unparseable = |script| parse(script).unwrap_err().to_string();
    assert_eq!(
        unparseable("# x\ncampaign 1\n"),
        "line 2: no ---- after the command"
    );
    assert_eq!(
        unparseable("deliver-msgs drop=(1\n----\n"),
        "line 1: a list that does not end"
    );
}

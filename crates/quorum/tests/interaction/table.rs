//! `ETCD_SCRIPTS.md`: which scripts run, and where our nodes differ by design.

use super::script::number;
use std::collections::BTreeMap;

/// A line of a script that our nodes do not agree with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// In the script.
    pub(crate) line: usize,
    /// What the script says.
    pub(crate) etcd: String,
    /// What our nodes say; [`LATER`] when they say the same after one more heartbeat.
    pub(crate) here: String,
}

/// In the column of what our nodes say.
pub(crate) const LATER: &str = "a heartbeat later";

/// By script, the differences by design.
pub(crate) fn parse(page: &str) -> Result<BTreeMap<String, Vec<Difference>>, String> {
    let mut scripts = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let code = |cell: &str| cell.trim_matches('`').to_owned();
        match cells[..] {
            [script, ..] if !script.contains(".txt") => {}
            [script, _] => {
                if scripts.insert(code(script), Vec::new()).is_some() {
                    return Err(format!("{script} is listed twice"));
                }
            }
            [place, etcd, here, _] => {
                let place = code(place);
                let (script, line) = place
                    .split_once(':')
                    .ok_or_else(|| format!("no line: {place}"))?;
                let line = usize::try_from(number(line)?).map_err(|error| error.to_string())?;
                let differences = scripts
                    .get_mut(script)
                    .ok_or_else(|| format!("{script} is not listed"))?;
                differences.push(Difference {
                    line,
                    etcd: code(etcd),
                    here: code(here),
                });
            }
            _ => return Err(format!("neither a script nor a difference: {line}")),
        }
    }
    Ok(scripts)
}

#[test]
fn the_table_is_read() {
    let page = "# x\n| script | compared |\n|---|---|\n| `a.txt` | all |\n| `b.txt` | all |\n\
                | line | etcd | here | why |\n| `b.txt:7` | `x y` | a heartbeat later | because |\n";
    let scripts = parse(page).unwrap();
    assert_eq!(scripts["a.txt"], []);
    let difference = Difference {
        line: 7,
        etcd: "x y".into(),
        here: LATER.into(),
    };
    assert_eq!(scripts["b.txt"], [difference]);
    assert_eq!(
        parse("| `c.txt:1` | a | b | c |").unwrap_err(),
        "c.txt is not listed"
    );
    assert!(
        parse("| `a.txt` | all |\n| `a.txt` | all |")
            .unwrap_err()
            .contains("twice")
    );
}

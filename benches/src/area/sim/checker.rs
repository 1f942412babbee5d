//! Is a history linearizable, and how long does it take to say?

use purlin_sim::Probability;
use purlin_sim::history::History;
use purlin_sim::linearizability;
use purlin_sim::model::Register;

use super::register::{self, Op, Ret};
use crate::error::LabError;
use crate::plot::{Axis, Line, Plot, Scale};
use crate::settings::Settings;
use crate::table::{Cell, Table};
use crate::versus::harness::{self, Effort};
use crate::versus::{Contender, Contest, Over};

/// Few values, each written again and again: a read does not tell which write it saw, and the
/// checker has to search. (With a value of its own for every write both checkers take longer, the
/// rival by more.)
const VALUES: u64 = 5;

/// The unknown outcomes of the tables: the loss of each message, and what comes of it.
const LOSSES: [(Probability, &str); 2] = [
    (Probability::NEVER, "all answered"),
    (Probability::ppm(5_000), "1 in 100 unknown"),
];

/// Checks a history of 1,000 operations of eight processes; one operation is one check. Ours
/// answers with the order it found, the rival with yes.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn beside_rivals(settings: &Settings) -> Result<Contest, LabError> {
    let history = register::history(1_000, VALUES, Probability::NEVER, settings.seed);
    #[cfg(feature = "rivals")]
    let theirs = theirs(&history);
    let contest = enter(Contest::over(vec![()]), "purlin-sim check", history);
    #[cfg(feature = "rivals")]
    let contest = contest.rival("todc-utils WGLChecker", move |()| {
        // It consumes the history. To copy it is a ten thousandth of the time.
        let linearizable = TheirChecker::is_linearizable(theirs.clone());
        assert!(linearizable, "it is the history of an atomic register");
    });
    Ok(contest.build())
}

/// The same with 10,000 operations, which the rival, whose time is quadratic, takes ten seconds or
/// more for: ours alone.
#[expect(clippy::unnecessary_wraps, reason = "rows may fail, this one does not")]
pub(super) fn alone(settings: &Settings) -> Result<Contest, LabError> {
    let history = register::history(10_000, VALUES, Probability::NEVER, settings.seed);
    Ok(enter(Contest::over(vec![()]), "purlin-sim check", history).build())
}

fn enter(contest: Over<()>, name: &str, history: History<Op, Ret>) -> Over<()> {
    let register = Register::new(None);
    contest.ours(name, move |()| {
        let order = linearizability::check(&register, &history);
        order.unwrap_or_else(|error| panic!("it is the history of an atomic register: {error}"))
    })
}

#[cfg(feature = "rivals")]
type TheirChecker = todc_utils::linearizability::WGLChecker<
    todc_utils::specifications::register::RegisterSpecification<Option<u64>>,
>;

#[cfg(feature = "rivals")]
type TheirHistory = todc_utils::linearizability::history::History<
    todc_utils::specifications::register::RegisterOperation<Option<u64>>,
>;

/// The same history in the rival's terms.
#[cfg(feature = "rivals")]
fn theirs(history: &History<Op, Ret>) -> TheirHistory {
    use purlin_sim::model::{RegisterOp, RegisterRet};
    use todc_utils::linearizability::history::Action::{Call, Response};
    use todc_utils::specifications::register::RegisterOperation::{Read, Write};

    let mut events = Vec::with_capacity(2 * history.len());
    for operation in history.iter() {
        let (Some(completion), Ok(process)) =
            (operation.completion, usize::try_from(operation.process))
        else {
            unreachable!("eight processes, and every operation was answered")
        };
        let (call, response) = match (operation.op, completion.ret) {
            (RegisterOp::Read, RegisterRet::Value(value)) => (Read(None), Read(Some(*value))),
            (RegisterOp::Write(value), _) => (Write(Some(*value)), Write(Some(*value))),
            other => unreachable!("only reads and writes are made: {other:?}"),
        };
        events.push((operation.call, (process, Call(call))));
        events.push((completion.at, (process, Response(response))));
    }
    events.sort_unstable_by_key(|(at, _)| *at);
    TheirHistory::from_actions(events.into_iter().map(|(_, action)| action).collect())
}

/// The time of a check by the length of the history, without and with unknown outcomes.
pub(super) fn by_length(lengths: &[usize], settings: &Settings, effort: Effort) -> (Table, Plot) {
    let mut contenders: Vec<Contender> = Vec::with_capacity(LOSSES.len() * lengths.len());
    let mut unknown = Vec::with_capacity(lengths.len());
    for length in lengths {
        for (loss, name) in LOSSES {
            let history = register::history(*length, VALUES, loss, settings.seed);
            unknown.push(history.open());
            contenders.push(
                enter(Contest::over(vec![()]), name, history)
                    .build()
                    .into_ours(),
            );
        }
    }
    let series = harness::interleave(&mut contenders, effort, settings.seed);
    let medians: Vec<Option<f64>> = series
        .iter()
        .map(|series| series.median().map(|ns| ns / 1e6))
        .collect();

    let columns = [
        "operations",
        "all answered",
        "some unknown",
        "of them unknown",
    ];
    let mut table = Table::new("Checking a history for linearizability", columns);
    let mut lines = LOSSES.map(|(_, name)| (name, Vec::new()));
    let rows = medians
        .chunks(LOSSES.len())
        .zip(unknown.chunks(LOSSES.len()));
    for (length, (medians, unknown)) in lengths.iter().zip(rows) {
        table.push([
            Cell::count(*length as u64),
            Cell::maybe_number(medians[0], "ms"),
            Cell::maybe_number(medians[1], "ms"),
            Cell::count(unknown[1] as u64),
        ]);
        for ((_, points), median) in lines.iter_mut().zip(medians) {
            points.extend(median.map(|median| (*length as f64, median)));
        }
    }
    let note = format!(
        "Histories of one register that eight clients read and write over a network, {VALUES} different values. Unknown: the client gave up, and the operation may take \
         effect at any later time, or never; the more of them, the more orders are possible."
    );
    let x = Axis::new("operations", Scale::Log10);
    let y = Axis::new("milliseconds (median)", Scale::Log10);
    let lines = lines.map(|(name, points)| Line::new(name, points)).to_vec();
    (
        table.note(note),
        Plot::lines("One check, by length of the history", x, y, lines),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histories_are_linearizable_also_where_outcomes_are_unknown() {
        for (loss, _) in LOSSES {
            let history = register::history(2_000, VALUES, loss, 3);
            let checked = linearizability::check(&Register::new(None), &history);
            assert!(checked.expect("one atomic register").order.len() >= 2_000 - history.open());
        }
    }

    #[cfg(feature = "rivals")]
    #[test]
    fn the_rival_reads_the_same_history() {
        use purlin_sim::model::RegisterRet;

        let history = register::history(200, VALUES, Probability::NEVER, 3);
        assert!(TheirChecker::is_linearizable(theirs(&history)));
        // One answer that nobody wrote, and both say no.
        let mut wrong = History::new();
        let write = wrong.invoke(0, purlin_sim::model::RegisterOp::Write(1));
        wrong.complete(write, RegisterRet::Written).expect("open");
        let read = wrong.invoke(1, purlin_sim::model::RegisterOp::Read);
        wrong
            .complete(read, RegisterRet::Value(Some(2)))
            .expect("open");
        assert!(!TheirChecker::is_linearizable(theirs(&wrong)));
        assert!(linearizability::check(&Register::new(None), &wrong).is_err());
    }
}

use super::{History, HistoryError, OpId};

#[test]
fn positions_follow_the_calls() {
    let mut history = History::new();
    let a = history.invoke(1, 'a');
    let b = history.invoke(1, 'b');
    history.complete(b, 'B').unwrap();
    let c = history.invoke(2, 'c');
    history.complete(a, 'A').unwrap();

    let seen: Vec<_> = history
        .iter()
        .map(|o| {
            (
                o.id,
                o.process,
                *o.op,
                o.call,
                o.completion.map(|done| (done.at, *done.ret)),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (a, 1, 'a', 0, Some((4, 'A'))),
            (b, 1, 'b', 1, Some((2, 'B'))),
            (c, 2, 'c', 3, None)
        ]
    );
    assert_eq!((history.len(), history.open()), (3, 1));
}

#[test]
fn an_operation_ends_once() {
    let mut history = History::new();
    let a = history.invoke(0, 'a');
    let b = history.invoke(0, 'b');
    history.complete(a, 1).unwrap();
    history.cancel(b).unwrap();

    let again = HistoryError::AlreadyCompleted { id: a, at: 2 };
    assert_eq!(history.complete(a, 2), Err(again));
    assert_eq!(history.cancel(a), Err(again));
    let gone = HistoryError::AlreadyCancelled { id: b };
    assert_eq!(history.complete(b, 2), Err(gone));
    assert_eq!(history.cancel(b), Err(gone));
    // The first answer stands, and the refused events took no position.
    assert_eq!(
        history.get(a).unwrap().completion.map(|done| *done.ret),
        Some(1)
    );
    let c = history.invoke(0, 'c');
    assert_eq!(history.get(c).unwrap().call, 3);
}

#[test]
fn an_id_of_a_longer_history_is_refused() {
    let mut long = History::<_, ()>::new();
    long.invoke(0, 'a');
    let foreign = long.invoke(0, 'b');
    let mut short = History::new();
    short.invoke(0, 'a');
    let unknown = HistoryError::UnknownOperation {
        id: foreign,
        invoked: 1,
    };
    assert_eq!(short.complete(foreign, ()), Err(unknown));
    assert_eq!(short.cancel(foreign), Err(unknown));
    assert!(short.get(foreign).is_none());
}

#[test]
fn cancelled_operations_are_not_there() {
    let mut history = History::<_, ()>::new();
    assert!(history.is_empty());
    let a = history.invoke(0, 'a');
    history.invoke(0, 'b');
    history.cancel(a).unwrap();
    assert_eq!(
        (history.len(), history.open(), history.is_empty()),
        (1, 1, false)
    );
    assert_eq!(history.iter().map(|o| o.id).collect::<Vec<_>>(), [OpId(1)]);
    assert_eq!(history.to_string(), "#1  process 0  1..   'b' -> ?\n");
}

#[test]
fn columns_line_up() {
    let mut history = History::new();
    for process in 0..11_u64 {
        let id = history.invoke(process, process);
        if process != 10 {
            history.complete(id, ()).unwrap();
        }
    }
    let text = history.to_string();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("#0   process 0    0..1   0 -> ()"));
    assert_eq!(lines.next_back(), Some("#10  process 10  20..    10 -> ?"));
}

//! Many keys in one history.

use purlin_sim::history::Operation;
use purlin_sim::model::{KeyValue, Register, RegisterOp, RegisterRet};

use crate::atomic::{Random, corrupted, edited, register_operations, run};
use crate::oracle::accepts;

#[test]
fn keys_are_independent() {
    let store = KeyValue::<usize, usize>::new(Register::new(None));
    let mut violations = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let operations: Vec<_> = register_operations(seed, 200, 100, 4)
            .map(|(op, fate)| ((random.below(6), op), fate))
            .collect();
        let history = run(&store, operations, 12, |bound| random.below(bound));
        let reads = history
            .iter()
            .filter(|operation| operation.op.1 == RegisterOp::Read);
        let reads: Vec<_> = reads.map(|operation| operation.id).collect();
        let (wrong, value) = (reads[random.below(reads.len())], random.below(4));
        let history = corrupted(&history, |operation| {
            (operation.id == wrong).then_some(RegisterRet::Value(Some(value)))
        });

        let verdict = accepts(&store, &history);
        violations += usize::from(!verdict);
        // Each key without the events of the others gives the same.
        let alone = |key| {
            let part = |operation: &Operation<'_, (usize, RegisterOp<usize>), _>| {
                let ret = operation.completion.map(|done| *done.ret);
                (operation.op.0 == key).then_some((operation.op.1, ret))
            };
            accepts(&Register::new(None), &edited(&history, part))
        };
        assert_eq!((0..6).all(alone), verdict, "seed {seed}\n{history}");
        // What keys are called does not matter.
        let names = ["f", "a", "d", "b", "e", "c"];
        let renamed = edited(&history, |operation| {
            let ret = operation.completion.map(|done| *done.ret);
            Some(((names[operation.op.0], operation.op.1), ret))
        });
        let store = KeyValue::<&str, usize>::new(Register::new(None));
        assert_eq!(accepts(&store, &renamed), verdict, "seed {seed}\n{history}");
    }
    println!("{violations} of 400 histories are not linearizable");
    assert!((80..320).contains(&violations), "{violations}");
}

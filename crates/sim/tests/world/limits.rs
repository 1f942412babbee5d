use crate::recorder::{Do, Script, What, ms, takes, tell};

/// A lease far away, which every message moves on, and a retransmission near by: the pattern of most protocols.
#[test]
fn deadlines_that_come_and_go_leave_nothing_behind() {
    let script = Script::new(|seen| match seen.what {
        What::Message { .. } => vec![Do::At(seen.at + ms(1))],
        What::Timeout => vec![Do::Disarm, Do::At(seen.at + ms(1_000_000))],
        _ => Vec::new(),
    });
    let mut world = script.world(2, 1).links(takes(0)).build();
    for _ in 0..1_000 {
        tell(&mut world, 0, &[Do::Send(1, 1)]);
        world.run_for(ms(10));
    }
    assert_eq!(script.times(1, |what| *what == What::Timeout).len(), 1_000);
    let mut events = 0;
    world.run_until_true(ms(1_005_000), |_| {
        events += 1;
        false
    });
    assert!(events < 10, "{events} events for one deadline");
}

use crate::recorder::{Do, Script, at, ms, takes, tell};
use purlin_core::node::NodeId;
use purlin_sim::{Fault, NodeSet, Schedule, World};

fn set(nodes: &[u64]) -> NodeSet {
    nodes.iter().copied().map(NodeId).collect()
}

fn cut(from: &[u64], to: &[u64]) -> Fault {
    Fault::Cut {
        from: set(from),
        to: set(to),
    }
}

fn world(script: &Script, faults: Schedule) -> World<Script> {
    script.world(4, 1).links(takes(1)).faults(faults).build()
}

/// Who reaches whom at a time, tried out with messages; checked against what `is_cut` says.
fn reached(script: &Script, world: &mut World<Script>, moment: u64) -> Vec<(u64, u64)> {
    world.run_until(at(moment));
    let pairs: Vec<(u64, u64)> = (0..4)
        .flat_map(|from| (0..4).map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    for (from, to) in &pairs {
        tell(
            world,
            *from,
            &[Do::Send(*to, moment * 100 + from * 10 + to)],
        );
    }
    world.run_until(at(moment + 3));
    let arrives = |(from, to): &(u64, u64)| {
        let number = moment * 100 + from * 10 + to;
        let arrived = script.numbers(*to).contains(&number);
        assert_eq!(arrived, !world.is_cut(NodeId(*from), NodeId(*to)));
        arrived
    };
    pairs.into_iter().filter(arrives).collect()
}

fn all_but(missing: &[(u64, u64)]) -> Vec<(u64, u64)> {
    (0..4)
        .flat_map(|from| (0..4).map(move |to| (from, to)))
        .filter(|pair| pair.0 != pair.1 && !missing.contains(pair))
        .collect()
}

#[test]
fn a_cut_is_one_way() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(10), ms(20), cut(&[0], &[1, 2]));
    let mut world = world(&script, faults);
    assert_eq!(reached(&script, &mut world, 1), all_but(&[]));
    assert_eq!(reached(&script, &mut world, 15), all_but(&[(0, 1), (0, 2)]));
    assert_eq!(reached(&script, &mut world, 40), all_but(&[]));
    assert_eq!(world.stats().lost, 2);
}

#[test]
fn two_nodes_may_lose_each_other_and_both_reach_the_rest() {
    let script = Script::idle();
    let faults =
        Schedule::new()
            .with(at(10), ms(20), cut(&[0], &[1]))
            .with(at(10), ms(20), cut(&[1], &[0]));
    let mut world = world(&script, faults);
    assert_eq!(reached(&script, &mut world, 15), all_but(&[(0, 1), (1, 0)]));
}

#[test]
fn a_split_is_both_ways_and_whole_on_each_side() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(10), ms(20), Fault::Split(set(&[1, 3])));
    let mut world = world(&script, faults);
    let sides = [(0, 2), (2, 0), (1, 3), (3, 1)];
    let mut reaches = reached(&script, &mut world, 15);
    reaches.sort_unstable();
    let mut expected = sides.to_vec();
    expected.sort_unstable();
    assert_eq!(reaches, expected);
    assert_eq!(reached(&script, &mut world, 40), all_but(&[]));
}

#[test]
fn when_one_of_two_overlapping_cuts_heals_the_other_stays() {
    let script = Script::idle();
    let faults = Schedule::new()
        .with(at(10), ms(20), cut(&[0], &[1]))
        .with(at(20), ms(40), cut(&[0], &[1]))
        .with(at(25), ms(20), Fault::Split(set(&[0])));
    let mut world = world(&script, faults);
    let isolated = [(0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)];
    assert_eq!(reached(&script, &mut world, 15), all_but(&[(0, 1)]));
    assert_eq!(reached(&script, &mut world, 26), all_but(&isolated));
    assert_eq!(reached(&script, &mut world, 35), all_but(&isolated));
    assert_eq!(reached(&script, &mut world, 50), all_but(&[(0, 1)]));
    assert_eq!(reached(&script, &mut world, 70), all_but(&[]));
}

#[test]
fn what_was_under_way_when_the_cut_began_arrives_and_what_is_sent_in_it_does_not() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(10), ms(20), cut(&[0], &[1]));
    let mut world = script.world(2, 1).links(takes(5)).faults(faults).build();
    for moment in [8, 12, 28] {
        world.run_until(at(moment));
        tell(&mut world, 0, &[Do::Send(1, moment)]);
    }
    world.run_until(at(100));
    assert_eq!(script.messages(1), [(13, 8)]);
}

#[test]
fn a_cut_covers_its_first_instant_and_heals_at_its_last() {
    let script = Script::idle();
    let faults = Schedule::new().with(at(10), ms(20), cut(&[0], &[1]));
    let mut world = world(&script, faults);
    let (zero, one) = (NodeId(0), NodeId(1));
    let nanosecond = core::time::Duration::from_nanos(1);
    for (moment, is_cut) in [
        (at(10) - nanosecond, false),
        (at(10), true),
        (at(30) - nanosecond, true),
        (at(30), false),
    ] {
        world.run_until(moment);
        assert_eq!(world.is_cut(zero, one), is_cut, "{moment}");
    }
}

#[test]
fn an_injected_fault_begins_now_and_ends_itself() {
    let script = Script::idle();
    let mut world = world(&script, Schedule::new());
    world.run_until(at(5));
    world.inject(Fault::Split(set(&[2])), ms(10));
    assert!(world.is_cut(NodeId(2), NodeId(0)) && world.is_cut(NodeId(0), NodeId(2)));
    world.run_until(at(15));
    assert!(!world.is_cut(NodeId(2), NodeId(0)));
    assert!(world.faults().is_empty());
}

#[test]
fn a_new_schedule_begins_what_lies_in_the_past_and_what_had_begun_goes_on() {
    let script = Script::idle();
    let faults =
        Schedule::new()
            .with(at(10), ms(40), cut(&[0], &[1]))
            .with(at(30), ms(40), cut(&[0], &[2]));
    let mut world = world(&script, faults);
    world.run_until(at(20));
    world.set_faults(Schedule::new().with(at(5), ms(40), cut(&[0], &[3])));
    world.run_until(at(35));
    let is_cut = |world: &World<Script>, to| world.is_cut(NodeId(0), NodeId(to));
    assert!(is_cut(&world, 1), "it had begun");
    assert!(!is_cut(&world, 2), "it was replaced");
    assert!(is_cut(&world, 3), "it is late, and begins at once");
    world.run_until(at(100));
    assert!((1..4).all(|to| !is_cut(&world, to)));
}

//! Sessions stay where they are.

use super::NOW;
use proptest::prelude::*;
use purlin_lb::policy::{Hashed, RoundRobin, SessionToken, Sticky, TokenError};
use purlin_lb::{Cluster, ClusterBuilder, Health, NodeId, Request, Upstream};

fn sessions(ids: core::ops::Range<u64>) -> Cluster<u64, Sticky<RoundRobin>> {
    Cluster::new(Sticky::new(RoundRobin::from(0)), ids.map(Upstream::new)).expect("distinct")
}

/// Where a session at that endpoint goes; the inner policy would send no two requests in a row to one.
fn at(cluster: &Cluster<u64, Sticky<RoundRobin>>, session: u64) -> Option<u64> {
    let request = Request::new().sticky(NodeId(session));
    let pick = || {
        cluster
            .pick_at(NOW, &request)
            .ok()
            .map(|lease| *lease.node())
    };
    let (first, second) = (pick(), pick());
    (first == second).then_some(first).flatten()
}

#[test]
fn a_session_stays_through_every_change_of_others() {
    let cluster = sessions(0..5);
    assert_eq!(at(&cluster, 3), Some(3));
    cluster.insert_at(NOW, 7).expect("it is new");
    cluster.remove(NodeId(0)).expect("it is there");
    assert_eq!(at(&cluster, 3), Some(3));
    // The last endpoint took the place of the first.
    assert_eq!(at(&cluster, 7), Some(7));
    let shuffled = [9, 7, 3, 4, 1].map(Upstream::new);
    cluster.replace_at(NOW, shuffled).expect("distinct");
    assert_eq!(at(&cluster, 3), Some(3));
    assert_eq!(at(&cluster, 7), Some(7));
}

#[test]
fn a_session_stays_while_its_endpoint_drains() {
    let cluster = sessions(0..5);
    cluster.drain(NodeId(3)).expect("it is there");
    assert_eq!(at(&cluster, 3), Some(3));
    // Who has no session does not go there.
    for _ in 0..20 {
        let lease = cluster
            .pick_at(NOW, &Request::new())
            .expect("four are open");
        assert_ne!(*lease.node(), 3);
    }
    // Degraded is no reason to leave, a weight of 0 is draining, too.
    cluster
        .set_health_at(NOW, NodeId(3), Health::Degraded)
        .expect("it is there");
    cluster.set_weight(NodeId(3), 0).expect("it is there");
    assert_eq!(at(&cluster, 3), Some(3));
    cluster.undrain_at(NOW, NodeId(3)).expect("it is there");
    assert_eq!(at(&cluster, 3), Some(3));

    cluster.remove(NodeId(3)).expect("it is there");
    assert_eq!(at(&cluster, 3), None);
    cluster.insert_at(NOW, 3).expect("it is gone");
    assert_eq!(at(&cluster, 3), Some(3), "it returned");
}

#[test]
fn a_session_leaves_an_endpoint_that_failed() {
    let cluster = sessions(0..5);
    cluster.eject(NodeId(3)).expect("it is there");
    assert_eq!(at(&cluster, 3), None);
    cluster.readmit_at(NOW, NodeId(3)).expect("it is there");
    assert_eq!(at(&cluster, 3), Some(3));

    cluster.drain(NodeId(3)).expect("it is there");
    cluster
        .set_health_at(NOW, NodeId(3), Health::Unhealthy)
        .expect("it is there");
    assert_eq!(at(&cluster, 3), None);
    assert_eq!(at(&cluster, 99), None, "who was never there");
}

#[test]
fn a_session_leaves_an_endpoint_that_its_request_excludes() {
    let cluster = sessions(0..2);
    let failed = [NodeId(1)];
    let retry = Request::new().sticky(NodeId(1)).exclude(&failed);
    for _ in 0..5 {
        let lease = cluster.pick_at(NOW, &retry).expect("another is open");
        assert_eq!(*lease.node(), 0);
    }
}

#[test]
fn in_a_panic_sessions_stay_with_the_unhealthy() {
    let cluster = ClusterBuilder::new(Sticky::new(RoundRobin::from(0)))
        .panic_threshold(50)
        .expect("a percentage")
        .build((0..3_u64).map(Upstream::new))
        .expect("distinct");
    cluster.eject(NodeId(0)).expect("it is there");
    assert_eq!(at(&cluster, 0), None);
    cluster.eject(NodeId(1)).expect("it is there");
    assert_eq!(at(&cluster, 0), Some(0));
    // Who drains takes none in a panic, unless it is well.
    cluster.drain(NodeId(0)).expect("it is there");
    assert_ne!(at(&cluster, 0), Some(0));
    cluster.drain(NodeId(2)).expect("it is there");
    assert_eq!(at(&cluster, 2), Some(2));
}

#[test]
fn without_its_endpoint_a_session_goes_by_the_policy_within() {
    let plain = Cluster::new(Hashed::slot_table(), (0..9_u64).map(Upstream::new));
    let sticky = Cluster::new(
        Sticky::new(Hashed::slot_table()),
        (0..9_u64).map(Upstream::new),
    );
    let (plain, sticky) = (plain.expect("distinct"), sticky.expect("distinct"));
    for key in 0..100_u64 {
        let request = Request::new().key(key.to_le_bytes());
        let expected = plain.pick_at(NOW, &request).expect("open");
        let found = sticky.pick_at(NOW, &request.sticky(NodeId(77)));
        assert_eq!(found.expect("open").node(), expected.node());
        let at_four = sticky.pick_at(NOW, &request.sticky(NodeId(4)));
        assert_eq!(*at_four.expect("open").node(), 4);
    }
}

#[test]
fn tokens_are_the_same_for_ever() {
    let token = SessionToken::of(NodeId(0x0123_4567_89ab_cdef));
    assert_eq!(token.to_string(), "0123456789abcdef");
    assert_eq!("0000000000000007".parse(), Ok(SessionToken::of(NodeId(7))));
    let refused = |text: &str| {
        text.parse::<SessionToken>()
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        refused("").unwrap_err(),
        "a session token has 16 bytes, not 0"
    );
    assert_eq!(
        refused("+00000000000000f").unwrap_err(),
        "a session token has hexadecimal digits only, in lower case: look at byte 0"
    );
    assert_eq!(
        "00000000000000F0".parse::<SessionToken>(),
        Err(TokenError::Digit { at: 14 })
    );
    // 16 bytes of which one digit takes two.
    assert_eq!(
        "00000000000000é".parse::<SessionToken>(),
        Err(TokenError::Digit { at: 14 })
    );
}

proptest! {
    #[test]
    fn a_token_is_what_it_was(id in any::<u64>()) {
        let token = SessionToken::of(NodeId(id));
        let text = token.to_string();
        prop_assert_eq!(text.parse(), Ok(token));
        prop_assert_eq!(u64::from_str_radix(&text, 16), Ok(id));
    }

    /// What is read is written the same: there is one token of an endpoint.
    #[test]
    fn any_text_is_a_token_or_refused(text in "\\PC{0,20}|[0-9a-fA-F]{14,18}") {
        if let Ok(token) = text.parse::<SessionToken>() {
            prop_assert_eq!(token.to_string(), text);
        } else {
            prop_assert!(text.len() != 16 || !text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        }
    }
}

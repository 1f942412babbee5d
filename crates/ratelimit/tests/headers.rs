//! Fields of responses: the examples of the draft, and what must not be said.

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{ConfigError, Decision, Denied, Instant, Reason};

fn admitted(limit: u64, remaining: u64, reset: u64, window: u64) -> Decision {
    let [reset, window] = [reset, window].map(Duration::from_secs);
    Decision::new(Ok(()), limit, remaining, reset, window)
}

fn refused(denied: Denied) -> Decision {
    let (reset, window) = (Duration::from_secs(300), Duration::from_secs(600));
    Decision::new(Err(denied), 10, 2, reset, window)
}

fn lines(decision: &Decision, policy: &str) -> Vec<String> {
    let line = |(name, value)| format!("{name}: {value}");
    decision
        .headers(policy)
        .expect("it is valid")
        .map(line)
        .collect()
}

#[test]
fn examples_of_the_draft() {
    // draft-ietf-httpapi-ratelimit-headers-10, sections 3, 3.2 and 4.2 and 6, field names in lower
    // case.
    let policies = [
        ("burst", 100, 60, "\"burst\";q=100;w=60"),
        ("daily", 1000, 86_400, "\"daily\";q=1000;w=86400"),
        ("default", 100, 10, "\"default\";q=100;w=10"),
        ("permin", 50, 60, "\"permin\";q=50;w=60"),
        ("perhr", 1000, 3600, "\"perhr\";q=1000;w=3600"),
    ];
    for (name, quota, window, value) in policies {
        let lines = lines(&admitted(quota, 0, 0, window), name);
        assert_eq!(lines[0], format!("ratelimit-policy: {value}"));
        assert_eq!(lines.len(), 2);
    }
    let services = [
        ("default", 50, 30, "\"default\";r=50;t=30"),
        ("problemPolicy", 0, 10, "\"problemPolicy\";r=0;t=10"),
        ("default", 300_000_000, 60, "\"default\";r=300000000;t=60"),
    ];
    for (name, remaining, reset, value) in services {
        let lines = lines(&admitted(remaining.max(1), remaining, reset, 60), name);
        assert_eq!(lines[1], format!("ratelimit: {value}"));
    }
}

#[test]
fn a_refusal_says_when_to_come_back_and_never_too_early() {
    let now = Instant::from_secs(7);
    let soon = refused(Denied::until(
        now,
        now + Duration::from_nanos(4_000_000_001),
    ));
    assert_eq!(
        lines(&soon, "p"),
        [
            "ratelimit-policy: \"p\";q=10;w=600",
            "ratelimit: \"p\";r=2;t=5",
            "retry-after: 5"
        ]
    );
    let legacy: Vec<_> = soon
        .legacy_headers()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        legacy,
        [
            "x-ratelimit-limit: 10",
            "x-ratelimit-remaining: 2",
            "x-ratelimit-reset: 5",
            "retry-after: 5"
        ]
    );
    // Where waiting does not help there is nothing to wait for.
    let never = refused(Denied::because(now, Reason::TooLarge));
    assert_eq!(
        lines(&never, "p"),
        [
            "ratelimit-policy: \"p\";q=10;w=600",
            "ratelimit: \"p\";r=2;t=300"
        ]
    );
}

#[test]
fn what_is_unknown_or_does_not_fit() {
    let mut decision = admitted(u64::MAX, u64::MAX, 0, 0);
    decision.window = Duration::from_millis(200);
    decision.reset_after = Duration::MAX;
    assert_eq!(
        lines(&decision, "p"),
        [
            "ratelimit-policy: \"p\";q=999999999999999;w=1",
            "ratelimit: \"p\";r=999999999999999"
        ]
    );
}

/// A string of RFC 9651, section 4.2.5, and what follows it.
fn parse(text: &str) -> (String, &str) {
    let mut rest = text.strip_prefix('"').expect("it is valid").char_indices();
    let mut name = String::new();
    while let Some((at, character)) = rest.next() {
        match character {
            '"' => return (name, &text[at + 2..]),
            '\\' => {
                let (_, escaped) = rest.next().expect("it is valid");
                assert!(matches!(escaped, '"' | '\\'));
                name.push(escaped);
            }
            ' '..='~' => name.push(character),
            _ => panic!("{character:?} in {text:?}"),
        }
    }
    panic!("{text:?} does not end")
}

proptest! {
    #[test]
    fn a_name_comes_out_as_it_went_in(name in "[ -~]{0,20}") {
        for line in lines(&admitted(5, 3, 2, 1), &name) {
            let (_, value) = line.split_once(": ").unwrap();
            let (read, rest) = parse(value);
            prop_assert_eq!(&read, &name);
            prop_assert!([";q=5;w=1", ";r=3;t=2"].contains(&rest), "{}", rest);
        }
    }

    #[test]
    fn a_name_that_cannot_stand_in_a_field_is_refused(
        before in "[ -~]{0,5}",
        bad in "[^ -~]",
        after in "[ -~]{0,5}",
    ) {
        let error = admitted(5, 3, 2, 1).headers(&format!("{before}{bad}{after}")).map(drop);
        let refused = matches!(error, Err(ConfigError::OutOfRange { field: "policy", .. }));
        prop_assert!(refused);
    }
}

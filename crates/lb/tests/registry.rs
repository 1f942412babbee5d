//! The policies by name.

extern crate alloc;

use alloc::collections::BTreeSet;
use purlin_lb::registry::{Options, Policy, VARIANTS};
use purlin_lb::{Cluster, Instant, Request, Upstream};

#[test]
fn rows_are_those_of_the_policies_and_names_lead_back() {
    let names: BTreeSet<_> = VARIANTS.iter().map(|variant| variant.name).collect();
    assert_eq!(names.len(), VARIANTS.len());
    for variant in VARIANTS {
        assert_eq!(variant.policy.variant(), variant);
        assert_eq!(variant.name.parse(), Ok(variant.policy));
        assert_eq!(variant.name.replace('_', "-").parse(), Ok(variant.policy));
        assert_eq!(variant.policy.to_string(), variant.name);
        assert_eq!(
            serde_json::to_string(&variant.policy).unwrap(),
            format!("{:?}", variant.name)
        );
    }
}

#[test]
fn an_unknown_name_is_told_with_those_there_are() {
    let error = "rond_robin".parse::<Policy>().unwrap_err();
    assert_eq!(error.name, "rond_robin");
    let text = error.to_string();
    assert!(VARIANTS.iter().all(|variant| text.contains(variant.name)));
}

/// Two processes that are not told a seed do not begin alike.
#[test]
fn without_a_seed_clients_begin_anywhere() {
    // But for keys, which agree on purpose, and nginx's sequence, which begins with the heaviest.
    let anywhere = VARIANTS.iter().filter(|variant| {
        !variant.capabilities.keyed && variant.policy != Policy::SmoothWeightedRoundRobin
    });
    for variant in anywhere {
        let firsts: BTreeSet<u64> = (0..60)
            .map(|_| {
                let upstreams = (0..20_u64).map(Upstream::new);
                let policy = variant.policy.build(&Options::default());
                let cluster = Cluster::new(policy, upstreams).unwrap();
                let lease = cluster.pick_at(Instant::ORIGIN, &Request::new()).unwrap();
                *lease.node()
            })
            .collect();
        assert!(firsts.len() > 5, "{}: {firsts:?}", variant.name);
    }
}

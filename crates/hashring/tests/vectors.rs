//! Published facts about placements: every case of `tests/vectors/*.json`.

use purlin_core::hash::KeyHash;
use purlin_hashring::bucket;
use purlin_vectors::{Case, Field};

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "hashring", |suite| {
        suite.schema("hashring/jump@1", jump);
    });
}

fn jump(file: &Field<'_>) {
    file.cases("tables", |case| {
        let key = KeyHash(case.read("key"));
        let expected: Vec<u32> = case.read("by_bucket_count_from_1");
        let actual: Vec<u32> = (1..)
            .map_while(|n| bucket::jump(key, n))
            .take(expected.len())
            .collect();
        case.check_eq("buckets", actual, expected);
    });
    let single = |case: &Case<'_>| {
        let bucket = bucket::jump(KeyHash(case.read("key")), case.read("buckets"));
        case.check_eq("bucket", bucket, Some(case.read("out")));
    };
    file.cases("golden100", single);
    file.cases("cases", single);
}

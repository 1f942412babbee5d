//! Refreshing by futures.

use super::{early, reserve};
use core::future::pending;
use core::time::Duration;
use purlin_cache::LoadError;
use purlin_cache::sync::refresh::Served;
use tokio::sync::oneshot;
use tokio::time::timeout;

#[tokio::test]
async fn one_task_refreshes_and_the_others_do_not_wait() {
    let cache = early();
    let (go, may_go) = oneshot::channel();
    let (started, has_started) = oneshot::channel();
    let refresh = {
        let cache = cache.clone();
        let load = async move {
            started.send(()).expect("the test waits");
            may_go.await.map_err(|_| "the test sends")
        };
        tokio::spawn(async move { cache.get_or_refresh_async(7, load).await })
    };
    has_started.await.expect("it is polled");
    let other = cache.get_or_refresh_async(7, async { Err("not polled") });
    assert!(matches!(other.await, Ok(Served::Stale { value: 1, .. })));
    go.send(2).expect("it waits");
    let refreshed = refresh.await.expect("no panic");
    assert!(matches!(refreshed, Ok(Served::Loaded(2))));
    assert_eq!(cache.get(&7), Some(2));
}

#[tokio::test]
async fn an_error_is_answered_with_the_old_value() {
    let cache = reserve();
    let failed = cache
        .get_or_refresh_async(7, async { Err("no route") })
        .await;
    let Ok(Served::StaleIfError { value, error, .. }) = failed else {
        panic!("not {failed:?}");
    };
    assert_eq!(value, 1);
    assert!(matches!(error, LoadError::Failed(why) if *why == "no route"));
    let failed = cache
        .get_or_refresh_async(8, async { Err("no route") })
        .await;
    assert!(matches!(failed, Err(LoadError::Failed(_))));
}

/// Neither by its caller nor by who runs it elsewhere.
#[tokio::test]
async fn a_refresh_that_is_given_up_holds_nobody_up() {
    let soon = Duration::from_millis(10);
    for cache in [early(), reserve()] {
        let stuck = cache.get_or_refresh_async(7, pending::<Result<u64, ()>>());
        assert!(timeout(soon, stuck).await.is_err());
        let (_, refresh) = cache.get_and_refresh(7);
        let refresh = refresh.expect("nobody has it");
        let stuck = refresh.run_async(pending::<Result<u64, ()>>());
        assert!(timeout(soon, stuck).await.is_err());
        let next = cache
            .get_or_refresh_async(7, async { Ok::<_, ()>(2) })
            .await;
        assert!(matches!(next, Ok(Served::Loaded(2))));
    }
}

#[tokio::test]
async fn a_task_waits_for_a_refresh_that_runs_elsewhere() {
    let cache = reserve();
    let (_, refresh) = cache.get_and_refresh(7);
    let refresh = refresh.expect("it is due");
    let elsewhere = async {
        tokio::task::yield_now().await;
        refresh.run_async(async { Ok::<_, ()>(2) }).await
    };
    let waits = cache.get_or_refresh_async(7, async { Ok::<_, ()>(3) });
    let (waited, ran) = tokio::join!(waits, elsewhere);
    assert!(matches!(waited, Ok(Served::Loaded(2))));
    assert_eq!(ran.expect("no error"), 2);
}

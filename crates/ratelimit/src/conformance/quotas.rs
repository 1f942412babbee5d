//! Constructors.

use super::draw::Draw;
use super::subject::{Case, Subject};
use crate::{Instant, Quota, Reason};
use core::time::Duration;

/// Any numbers make a limiter or a typed error, never a panic. A limiter that is made grants its
/// limit at once and no more, and answers whatever it is asked.
#[track_caller]
pub fn any_quota(subject: &Subject<'_>, seed: u64) {
    let property = "any_quota";
    let case = Case { property, seed };
    let mut draw = Draw::new(seed);
    for _ in 0..200 {
        let [count, period, burst] = [(); 3].map(|()| draw.extreme().max(1));
        let burst = if subject.capabilities().bursts {
            burst
        } else {
            count
        };
        let quota = Quota::new(count, Duration::from_nanos(period));
        let Ok(quota) = quota.and_then(|quota| quota.with_burst(burst)) else {
            case.fail(format_args!("none of {count}, {period}, {burst} is zero"))
        };
        let Ok(limiter) = subject.try_build(quota) else {
            continue;
        };
        case.equal(
            &limiter.limit(),
            &burst,
            format_args!("the limit of {quota}"),
        );
        let now = Instant::from_nanos(draw.below(1 << 40));
        if let Some(more) = burst.checked_add(1) {
            let never = limiter
                .try_acquire_at(now, more)
                .map_err(|denied| denied.reason());
            let what = format_args!("more than ever fit, by {quota}");
            case.equal(&never, &Err(Reason::TooLarge), what);
        }
        let all = limiter.try_acquire_at(now, burst);
        case.check(
            all.is_ok(),
            format_args!("the whole of {quota} is refused at first: {all:?}"),
        );
        let one = limiter.try_acquire_at(now, 1);
        case.check(one.is_err(), format_args!("more than all of {quota}"));
        for _ in 0..10 {
            let (at, cost) = (Instant::from_nanos(draw.extreme()), draw.extreme());
            // Their answers are compared elsewhere. Here they must come.
            let _ = limiter.check_at(at, cost).retry_after();
            let _ = limiter.peek_at(at, cost).retry_after();
            let max_wait = Duration::from_nanos(draw.extreme());
            if let Ok(reservation) = limiter.reserve_at(at, cost, max_wait) {
                limiter.cancel_at(Instant::from_nanos(draw.extreme()), reservation);
            }
            limiter.refund_at(at, cost);
        }
    }
}

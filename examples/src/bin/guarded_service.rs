//! A service behind all guards: a rate for each tenant, retries within a budget, a limit on what is
//! in flight, a circuit breaker.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::error::Error;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::breaker::{Breaker, BreakerConfig};
use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
use purlin_ratelimit::retry_budget::RetryBudget;
use purlin_ratelimit::tower::{
    CircuitBreakerLayer, ConcurrencyLimitLayer, RateLimitLayer, RetryLayer, RetryPolicy,
    ServiceError, Verdict,
};
use purlin_ratelimit::{Clock, Gcra, Keyed, Quota, TokioTimer};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::util::BoxCloneService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Request = http::Request<()>;
type Response = http::Response<String>;
type BoxError = Box<dyn Error + Send + Sync>;
type Guarded = BoxCloneService<Request, Response, BoxError>;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The failure of the server behind the guards.
#[derive(Debug, thiserror::Error)]
#[error("the server is down")]
struct Down;

/// Makes reads again when the server failed. It is not asked when a guard refused.
struct RetryReads;

impl RetryPolicy<Request, Response, ServiceError<Down>> for RetryReads {
    fn again(&self, request: &Request) -> Option<Request> {
        request.method().is_safe().then(|| request.clone())
    }

    fn judge(&self, answer: &Result<Response, ServiceError<Down>>) -> Verdict {
        match answer {
            Err(_) => Verdict::Retry,
            Ok(_) => Verdict::Return,
        }
    }
}

/// Those who do not say who they are share one budget.
fn tenant(request: &Request) -> &[u8] {
    let tenant = request.headers().get("x-tenant");
    tenant.map_or(b"", |tenant| tenant.as_bytes())
}

/// What the client sees: a refusal becomes a response with a status and headers of its own.
fn respond(answer: Result<Response, ServiceError<Down>>) -> Result<Response, BoxError> {
    let response = match answer {
        Ok(response) => response,
        Err(ServiceError::Rejected(rejected)) => {
            let mut response = http::Response::builder().status(rejected.status());
            for (name, value) in rejected.headers("tenant")? {
                response = response.header(name, value.to_string());
            }
            response.body(rejected.to_string())?
        }
        Err(ServiceError::Inner(Down)) => {
            http::Response::builder().status(502).body(String::new())?
        }
    };
    Ok(response)
}

/// Makes so many requests at once and prints how many got which response.
async fn send(service: &Guarded, tenant: &str, requests: usize) -> Result<(), BoxError> {
    let mut calls = JoinSet::new();
    for _ in 0..requests {
        let request = http::Request::get("/")
            .header("x-tenant", tenant)
            .body(())?;
        calls.spawn(service.clone().oneshot(request));
    }
    let mut tally = BTreeMap::<String, usize>::new();
    while let Some(response) = calls.join_next().await {
        let response = response??;
        let mut seen = response.status().to_string();
        for (name, value) in response.headers() {
            seen += &format!("\n        {name}: {}", value.to_str()?);
        }
        *tally.entry(seen).or_default() += 1;
    }
    println!("{requests} from {tenant}");
    for (seen, count) in tally {
        println!("    {count} x {seen}");
    }
    Ok(())
}

// The time is tokio's own, which jumps when all wait. Without `start_paused` this runs as it would
// in a service.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), BoxError> {
    let timer = TokioTimer::new();
    let is_down = Arc::new(AtomicBool::new(false));
    let down = is_down.clone();
    let backend = service_fn(move |_: Request| {
        let down = down.clone();
        async move {
            sleep(20 * MS).await;
            let is_up = !down.load(Ordering::Relaxed);
            is_up.then(Response::default).ok_or(Down)
        }
    });

    // 5 a second for each tenant, 10 at once; memory for 100,000 tenants, and never more.
    let tenants = Keyed::new(Gcra::new(Quota::per_second(5)?.with_burst(10)?)?, 100_000)?;
    let by_tenant = move |request: &Request| tenants.check_at(tenant(request), timer.now(), 1);
    let in_flight = ConcurrencyLimiter::with_clock(Fixed::new(8)?, timer);
    let backoff = Backoff::exponential(50 * MS, SECOND)?.with_max_retries(2);
    // Two retries for ten requests, and one a second besides.
    let budget = RetryBudget::new(10 * SECOND, 20, 1)?;
    let breaker = BreakerConfig::default().open_for(10 * SECOND);
    let breaker = Breaker::new(breaker, timer)?;

    let service = ServiceBuilder::new()
        .map_result(respond)
        .map_err(ServiceError::flatten)
        .layer(RateLimitLayer::by(by_tenant))
        .layer(RetryLayer::new(RetryReads, backoff, budget, timer))
        .map_err(ServiceError::flatten)
        .layer(ConcurrencyLimitLayer::new(in_flight))
        .layer(CircuitBreakerLayer::new(breaker))
        .service(backend);
    let service = Guarded::new(service);

    send(&service, "alice", 12).await?;
    send(&service, "bob", 2).await?;
    is_down.store(true, Ordering::Relaxed);
    println!("the backend goes down");
    send(&service, "bob", 1).await?;
    send(&service, "bob", 1).await?;
    is_down.store(false, Ordering::Relaxed);
    sleep(10 * SECOND).await;
    println!("ten seconds later it is up");
    send(&service, "bob", 1).await?;
    send(&service, "bob", 2).await
}

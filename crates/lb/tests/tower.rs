//! The service that balances over services.

extern crate alloc;

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_lb::policy::{Hashed, LeastRequest, RoundRobin};
use purlin_lb::tower::{Balance, BalanceError, Named, Verdict};
use purlin_lb::{
    ClusterBuilder, Estimator, Identity as _, Instant, LoadBalancer, ManualClock, Request,
    Unavailable, Upstream,
};
use tower_service::Service;

const SECOND: Duration = Duration::from_secs(1);

/// What a test makes of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Answers,
    Fails,
    NeverReady,
    BreaksBeforeReady,
    NeverAnswers,
    Panics,
}

/// A server whose calls must follow readiness: of this clone, and once for each.
#[derive(Debug, Default)]
struct Server {
    name: u32,
    mood: Mood,
    calls: Arc<AtomicU32>,
    ready: bool,
}

/// Readiness is not cloned.
impl Clone for Server {
    fn clone(&self) -> Self {
        Self {
            calls: Arc::clone(&self.calls),
            ready: false,
            ..*self
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<u32, String>>>>;

impl Service<u32> for Server {
    type Response = u32;
    type Error = String;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        match self.mood {
            Mood::NeverReady => Poll::Pending,
            Mood::BreaksBeforeReady => Poll::Ready(Err("broken".to_owned())),
            _ => {
                self.ready = true;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, _: u32) -> Answer {
        assert!(
            core::mem::take(&mut self.ready),
            "called before it was ready"
        );
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Self { name, mood, .. } = *self;
        Box::pin(async move {
            match mood {
                Mood::Fails => Err("failed".to_owned()),
                Mood::NeverAnswers => core::future::pending().await,
                Mood::Panics => panic!("as the test asks"),
                _ => Ok(name),
            }
        })
    }
}

fn server(name: u32, mood: Mood) -> Upstream<Named<Server>> {
    let server = Server {
        name,
        mood,
        ..Server::default()
    };
    Upstream::new(Named::new(name, server))
}

type Balancer<P> = LoadBalancer<Named<Server>, P, Arc<ManualClock>>;

fn balancer<P: purlin_lb::Balancer>(policy: P, moods: &[Mood]) -> Balancer<P> {
    let servers = (0..).zip(moods).map(|(name, mood)| server(name, *mood));
    let builder = ClusterBuilder::new(policy).estimator(Estimator::default());
    let cluster = builder.build(servers).expect("no duplicates");
    let clock = ManualClock::new();
    clock.advance(SECOND);
    LoadBalancer::with_clock(cluster, Arc::new(clock))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The answer of a future that has it at once.
fn now<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has no answer yet"),
    }
}

/// In flight, successes and failures of the server of that name.
fn gauges<P: purlin_lb::Balancer>(balancer: &Balancer<P>, name: u32) -> (u32, u32, u32) {
    let endpoint = balancer.endpoint(name.id()).expect("it is there");
    let (successes, failures) = endpoint.completed();
    (endpoint.in_flight(), successes, failures)
}

#[test]
fn requests_go_where_the_policy_says_and_are_counted_until_they_end() {
    let balancer = balancer(RoundRobin::from(0), &[Mood::Answers; 3]);
    let mut service = Balance::new(balancer.clone());
    let mut futures: Vec<_> = (0..6)
        .map(|request| Box::pin(service.call(request)))
        .collect();
    for name in 0..3 {
        assert_eq!(gauges(&balancer, name), (2, 0, 0));
    }
    balancer.clock().advance(Duration::from_millis(5));
    let mut answers: Vec<_> = futures
        .iter_mut()
        .map(|future| now(future.as_mut()))
        .collect();
    answers.sort_by_key(|answer| answer.clone().ok());
    assert_eq!(answers, [0, 0, 1, 1, 2, 2].map(Ok));
    for name in 0..3 {
        assert_eq!(gauges(&balancer, name), (0, 2, 0));
        let nanos = balancer.endpoint(name.id()).unwrap().latency_nanos();
        assert_eq!(nanos, Some(5e6));
    }
}

#[test]
fn an_error_is_a_failure_of_the_endpoint() {
    for mood in [Mood::Fails, Mood::BreaksBeforeReady] {
        let balancer = balancer(RoundRobin::from(0), &[mood]);
        let mut service = Balance::new(balancer.clone());
        let answer = now(service.call(0));
        let said = if mood == Mood::Fails {
            "failed"
        } else {
            "broken"
        };
        assert_eq!(answer, Err(BalanceError::Inner(said.to_owned())));
        assert_eq!(answer.unwrap_err().to_string(), said);
        assert_eq!(gauges(&balancer, 0), (0, 0, 1), "{mood:?}");
    }
}

#[test]
fn a_judge_says_what_an_answer_means() {
    let moods = [Mood::Answers, Mood::Answers, Mood::Fails];
    let balancer = balancer(RoundRobin::from(0), &moods);
    let judge = |answer: &Result<u32, String>| match answer {
        Ok(0) => Verdict::Failure,
        Ok(_) => Verdict::Success,
        Err(_) => Verdict::Ignored,
    };
    let mut service = Balance::new(balancer.clone()).judged_by(judge);
    for request in 0..3 {
        let future = service.call(request);
        balancer.clock().advance(SECOND);
        // What the caller gets is what the service says all the same.
        assert_eq!(now(future).is_ok(), request < 2);
    }
    assert_eq!(gauges(&balancer, 0), (0, 0, 1));
    assert_eq!(gauges(&balancer, 1), (0, 1, 0));
    assert_eq!(gauges(&balancer, 2), (0, 0, 0));
    // Of what says nothing, the time it took says nothing either: it was not given up.
    let ignored = balancer.endpoint(2_u32.id()).unwrap();
    assert_eq!(ignored.latency_nanos(), None);
}

#[test]
fn a_dropped_future_is_a_request_that_was_cancelled() {
    for mood in [Mood::NeverReady, Mood::NeverAnswers, Mood::Answers] {
        let balancer = balancer(RoundRobin::from(0), &[mood]);
        let mut future = Box::pin(Balance::new(balancer.clone()).call(0));
        if mood != Mood::Answers {
            assert!(poll(future.as_mut()).is_pending());
            assert!(poll(future.as_mut()).is_pending());
        }
        assert_eq!(gauges(&balancer, 0), (1, 0, 0), "{mood:?}");
        balancer.clock().advance(SECOND);
        drop(future);
        assert_eq!(gauges(&balancer, 0), (0, 0, 0), "{mood:?}");
        // It was given up, and the endpoint is known to let requests wait.
        let nanos = balancer.endpoint(0_u32.id()).unwrap().latency_nanos();
        assert_eq!(nanos, Some(1e9), "{mood:?}");
    }
}

#[test]
fn a_request_ends_when_its_call_panics_while_somebody_keeps_the_future() {
    let balancer = balancer(RoundRobin::from(0), &[Mood::Panics]);
    let mut future = Box::pin(Balance::new(balancer.clone()).call(0));
    let polled = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        poll(future.as_mut()).is_ready()
    }));
    assert!(polled.is_err());
    assert_eq!(gauges(&balancer, 0), (0, 0, 0));
}

#[test]
fn a_server_that_is_not_ready_holds_up_its_own_requests_only() {
    let moods = [Mood::NeverReady, Mood::Answers, Mood::Answers];
    let balancer = balancer(LeastRequest::seeded(1), &moods);
    let mut service = Balance::new(balancer);
    let (mut waiting, mut answers) = (Vec::new(), 0);
    for request in 0..30 {
        assert!(
            service
                .poll_ready(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        );
        let mut future = Box::pin(service.call(request));
        match poll(future.as_mut()) {
            Poll::Ready(answer) => answers += u32::from(answer.is_ok()),
            Poll::Pending => waiting.push(future),
        }
    }
    // What waits there is in flight, and least request goes elsewhere.
    assert_eq!((waiting.len(), answers), (1, 29));
}

#[test]
fn updates_are_calls_on_the_balancer() {
    let balancer = balancer(RoundRobin::from(0), &[]);
    let mut service = Balance::new(balancer.clone());
    let unavailable = |why| Err(BalanceError::Unavailable(why));
    assert_eq!(now(service.call(0)), unavailable(Unavailable::Empty));
    balancer
        .insert_at(balancer.now(), server(7, Mood::Answers))
        .unwrap();
    assert_eq!(now(service.call(0)), Ok(7));
    service.balancer().drain(7_u32.id()).unwrap();
    assert_eq!(
        now(service.clone().call(0)),
        unavailable(Unavailable::Closed)
    );
    assert_eq!(
        BalanceError::<String>::Unavailable(Unavailable::Closed).to_string(),
        "no endpoint: no endpoint takes requests"
    );
}

#[test]
fn a_call_goes_on_at_an_endpoint_that_is_removed_meanwhile() {
    let balancer = balancer(RoundRobin::from(0), &[Mood::Answers]);
    let future = Balance::new(balancer.clone()).call(0);
    let endpoint = balancer.remove(0_u32.id()).unwrap();
    assert_eq!(now(future), Ok(0));
    assert_eq!(endpoint.completed(), (1, 0));
}

fn key(request: &u32) -> Request<'_> {
    Request::new().key(request.to_le_bytes())
}

#[test]
fn policies_know_of_requests_what_they_are_told() {
    let balancer = balancer(Hashed::slot_table(), &[Mood::Answers; 5]);
    let mut service = Balance::new(balancer.clone()).described_by(key);
    let mut found = BTreeSet::new();
    for request in 0..50 {
        let answer = now(service.call(request)).unwrap();
        let lease = balancer.pick(&key(&request)).unwrap();
        assert_eq!(lease.endpoint().id(), answer.id());
        found.insert(answer);
    }
    assert_eq!(found.len(), 5);
}

#[test]
fn by_the_clock_it_was_given() {
    let balancer = balancer(RoundRobin::from(0), &[Mood::Answers]);
    assert_eq!(balancer.now(), Instant::from_secs(1));
    let future = Balance::new(balancer.clone()).call(0);
    balancer.clock().advance(SECOND);
    now(future).unwrap();
    let endpoint = balancer.endpoint(0_u32.id()).unwrap();
    assert_eq!(endpoint.latency_at(), Instant::from_secs(2));
}

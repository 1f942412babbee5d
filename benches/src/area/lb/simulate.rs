//! The model: clients, servers with a line in front of each, and the way between them, event by
//! event.

use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;
use core::time::Duration;

use purlin_lb::Instant;

use super::arena::{Arena, WAY, WORKERS};
use super::outcome::{Outcome, Sample};
use super::scenario::Condition;

/// Who chooses the servers, on behalf of all clients.
pub(super) trait Player {
    /// What is kept of a request until its answer.
    type Ticket;

    /// The server for a request of this client, or `None` where it can go nowhere.
    fn send(
        &mut self,
        servers: &Servers<'_>,
        client: usize,
        now: Instant,
    ) -> Option<(usize, Self::Ticket)>;

    /// The request is at its server, in line or at work.
    fn reached(&mut self, server: usize, ticket: &mut Self::Ticket, now: Instant) {
        let _ = (server, ticket, now);
    }

    /// The server is done with it.
    fn done(&mut self, server: usize, ticket: &mut Self::Ticket, now: Instant) {
        let _ = (server, ticket, now);
    }

    /// The answer is back at the client.
    fn answered(&mut self, ticket: Self::Ticket, now: Instant, success: bool);
}

/// The servers, as only an oracle sees them.
pub(super) struct Servers<'a> {
    arena: &'a Arena,
    queues: Vec<Queue>,
    in_flight: Vec<u32>,
}

/// What a server has been given and has not finished.
#[derive(Default)]
struct Queue {
    working: usize,
    waiting: VecDeque<usize>,
}

impl Servers<'_> {
    pub(super) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Requests sent there by any client and not answered.
    pub(super) fn in_flight(&self, server: usize) -> u32 {
        self.in_flight[server]
    }

    /// How many times as long as on a sound server everything takes there. One that fails is none
    /// the slower for it.
    pub(super) fn slowness(&self, server: usize, now: Instant) -> f64 {
        match self.arena.condition(server, now) {
            Condition::Slowed(factor) => factor,
            Condition::Failing => 1.0,
        }
    }
}

/// What happens, in the order in which it does if it happens at once. Requests go by their number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Done {
        server: usize,
        request: usize,
    },
    Reaches {
        server: usize,
        request: usize,
    },
    Answered {
        server: usize,
        request: usize,
        success: bool,
    },
}

/// Lets `player` balance all requests of the arena.
pub(super) fn run<P: Player>(arena: &Arena, player: P) -> Outcome {
    let servers = Servers {
        arena,
        queues: (0..arena.servers()).map(|_| Queue::default()).collect(),
        in_flight: vec![0; arena.servers()],
    };
    let mut simulation = Simulation {
        servers,
        player,
        events: BinaryHeap::new(),
        tickets: arena.arrivals.iter().map(|_| None).collect(),
        samples: Vec::with_capacity(arena.arrivals.len()),
    };
    for (request, arrival) in arena.arrivals.iter().enumerate() {
        simulation.run_until(arrival.at);
        simulation.send(request);
    }
    simulation.run_until(arena.at_second(arena.scenario.seconds) + arena.patience());
    simulation.give_up();
    Outcome::new(arena, &simulation.samples)
}

struct Simulation<'a, P: Player> {
    servers: Servers<'a>,
    player: P,
    events: BinaryHeap<Reverse<(Instant, Event)>>,
    /// Of requests that are under way, with their servers.
    tickets: Vec<Option<(usize, P::Ticket)>>,
    samples: Vec<Sample>,
}

impl<P: Player> Simulation<'_, P> {
    fn run_until(&mut self, until: Instant) {
        while let Some(Reverse((now, _))) = self.events.peek()
            && *now <= until
            && let Some(Reverse((now, event))) = self.events.pop()
        {
            match event {
                Event::Reaches { server, request } => self.reach(server, request, now),
                Event::Done { server, request } => self.done(server, request, now),
                Event::Answered {
                    server,
                    request,
                    success,
                } => {
                    self.servers.in_flight[server] -= 1;
                    if let Some((_, ticket)) = self.tickets[request].take() {
                        self.player.answered(ticket, now, success);
                    }
                    self.sample(server, request, now, success);
                }
            }
        }
    }

    fn push(&mut self, at: Instant, event: Event) {
        self.events.push(Reverse((at, event)));
    }

    fn send(&mut self, request: usize) {
        let arrival = self.servers.arena.arrivals[request];
        match self.player.send(&self.servers, arrival.client, arrival.at) {
            Some((server, ticket)) => {
                self.servers.in_flight[server] += 1;
                self.tickets[request] = Some((server, ticket));
                self.push(arrival.at + WAY, Event::Reaches { server, request });
            }
            None => unreachable!("nothing closes a server"),
        }
    }

    fn reach(&mut self, server: usize, request: usize, now: Instant) {
        if self.servers.arena.condition(server, now) == Condition::Failing {
            let success = false;
            return self.push(
                now + WAY,
                Event::Answered {
                    server,
                    request,
                    success,
                },
            );
        }
        if let Some((_, ticket)) = &mut self.tickets[request] {
            self.player.reached(server, ticket, now);
        }
        let queue = &mut self.servers.queues[server];
        if queue.working < WORKERS {
            queue.working += 1;
            self.begin(server, request, now);
        } else {
            queue.waiting.push_back(request);
        }
    }

    fn begin(&mut self, server: usize, request: usize, now: Instant) {
        let work = self.servers.arena.arrivals[request].work;
        let time = work.as_secs_f64() * self.servers.slowness(server, now);
        let time = Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX);
        self.push(now.saturating_add(time), Event::Done { server, request });
    }

    fn done(&mut self, server: usize, request: usize, now: Instant) {
        if let Some((_, ticket)) = &mut self.tickets[request] {
            self.player.done(server, ticket, now);
        }
        let success = true;
        self.push(
            now + WAY,
            Event::Answered {
                server,
                request,
                success,
            },
        );
        match self.servers.queues[server].waiting.pop_front() {
            Some(next) => self.begin(server, next, now),
            None => self.servers.queues[server].working -= 1,
        }
    }

    fn sample(&mut self, server: usize, request: usize, now: Instant, success: bool) {
        let arena = self.servers.arena;
        let at = arena.arrivals[request].at;
        if at >= arena.counted_from() {
            let latency = now.saturating_duration_since(at).min(arena.patience());
            self.samples.push(Sample {
                at,
                latency,
                server,
                success,
            });
        }
    }

    /// Whatever has no answer now has waited as long as anybody does.
    fn give_up(&mut self) {
        let unanswered: Vec<_> = (0..self.tickets.len())
            .filter_map(|request| Some((request, self.tickets[request].take()?.0)))
            .collect();
        for (request, server) in unanswered {
            self.sample(server, request, Instant::MAX, true);
        }
    }
}

#[cfg(test)]
mod tests;

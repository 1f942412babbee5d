//! Drives `Heartbeat` with a thread that blocks on a socket.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use core::net::SocketAddr;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::time::{Clock, Instant, SystemClock};
use purlin_examples::{Heartbeat, Output};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;

/// The loop: wait for a message or the deadline, hand it over, drain the outputs, ask for the next
/// deadline.
fn drive(name: &str, socket: &UdpSocket, peer: SocketAddr, until: Instant) -> io::Result<()> {
    let clock = SystemClock::new();
    let mut machine = Heartbeat::new(clock.now());
    while clock.now() < until {
        let deadline = machine.poll_timeout().unwrap_or(until).min(until);
        let wait = deadline - clock.now();
        // A timeout of zero would mean to wait for ever.
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        match socket.recv(&mut [0; 1]) {
            Ok(_) => machine
                .handle(clock.now(), ())
                .unwrap_or_else(|never| match never {}),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                machine.handle_timeout(clock.now());
            }
            Err(error) => return Err(error),
        }
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Beat => drop(socket.send_to(&[0], peer)?),
                event => println!("{} {name}: {event:?}", clock.now()),
            }
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let (left, right) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    let (left_address, right_address) = (left.local_addr()?, right.local_addr()?);
    let start = SystemClock::new().now();
    std::thread::scope(|scope| {
        // The right one stops half-way; the left one notices.
        let stops_early = scope.spawn(move || {
            drive(
                "right",
                &right,
                left_address,
                start + Duration::from_millis(500),
            )
        });
        drive("left", &left, right_address, start + Duration::from_secs(1))?;
        stops_early
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

//! Drives `Heartbeat` with an async task.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use core::net::SocketAddr;
use core::time::Duration;
use purlin_core::machine::Machine;
use purlin_core::time::{Clock, Instant, Timer, TokioTimer};
use purlin_examples::{Heartbeat, Output};
use std::io;
use tokio::net::UdpSocket;

/// The loop: wait for a message or the deadline, hand it over, drain the outputs, ask for the next
/// deadline.
async fn drive(
    name: &str,
    timer: TokioTimer,
    socket: UdpSocket,
    peer: SocketAddr,
    until: Instant,
) -> io::Result<()> {
    let mut machine = Heartbeat::new(timer.now());
    while timer.now() < until {
        let deadline = machine.poll_timeout().unwrap_or(until).min(until);
        let mut buffer = [0; 1];
        tokio::select! {
            received = socket.recv(&mut buffer) => {
                received?;
                machine.handle(timer.now(), ()).unwrap_or_else(|never| match never {});
            }
            () = timer.sleep_until(deadline) => machine.handle_timeout(timer.now()),
        }
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Beat => drop(socket.send_to(&[0], peer).await?),
                Output::PeerLost | Output::PeerFound => {
                    println!("{} {name}: {output:?}", timer.now());
                }
            }
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let (left, right) = (
        UdpSocket::bind("127.0.0.1:0").await?,
        UdpSocket::bind("127.0.0.1:0").await?,
    );
    let (left_address, right_address) = (left.local_addr()?, right.local_addr()?);
    let timer = TokioTimer::new();
    // The right one stops half-way; the left one notices.
    let stops_early = drive(
        "right",
        timer,
        right,
        left_address,
        Instant::from_millis(500),
    );
    let stays = drive(
        "left",
        timer,
        left,
        right_address,
        Instant::ORIGIN + Duration::from_secs(1),
    );
    let (stopped, stayed) = tokio::join!(stops_early, stays);
    stopped.and(stayed)
}

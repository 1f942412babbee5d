//! A replicated key-value store: processes that speak Raft over TCP and keep their logs in files.
//!
//! ```sh
//! raft_kv demo                        # three nodes, leaders that are killed, and nothing lost
//! raft_kv node 1 kv-data              # one node; 1, 2 and 3 found the group, others join it
//! raft_kv ask kv-data set color blue  # a client: set, get, leader, add, remove
//! ```
//!
//! `node.rs` is what a user of `Replica` writes: a state machine and one loop. `net.rs` brings it
//! messages and requests; `client.rs` and `cluster.rs` are the other side.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

extern crate alloc;

mod client;
mod cluster;
mod net;
mod node;

use client::Client;
use cluster::Cluster;
use core::error::Error;
use purlin_core::node::NodeId;
use purlin_core::time::{Clock as _, SystemClock};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["demo"] => demo()?,
        ["node", id, directory] => node::run(NodeId(id.parse()?), directory.as_ref())?,
        ["ask", directory, ref request @ ..] => {
            println!("{}", Client::new(directory).ask(&request.join(" "))?);
        }
        _ => return Err("raft_kv demo | node ID DIRECTORY | ask DIRECTORY REQUEST".into()),
    }
    Ok(())
}

fn demo() -> Result<(), Box<dyn Error>> {
    let mut cluster = Cluster::start(std::env::current_exe()?)?;
    let mut client = Client::new(cluster.directory());
    let first = client.leader()?;
    println!("three nodes have started; node {first} leads");
    write(&mut client, 0..200)?;

    println!("kill -9 of node {first}");
    cluster.kill(first)?;
    let clock = SystemClock::new();
    let start = clock.now();
    client.ask("set after kill")?;
    let second = client.leader()?;
    println!(
        "{:?} later node {second} leads and takes writes",
        clock.now() - start
    );
    check(&mut client, 0..200)?;
    write(&mut client, 200..400)?;

    println!("node {first} starts again, then kill -9 of node {second}: {first} is needed now");
    cluster.spawn(first)?;
    cluster.kill(second)?;
    check(&mut client, 0..400)?;

    println!("node 4 takes the place of node {second}");
    cluster.spawn(4)?;
    println!("add 4: {}", client.ask("add 4")?);
    println!(
        "remove {second}: {}",
        client.ask(&format!("remove {second}"))?
    );
    println!("get k399 of node 4: {}", client.turn_to(4).ask("get k399")?);
    Ok(())
}

fn write(client: &mut Client, numbers: core::ops::Range<u32>) -> Result<(), Box<dyn Error>> {
    let (clock, count) = (SystemClock::new(), numbers.len());
    let start = clock.now();
    for number in numbers {
        let answer = client.ask(&format!("set k{number} v{number}"))?;
        assert_eq!(answer, "ok");
    }
    println!(
        "{count} writes, one after the other, took {:?}",
        clock.now() - start
    );
    Ok(())
}

fn check(client: &mut Client, numbers: core::ops::Range<u32>) -> Result<(), Box<dyn Error>> {
    for number in numbers.clone() {
        let answer = client.ask(&format!("get k{number}"))?;
        assert_eq!(answer, format!("value v{number}"));
    }
    println!("all {} writes are there", numbers.len());
    Ok(())
}

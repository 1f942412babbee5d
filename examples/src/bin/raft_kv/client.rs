//! A client: finds the leader, and asks again until it has an answer.

use core::net::SocketAddr;
use core::time::Duration;
use purlin_core::time::{Clock as _, SystemClock};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;

/// How long to wait for one node, and for all of them.
const ONE: Duration = Duration::from_secs(6);
const ALL: Duration = Duration::from_secs(30);

/// A connection to a node, where it was last.
pub(crate) fn connect(directory: &Path, id: u64) -> io::Result<TcpStream> {
    let address = std::fs::read_to_string(directory.join(format!("{id}.address")))?;
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&address, ONE)?;
    // Where nobody listens any more, the system may have chosen that very port for this connection,
    // and connected it with itself.
    if stream.local_addr()? == address {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ONE))?;
    stream.set_write_timeout(Some(ONE))?;
    Ok(stream)
}

/// Talks to one node at a time.
#[derive(Debug)]
pub(crate) struct Client {
    directory: PathBuf,
    node: u64,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref().to_owned();
        Self {
            directory,
            node: 1,
            connection: None,
        }
    }

    /// Asks until a node has done it or says what is wrong. A request whose answer is lost is made
    /// again, which `set` and `get` bear; what does not needs numbers by which the state machine
    /// knows what it has done already (Ongaro's thesis, §6.3).
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<String> {
        let clock = SystemClock::new();
        let deadline = clock.now() + ALL;
        while clock.now() < deadline {
            let answer = self.ask_once(request).unwrap_or_default();
            match answer.split_once(' ') {
                Some(("moved", node)) => drop(self.turn_to(node.parse().unwrap_or(1))),
                None if matches!(&*answer, "" | "again" | "unknown") => {
                    self.turn_to(self.node % 3 + 1);
                    sleep(Duration::from_millis(20));
                }
                _ => return Ok(answer),
            }
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// Who leads, as the nodes say.
    pub(crate) fn leader(&mut self) -> io::Result<u64> {
        let answer = self.ask("leader")?;
        let id = answer
            .strip_prefix("leader ")
            .and_then(|id| id.parse().ok());
        id.ok_or_else(|| io::Error::other(answer))
    }

    /// Asks this node next.
    pub(crate) fn turn_to(&mut self, node: u64) -> &mut Self {
        self.node = node;
        self.connection = None;
        self
    }

    fn ask_once(&mut self, request: &str) -> io::Result<String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(connect(&self.directory, self.node)?),
        };
        connection
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())?;
        let mut answer = String::new();
        connection.read_line(&mut answer)?;
        let answer = answer.strip_suffix('\n').ok_or(ErrorKind::UnexpectedEof)?;
        self.connection = Some(connection);
        Ok(answer.to_owned())
    }
}

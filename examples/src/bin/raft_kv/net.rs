//! One port for peers, which send frames after a line `raft`, and for clients, which send lines.
//!
//! The system chooses the port, and a file says which: `DIRECTORY/ID.address`.
#![expect(clippy::disallowed_methods, reason = "a program has threads")]

use crate::client::connect;
use alloc::collections::BTreeMap;
use core::net::Ipv4Addr;
use core::time::Duration;
use purlin_core::node::NodeId;
use purlin_quorum::raft::Message;
use purlin_quorum::raft::codec::{FRAME_HEADER, frame_len};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::spawn;

/// The longest message between nodes, and the longest line of a client.
const LONGEST_FRAME: u32 = 20 << 20;
const LONGEST_LINE: u64 = 64 << 10;
/// How many inputs or messages wait, and how many of them are taken at a time.
const QUEUE: usize = 1024;
const BATCH: usize = 256;
/// How long a client waits for what it proposed: as long as the node is cut off, nobody knows.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) enum Input {
    Message(Message),
    Unreachable(NodeId),
    /// A client's line, and where the answer goes.
    Request(String, Reply),
}

pub(crate) struct Reply(SyncSender<String>);

impl Reply {
    pub(crate) fn send(self, answer: &str) {
        // There is room for one, and the client may have gone.
        let _ = self.0.try_send(answer.to_owned());
    }
}

pub(crate) struct Network {
    directory: PathBuf,
    inputs: Receiver<Input>,
    sender: SyncSender<Input>,
    peers: BTreeMap<NodeId, SyncSender<Message>>,
}

impl Network {
    /// Listens, and tells the others where.
    pub(crate) fn open(id: NodeId, directory: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let new = directory.join(format!("{}.new", id.0));
        std::fs::write(&new, listener.local_addr()?.to_string())?;
        std::fs::rename(new, directory.join(format!("{}.address", id.0)))?;
        let (sender, inputs) = sync_channel(QUEUE);
        let accepted = sender.clone();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let inputs = accepted.clone();
                // An error ends the connection: the other side notices.
                spawn(move || drop(serve(stream, &inputs)));
            }
        });
        let (directory, peers) = (directory.to_owned(), BTreeMap::new());
        Ok(Self {
            directory,
            inputs,
            sender,
            peers,
        })
    }

    /// What arrives within `wait`, and what more is there then.
    pub(crate) fn wait(&self, wait: Duration) -> impl Iterator<Item = Input> {
        let first = self.inputs.recv_timeout(wait).ok();
        first.into_iter().chain(self.inputs.try_iter().take(BATCH))
    }

    /// Sends a message, or loses it when too many wait.
    pub(crate) fn send(&mut self, message: Message) {
        let peer = self.peers.entry(message.to).or_insert_with_key(|&to| {
            let (sender, messages) = sync_channel(QUEUE);
            let (directory, inputs) = (self.directory.clone(), self.sender.clone());
            spawn(move || speak(to, &directory, &messages, &inputs));
            sender
        });
        let _ = peer.try_send(message);
    }
}

/// Sends to a peer, many messages at a time, over a connection that is made anew when it breaks.
fn speak(to: NodeId, directory: &Path, messages: &Receiver<Message>, inputs: &SyncSender<Input>) {
    let mut connection = None;
    for first in messages {
        let mut bytes = Vec::new();
        let stream = connection.take().map_or_else(
            || {
                bytes.extend_from_slice(b"raft\n");
                connect(directory, to.0)
            },
            Ok,
        );
        for message in core::iter::once(first).chain(messages.try_iter().take(BATCH)) {
            // None is longer with the bounds of a default `Config`.
            let _ = message.encode_frame(LONGEST_FRAME, &mut bytes);
        }
        match stream.and_then(|mut stream| stream.write_all(&bytes).map(|()| stream)) {
            Ok(stream) => connection = Some(stream),
            Err(_) => drop(inputs.send(Input::Unreachable(to))),
        }
    }
}

/// Takes what a client or a peer sends.
fn serve(stream: TcpStream, inputs: &SyncSender<Input>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some("raft") => return listen(reader, inputs),
            Some(request) => {
                let (sender, answer) = sync_channel(1);
                let request = Input::Request(request.to_owned(), Reply(sender));
                inputs.send(request).map_err(io::Error::other)?;
                let answer = answer.recv_timeout(PATIENCE);
                let answer = answer.unwrap_or_else(|_| "unknown".to_owned()) + "\n";
                reader.get_mut().write_all(answer.as_bytes())?;
            }
            None => return Ok(()), // the end, or a line too long
        }
    }
}

fn listen(mut reader: BufReader<TcpStream>, inputs: &SyncSender<Input>) -> io::Result<()> {
    loop {
        let mut header = [0; FRAME_HEADER];
        reader.read_exact(&mut header)?;
        let mut frame = vec![0; frame_len(header, LONGEST_FRAME).map_err(io::Error::other)?];
        reader.read_exact(&mut frame)?;
        let message = Message::decode(frame).map_err(io::Error::other)?;
        inputs
            .send(Input::Message(message))
            .map_err(io::Error::other)?;
    }
}

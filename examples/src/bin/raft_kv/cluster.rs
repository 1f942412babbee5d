//! Nodes as child processes, in a directory that goes with them.

use alloc::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Nodes that run; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    program: PathBuf,
    directory: PathBuf,
    nodes: BTreeMap<u64, Child>,
}

impl Cluster {
    /// Three nodes of `program`, which is this one, in a new directory.
    pub(crate) fn start(program: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("raft_kv-{}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let (program, nodes) = (program.into(), BTreeMap::new());
        let mut cluster = Self {
            program,
            directory,
            nodes,
        };
        (1..=3).try_for_each(|id| cluster.spawn(id))?;
        Ok(cluster)
    }

    /// Starts a node, for the first time or again.
    pub(crate) fn spawn(&mut self, id: u64) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("node").arg(id.to_string()).arg(&self.directory);
        self.nodes.insert(id, command.stdin(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Kills a node: `SIGKILL` where there are signals.
    pub(crate) fn kill(&mut self, id: u64) -> io::Result<()> {
        if let Some(mut node) = self.nodes.remove(&id) {
            node.kill()?;
            node.wait()?;
        }
        Ok(())
    }

    /// Where stores and addresses are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in self.nodes.values_mut() {
            let _ = node.kill().and_then(|()| node.wait());
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

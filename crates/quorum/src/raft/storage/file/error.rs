//! How a file store fails.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use std::io;
use std::path::Path;
use thiserror::Error;

/// How files fail.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system refused; [`kind`](io::Error::kind) is `StorageFull` when the disk is full.
    #[error("could not {action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file, or directory.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another process, or this one, has the store open.
    #[error("the store in {directory} is open already, in another process or in this one")]
    Locked {
        /// The store's directory.
        directory: String,
    },
    /// Something that was durable is not what it was. Nothing has been changed. Start the node with
    /// an empty store and a new identity, as a new member, or restore the file.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A newer release made the file.
    #[error("{file} is of version {version} of the format; this release reads version 1")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u8,
    },
}

impl FileError {
    pub(super) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io {
            action,
            file,
            source,
        }
    }

    /// The same, naming the file with its directory.
    pub(super) fn within(mut self, directory: Option<&Path>) -> Self {
        if let Self::Io { file, .. } | Self::Corrupt { file, .. } | Self::Version { file, .. } =
            &mut self
            && let Some(directory) = directory
        {
            *file = directory.join(&*file).to_string_lossy().into_owned();
        }
        self
    }

    pub(super) fn corrupt(file: &str, offset: u64, what: &'static str) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            offset,
            what,
        }
    }
}

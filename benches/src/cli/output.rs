//! Where the lab writes, and how: a file is whole or not there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::LabError;

/// The folder for pages: the user's; otherwise `lab` in cargo's target directory, which is the one
/// this program was built in, wherever it is run (cargo marks it with a `CACHEDIR.TAG`), or the one
/// `CARGO_TARGET_DIR` names, or `target` here.
pub(super) fn directory(chosen: Option<&Path>) -> PathBuf {
    if let Some(chosen) = chosen {
        return chosen.to_owned();
    }
    let named = || {
        std::env::var_os("CARGO_TARGET_DIR")
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
    };
    let target = built_in()
        .or_else(named)
        .unwrap_or_else(|| PathBuf::from("target"));
    target.join("lab")
}

fn built_in() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.map(Path::to_owned)
}

/// Writes a file, and its folder where it is missing. Readers see the old file or the whole new
/// one: it is written under another name beside it, then renamed.
pub(super) fn write_whole(path: &Path, contents: &str) -> Result<(), LabError> {
    let fail = |reason| LabError::Write {
        path: path.to_owned(),
        reason,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    fs::write(&partial, contents)
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|reason| {
            // The write has failed already; a partial file that cannot be removed either is not
            // worse news.
            let _ = fs::remove_file(&partial);
            fail(reason)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_choice_comes_first() {
        assert_eq!(directory(Some(Path::new("here"))), Path::new("here"));
        assert_eq!(directory(None).file_name(), Some("lab".as_ref()));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = std::env::temp_dir().join(format!("purlin-output-{}", std::process::id()));
        let path = folder.join("deep/index.html");
        for contents in ["first", "second"] {
            write_whole(&path, contents).expect("a temporary folder can be written");
            assert_eq!(fs::read_to_string(&path).expect("just written"), contents);
        }
        let names: Vec<_> = fs::read_dir(folder.join("deep"))
            .expect("exists")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(names, ["index.html"]);

        // A folder in the file's place cannot be replaced.
        let error = write_whole(&folder.join("deep"), "x").expect_err("a folder is in the way");
        assert!(error.to_string().contains("deep"), "{error}");
        assert_eq!(
            fs::read_dir(&folder).expect("exists").count(),
            1,
            "no partial file is left"
        );
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}

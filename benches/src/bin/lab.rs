//! The lab's program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    purlin_benches::cli::main()
}

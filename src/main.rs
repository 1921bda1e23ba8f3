//! The `rootmark` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    rootmark::cli::main()
}

//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // All else is in the library, where tests reach it.
    assay::cli::run(assay::cli::Cli::parse())
}

//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    assay::cli::run(assay::cli::Cli::parse())
}

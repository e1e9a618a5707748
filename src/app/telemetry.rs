//! Starts the program with ONNX Runtime's telemetry turned off.

use std::io;

use crate::inference::onnx;

/// Makes sure that ONNX Runtime finds its telemetry turned off, where needed by starting the
/// program once more in this process: a variable of the environment cannot be set safely later on.
/// The same arguments, files, process id and exit code serve the second start.
///
/// # Errors What the system said when the program could not be started again.
pub(crate) fn turn_off() -> io::Result<()> {
    if onnx::telemetry_is_off() {
        return Ok(());
    }
    start_again()
}

/// Returns only when that failed.
#[cfg(unix)]
fn start_again() -> io::Result<()> {
    use std::{env, os::unix::process::CommandExt, process::Command};
    let mut arguments = env::args_os();
    let mut program = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        // As the caller named it, which need not be the file's own name.
        program.arg0(name);
    }
    // It replaces this process, so that it comes back with an error alone.
    Err(program
        .args(arguments)
        .env(onnx::TELEMETRY_SWITCH, onnx::TELEMETRY_OFF)
        .exec())
}

/// Elsewhere the library needs no switch.
#[cfg(not(unix))]
fn start_again() -> io::Result<()> {
    Ok(())
}

//! What a command ends with: 0 as it should be, 1 something is not consistent, 2 error.

use std::process::ExitCode;

/// Exit code when a check is not consistent, or not as expected.
pub(super) const NOT_CONSISTENT: ExitCode = ExitCode::FAILURE;

/// Exit code when something could not be done.
pub(super) fn error_code() -> ExitCode {
    // A function only because `ExitCode::from` is not const.
    ExitCode::from(2)
}

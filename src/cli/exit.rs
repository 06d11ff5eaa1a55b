//! Exit codes: what a shell or a pipeline learns from a run.

use std::process::ExitCode;

/// How the program ends. The numbers are part of the interface and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done. With changes in the plan too, unless `--detailed-exitcode` is given.
    Done = 0,
    /// Something unexpected.
    Error = 1,
    /// There are changes, and `--detailed-exitcode` is given.
    Changes = 2,
    /// The configuration cannot be used.
    Configuration = 3,
    /// Apply ran, and at least one computer failed.
    Failed = 4,
    /// Computers were not reached, or results are missing beyond the allowed share.
    Incomplete = 5,
    /// A guardrail, budget, window, missing approval or declined prompt refused it. Nothing was changed.
    Refused = 6,
    /// The plan does not fit the world any more. Nothing was changed.
    Stale = 7,
    /// Somebody else holds the lock.
    Locked = 8,
    /// A source failed or shrank suspiciously.
    Source = 9,
    /// There are warnings, and `--fail-on-warn` is given.
    Warnings = 10,
    /// The command line cannot be understood, or names something that there is not.
    Usage = 64,
    /// Interrupted from the keyboard.
    Interrupted = 130,
    /// Asked to end by a signal.
    Terminated = 143,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 14] = [
        Self::Done,
        Self::Error,
        Self::Changes,
        Self::Configuration,
        Self::Failed,
        Self::Incomplete,
        Self::Refused,
        Self::Stale,
        Self::Locked,
        Self::Source,
        Self::Warnings,
        Self::Usage,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done (also with changes, unless --detailed-exitcode)",
            Self::Error => "unexpected error",
            Self::Changes => "changes present (--detailed-exitcode)",
            Self::Configuration => "invalid configuration",
            Self::Failed => "apply ran and at least one computer failed",
            Self::Incomplete => "incomplete: not reached, or results missing beyond the allowed share",
            Self::Refused => "refused: guardrail, budget, window, missing approval, declined prompt",
            Self::Stale => "stale plan",
            Self::Locked => "lock not obtained",
            Self::Source => "a source failed or shrank suspiciously",
            Self::Warnings => "warnings present (--fail-on-warn)",
            Self::Usage => "usage: it cannot be understood, or there is no such name, file or revision",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The table of all codes, one line each, for `--help`.
    #[must_use]
    pub fn table() -> String {
        Self::ALL.map(|exit| format!("{:>5}  {}\n", exit.code(), exit.meaning())).concat()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_that_are_documented() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 64, 130, 143]);
        assert_eq!(ExitCode::from(Exit::Done), ExitCode::SUCCESS);
        assert_eq!(ExitCode::from(Exit::Interrupted), ExitCode::from(130));
        assert_eq!(Exit::table().lines().count(), Exit::ALL.len());
    }
}

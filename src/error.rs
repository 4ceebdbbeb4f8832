//! What can go wrong in setting up logging, told so that it can be put right.

use std::fmt;
use std::io;

/// A directive that was not understood, or a level change that could not be made.
///
/// ```
/// let error = tracing_jsonl::LevelHandle::new("info,hyper=wran").unwrap_err();
/// assert_eq!(error.directive(), "hyper=wran");
/// assert_eq!(
///     error.to_string(),
///     "directive `hyper=wran`: `wran` is not a level (accepted: off, error, warn, info, debug, trace)"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveError {
    directive: String,
    problem: String,
    accepted: String,
}

impl DirectiveError {
    pub(crate) fn new(directive: &str, problem: String, accepted: impl Into<String>) -> Self {
        Self {
            directive: directive.to_owned(),
            problem,
            accepted: accepted.into(),
        }
    }

    /// The part of the text that is wrong.
    pub fn directive(&self) -> &str {
        &self.directive
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What would have been right.
    pub fn accepted(&self) -> &str {
        &self.accepted
    }
}

impl fmt::Display for DirectiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "directive `{}`: {} (accepted: {})",
            self.directive, self.problem, self.accepted
        )
    }
}

impl std::error::Error for DirectiveError {}

/// A setting that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misconfiguration {
    pub(crate) setting: &'static str,
    pub(crate) value: String,
    pub(crate) problem: String,
    pub(crate) accepted: String,
}

impl Misconfiguration {
    /// The environment variable, or the builder's method.
    pub fn setting(&self) -> &str {
        self.setting
    }

    /// The value that was given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What would have been right.
    pub fn accepted(&self) -> &str {
        &self.accepted
    }
}

impl fmt::Display for Misconfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}={}: {} (accepted: {})",
            self.setting, self.value, self.problem, self.accepted
        )
    }
}

/// Why [`try_init_json_logging`](crate::try_init_json_logging) did not start logging.
///
/// ```
/// use tracing_jsonl::Logging;
///
/// let error = Logging::builder().level("nonsense").try_init().unwrap_err();
/// assert!(!error.is_already_set());
/// assert_eq!(error.misconfigurations()[0].setting(), "level");
/// assert_eq!(
///     error.to_string(),
///     "level=nonsense: directive `nonsense`: `nonsense` is not a level \
///      (accepted: off, error, warn, info, debug, trace)"
/// );
/// ```
#[derive(Debug)]
pub struct InitError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    AlreadySet,
    Misconfigured(Vec<Misconfiguration>),
    Signals(io::Error),
}

impl InitError {
    pub(crate) fn already_set() -> Self {
        Self {
            kind: Kind::AlreadySet,
        }
    }

    pub(crate) fn misconfigured(list: Vec<Misconfiguration>) -> Self {
        Self {
            kind: Kind::Misconfigured(list),
        }
    }

    pub(crate) fn signals(error: io::Error) -> Self {
        Self {
            kind: Kind::Signals(error),
        }
    }

    /// Another global `tracing` subscriber is installed; it is left as it was.
    pub fn is_already_set(&self) -> bool {
        matches!(self.kind, Kind::AlreadySet)
    }

    /// The settings that cannot be used, all of them.
    pub fn misconfigurations(&self) -> &[Misconfiguration] {
        match &self.kind {
            Kind::Misconfigured(list) => list,
            Kind::AlreadySet | Kind::Signals(_) => &[],
        }
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::AlreadySet => f.write_str("another global tracing subscriber is installed"),
            Kind::Misconfigured(list) => {
                for (index, one) in list.iter().enumerate() {
                    if index > 0 {
                        f.write_str("; ")?;
                    }
                    write!(f, "{one}")?;
                }
                Ok(())
            }
            Kind::Signals(error) => write!(f, "the admin signals cannot be handled: {error}"),
        }
    }
}

impl std::error::Error for InitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Signals(error) => Some(error),
            Kind::AlreadySet | Kind::Misconfigured(_) => None,
        }
    }
}

//! `Debug`, `Display` and `Error` of a user's that do what the program says.

use crate::events::text::Text;
use crate::planned_panic;
use arbitrary::Arbitrary;
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug, Display};

#[derive(Arbitrary, Clone, Debug, Default)]
pub struct Script {
    pub acts: Vec<Act>,
    pub end: End,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Act {
    Write(Text),
    Log,
    /// Logs the value that is being formatted.
    LogSelf,
    OpenSpan,
}

/// Of no size: what is no text is never dropped, since that may panic again.
struct NotText;

#[derive(Arbitrary, Clone, Debug, Default)]
pub enum End {
    #[default]
    Well,
    Error,
    Panic(Text),
    PanicWithoutText,
}

impl Script {
    /// What is written before the end.
    pub fn text(&self) -> String {
        let texts = self.acts.iter().map(|act| match act {
            Act::Write(text) => text.0.as_str(),
            _ => "",
        });
        texts.collect()
    }

    pub fn ends_well(&self) -> bool {
        matches!(self.end, End::Well)
    }

    fn run(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for act in &self.acts {
            match act {
                Act::Write(text) => f.write_str(&text.0)?,
                _ if !within_budget() => {}
                Act::Log => tracing::info!(inner = true, "a line inside a line"),
                Act::LogSelf => tracing::info!(itself = %self, "a line about itself"),
                Act::OpenSpan => {
                    let _ = tracing::info_span!("inner", user_id = "u-inner", itself = %self);
                }
            }
        }
        match &self.end {
            End::Well => Ok(()),
            End::Error => Err(fmt::Error),
            End::Panic(text) => planned_panic(text.0.clone()),
            End::PanicWithoutText => planned_panic(NotText),
        }
    }
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static BUDGET: Cell<u32> = const { Cell::new(0) };
}

/// Whether a program is being run.
pub fn set_running(running: bool) {
    RUNNING.set(running);
}

/// How many more lines and spans may come from inside values: each may ask for several, at any
/// depth.
pub fn set_budget(budget: u32) {
    BUDGET.set(budget);
}

fn within_budget() -> bool {
    let left = BUDGET.get();
    BUDGET.set(left.saturating_sub(1));
    left > 0
}

impl Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.run(f)
    }
}

/// A script that runs in `Debug` too, but not where the program itself is shown.
#[derive(Arbitrary, Clone)]
pub struct Loud(pub Script);

impl Debug for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if RUNNING.get() {
            return self.0.run(f);
        }
        f.debug_tuple("Loud").field(&self.0).finish()
    }
}

/// An error and its causes.
#[derive(Arbitrary, Clone, Debug)]
pub struct Link {
    pub script: Script,
    pub source: Source,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Source {
    None,
    Link(Box<Link>),
    Panic,
}

impl Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.script.run(f)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Source::None => None,
            Source::Link(link) => Some(link.as_ref()),
            Source::Panic => planned_panic("no source"),
        }
    }
}

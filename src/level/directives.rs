//! Directives: `info`, `hyper=warn`, `[{user_id=u-42}]=debug`, and lists of them.
//!
//! `Targets` alone reads `nonsense`, `warning` or `" info"` as a target at trace and silences all
//! others, so the text is read here, and `Targets` does the matching.

mod parse;

use std::fmt::{self, Write as _};
use tracing_core::{Level, LevelFilter, Metadata};
use tracing_subscriber::filter::Targets;

pub(crate) use crate::level::directives::parse::Reading;

/// What is logged.
#[derive(Clone, Debug)]
pub(crate) struct Directives {
    /// One text for each meaning, as far as that is easily had.
    text: String,
    targets: Targets,
    /// The level of what no target names.
    base: LevelFilter,
    scoped: Vec<Scoped>,
}

/// A directive that holds only where the scope has certain identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scoped {
    target: String,
    /// Name, and value as it stands in a line.
    pub(crate) identifiers: Vec<(String, Vec<u8>)>,
    level: LevelFilter,
}

impl Directives {
    fn new(base: LevelFilter, targets: Vec<(String, LevelFilter)>, scoped: Vec<Scoped>) -> Self {
        let mut text = base.to_string();
        for (target, level) in &targets {
            let _ = write!(text, ",{target}={level}");
        }
        for one in &scoped {
            let _ = write!(text, ",{one}");
        }
        Self {
            text,
            targets: Targets::new().with_default(base).with_targets(targets),
            base,
            scoped,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn base(&self) -> LevelFilter {
        self.base
    }

    /// Whether events of this target and level are logged whatever their scope.
    pub(crate) fn allows(&self, target: &str, level: Level) -> bool {
        self.targets.would_enable(target, &level)
    }

    /// Whether spans are admitted, so that lines have context at any event level.
    pub(crate) fn admits_span(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        if *metadata.level() <= Level::INFO {
            // `off` is for a target's spans too.
            return self.allows(target, Level::ERROR);
        }
        self.allows(target, *metadata.level())
    }

    /// The directives that may allow, in a certain scope, what the others do not.
    pub(crate) fn scoped<'a>(
        &'a self,
        metadata: &'a Metadata<'_>,
    ) -> impl Iterator<Item = &'a Scoped> {
        let (target, level) = (metadata.target(), metadata.level());
        self.scoped
            .iter()
            .filter(move |one| one.level >= *level && target.starts_with(&one.target))
    }

    /// The most verbose level at which an event may be logged.
    pub(crate) fn max_event_level(&self) -> LevelFilter {
        let targets = self.targets.iter().map(|(_, level)| level);
        let scoped = self.scoped.iter().map(|one| one.level);
        targets.chain(scoped).fold(self.base, Ord::max)
    }

    /// The same for events and spans.
    pub(crate) fn max_level(&self) -> LevelFilter {
        match self.max_event_level() {
            LevelFilter::OFF => LevelFilter::OFF,
            level => level.max(LevelFilter::INFO),
        }
    }
}

impl PartialEq for Directives {
    fn eq(&self, other: &Self) -> bool {
        self.targets == other.targets && self.base == other.base && self.scoped == other.scoped
    }
}

impl fmt::Display for Scoped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{{", self.target)?;
        for (index, (name, value)) in self.identifiers.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let value = String::from_utf8_lossy(value);
            let inside = value.trim_matches('"');
            if is_plain(inside) {
                write!(f, "{comma}{name}={inside}")?;
            } else {
                write!(f, "{comma}{name}={value}")?;
            }
        }
        write!(f, "}}]={}", self.level)
    }
}

/// A value that reads the same without quotes.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '@' | '+'))
}

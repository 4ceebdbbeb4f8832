//! Directives: `info`, `hyper=warn`, `[{user_id=u-42}]=debug`, and lists of them.
//!
//! `Targets` alone reads `nonsense`, `warning` or `" info"` as a target at trace and silences all
//! others, so the text is read here, and `Targets` does the matching.

mod parse;

use crate::encode::fields::Role;
use crate::metadata::Rules;
use crate::metadata::span::SpanNode;
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
    /// The targets that are named, in the order of the text.
    named: Vec<(String, LevelFilter)>,
    /// The level of what no target names.
    base: LevelFilter,
    scoped: Vec<Scoped>,
}

/// A directive that holds only where the scope has certain identifiers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scoped {
    target: String,
    identifiers: Vec<Wanted>,
    level: LevelFilter,
}

/// What an identifier must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    name: String,
    value: String,
    /// The value as it stands in a line.
    encoded: Vec<u8>,
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
            targets: Targets::new()
                .with_default(base)
                .with_targets(targets.clone()),
            named: targets,
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
        if *metadata.level() > Level::INFO {
            return self.allows(target, *metadata.level());
        }
        // A target that is off by name has its spans off too; `off` for all is for events.
        let named = self
            .named
            .iter()
            .filter(|(name, _)| target.starts_with(name));
        let longest = named.max_by_key(|(name, _)| name.len());
        longest.is_none_or(|(_, level)| *level != LevelFilter::OFF)
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

    /// Whether one of these directives finds its identifiers in `span` or around it.
    pub(crate) fn scope_allows(
        &self,
        metadata: &Metadata<'_>,
        rules: &Rules,
        span: &SpanNode,
    ) -> bool {
        self.scoped(metadata).any(|one| {
            one.identifiers.iter().all(|wanted| {
                let Some(index) = rules.identifier(&wanted.name) else {
                    return false;
                };
                let role = Role::Identifier(index);
                let matches = |value: &[u8]| value == wanted.encoded;
                span.nearest(|fields| fields.find(role).map(matches)) == Some(true)
            })
        })
    }

    /// The most verbose level at which an event may be logged.
    pub(crate) fn max_event_level(&self) -> LevelFilter {
        let targets = self.named.iter().map(|(_, level)| *level);
        let scoped = self.scoped.iter().map(|one| one.level);
        targets.chain(scoped).fold(self.base, Ord::max)
    }

    /// The same for events and spans.
    pub(crate) fn max_level(&self) -> LevelFilter {
        self.max_event_level().max(LevelFilter::INFO)
    }
}

impl PartialEq for Directives {
    fn eq(&self, other: &Self) -> bool {
        let set = |one: &Self| {
            let mut scoped = one.scoped.clone();
            for one in &mut scoped {
                one.identifiers.sort();
            }
            scoped.sort();
            scoped
        };
        self.targets == other.targets && self.base == other.base && set(self) == set(other)
    }
}

impl fmt::Display for Scoped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{{", self.target)?;
        for (index, Wanted { name, value, .. }) in self.identifiers.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            if is_plain(value) {
                write!(f, "{comma}{name}={value}")?;
            } else {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "{comma}{name}=\"{value}\"")?;
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

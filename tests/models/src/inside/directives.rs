//! Directives of one level each, `debug` or `debug/why`, so that two of a level can be told apart.

use crate::error::DirectiveError;
use crate::metadata::Rules;
use crate::metadata::span::SpanNode;
use crate::stand_in::tracing_core::{Level, LevelFilter, Metadata};

pub(crate) struct Reading<'a> {
    pub(crate) identifiers: &'a [String],
    pub(crate) base: LevelFilter,
    pub(crate) words_are_targets: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Directives {
    text: String,
    level: LevelFilter,
}

impl Directives {
    pub(crate) fn parse(text: &str, _: Reading<'_>) -> Result<Self, DirectiveError> {
        let name = text.split('/').next().unwrap_or_default();
        let mut all = LevelFilter::ALL.into_iter();
        let level = all.find(|one| format!("{one:?}").eq_ignore_ascii_case(name));
        let level = level.ok_or(DirectiveError)?;
        Ok(Self {
            text: text.to_owned(),
            level,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn base(&self) -> LevelFilter {
        self.level
    }

    pub(crate) fn allows(&self, _: &str, level: Level) -> bool {
        level.0 <= self.level
    }

    pub(crate) fn scope_allows(&self, _: &Metadata<'_>, _: &Rules, _: &SpanNode) -> bool {
        false
    }

    pub(crate) fn max_event_level(&self) -> LevelFilter {
        self.level
    }

    pub(crate) fn max_level(&self) -> LevelFilter {
        self.level.max(LevelFilter::INFO)
    }
}

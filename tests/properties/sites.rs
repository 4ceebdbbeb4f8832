//! Callsites that are made while the program runs: `tracing`'s macros know names in literals only.

use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::{Level, Metadata};
use tracing_core::callsite::DefaultCallsite;
use tracing_core::identify_callsite;

use crate::given::Given;

pub(crate) type Site = &'static Metadata<'static>;

pub(crate) fn span<'k>(name: &str, keys: impl IntoIterator<Item = &'k str>) -> Site {
    site(name, "properties", Level::INFO, keys, Kind::SPAN)
}

pub(crate) fn event<'k>(
    target: &str,
    level: Level,
    keys: impl IntoIterator<Item = &'k str>,
) -> Site {
    site("event", target, level, keys, Kind::EVENT)
}

/// Callsites live for ever, so each of these is leaked.
fn site<'k>(
    name: &str,
    target: &str,
    level: Level,
    keys: impl IntoIterator<Item = &'k str>,
    kind: Kind,
) -> Site {
    static SHARED: DefaultCallsite = DefaultCallsite::new(&METADATA);
    static METADATA: Metadata<'static> = Metadata::new(
        "",
        "",
        Level::INFO,
        None,
        None,
        None,
        FieldSet::new(&[], identify_callsite!(&SHARED)),
        Kind::EVENT,
    );
    let keys: Vec<&'static str> = keys.into_iter().map(leaked).collect();
    Box::leak(Box::new(Metadata::new(
        leaked(name),
        leaked(target),
        level,
        None,
        None,
        None,
        FieldSet::new(Vec::leak(keys), identify_callsite!(&SHARED)),
        kind,
    )))
}

fn leaked(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

/// Hands `given`, one value for each of the site's fields, to `code`.
pub(crate) fn with_values<'g, R>(
    site: Site,
    given: impl IntoIterator<Item = &'g Given>,
    code: impl FnOnce(&tracing::field::ValueSet<'_>) -> R,
) -> R {
    let values: Vec<_> = given.into_iter().map(Given::value).collect();
    let values: Vec<_> = values.iter().map(Option::as_deref).collect();
    code(&site.fields().value_set_all(&values))
}

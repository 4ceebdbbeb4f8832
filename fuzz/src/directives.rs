//! Any text as directives. What is accepted reads back as what it means, whether it was there from
//! the start or came later; what is refused changes nothing and says why; and where
//! `tracing-subscriber`'s `Targets` understands a text too, both let the same pass.
//!
//! The input is the configured text, then perhaps a NUL and a text to change to, and after further
//! NULs the names of identifiers.

pub(crate) mod probe;
pub(crate) mod simple;

use crate::directives::probe::{Probed, Scope};
use tracing_jsonl::{DirectiveError, LevelHandle};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// A longer text says nothing new.
const LONGEST: usize = 2000;

pub fn run(input: &[u8]) {
    let input = &input[..input.len().min(LONGEST)];
    let input = String::from_utf8_lossy(input);
    let mut parts = input.split('\0');
    let configured = parts.next().unwrap_or_default();
    let changed = parts.next();
    let mut identifiers: Vec<&str> = parts.take(4).map(probe::identifier).collect();
    if identifiers.is_empty() {
        identifiers = vec!["request_id", "user_id", "trace_id"];
    }
    let new = |text: &str| LevelHandle::with_identifiers(text, identifiers.iter().copied());
    let handle = match new(configured) {
        Ok(handle) => handle,
        Err(error) => return refused(configured, &error),
    };
    let before = handle.current();
    let probed = Probed::new(&handle);
    means_the_same(&probed, &new, configured, &before, LevelFilter::INFO);

    let Some(changed) = changed else { return };
    let result = handle.set(changed);
    let after = handle.current();
    match result {
        Ok(()) => {
            let base = before.split(',').next().and_then(|base| base.parse().ok());
            let base = base.expect("the level of all else comes first");
            means_the_same(&probed, &new, changed, &after, base);
        }
        Err(error) => {
            assert_eq!(after, before, "a refused text changes nothing");
            refused(changed, &error);
        }
    }
    handle.reset();
    assert_eq!(handle.current(), before, "a reset goes back");
}

/// `probed` obeys `text`, which reads back as `current`.
fn means_the_same(
    probed: &Probed,
    new: &dyn Fn(&str) -> Result<LevelHandle, DirectiveError>,
    text: &str,
    current: &str,
    base: LevelFilter,
) {
    let again = match new(current) {
        Ok(again) => again,
        Err(error) => panic!("`{text}` became `{current}`, but {error}"),
    };
    assert_eq!(again.current(), current, "from `{text}`");
    let again = Probed::new(&again);
    let targets = probe::targets(text, current);
    for scope in Scope::all_in(current) {
        for target in &targets {
            let passes = probed.passes(target, &scope);
            assert_eq!(
                passes,
                again.passes(target, &scope),
                "{target:?} in {scope:?} with `{text}` and with `{current}`"
            );
        }
    }
    let Some(canonical) = simple::canonical(text) else {
        return;
    };
    let mut oracle: Targets = canonical.parse().expect("levels and targets with levels");
    if !simple::has_base(&canonical) {
        oracle = oracle.with_default(base);
    }
    for target in &targets {
        let passes = probed.passes(target, &Scope::none());
        let expected = probe::LEVELS.map(|level| oracle.would_enable(target, &level));
        assert_eq!(passes, expected, "{target:?} with `{text}`");
    }
}

fn refused(text: &str, error: &DirectiveError) {
    assert!(
        text.contains(error.directive()),
        "`{text}` has no `{}`",
        error.directive()
    );
    assert!(!error.problem().is_empty(), "{error}");
    let shown = error.to_string();
    for part in [error.directive(), error.problem(), error.accepted()] {
        assert!(shown.contains(part), "`{part}` is not in `{shown}`");
    }
    let understood = simple::canonical(text).filter(|canonical| !canonical.is_empty());
    assert_eq!(understood, None, "`{text}` was refused: {error}");
}

//! What the documentation says of each variable.

use crate::directives::simple;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;
use tracing_jsonl::LevelHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    /// The documentation does not say.
    Either,
}

/// The trimmed value of a variable; an empty one is an unset one.
pub(super) fn value(variables: &BTreeMap<&'static str, OsString>, name: &str) -> Option<String> {
    let value = variables.get(name)?.to_string_lossy().trim().to_owned();
    (!value.is_empty()).then_some(value)
}

pub(super) fn verdict(variables: &BTreeMap<&'static str, OsString>, name: &str) -> Verdict {
    let Some(text) = value(variables, name) else {
        return Verdict::Accepted;
    };
    let accepted = |accepted| {
        if accepted {
            Verdict::Accepted
        } else {
            Verdict::Refused
        }
    };
    match name {
        "LOG_LEVEL" | "LOG_DEBUG_LEVEL" => accepted(LevelHandle::new(&text).is_ok()),
        "RUST_LOG" if value(variables, "LOG_LEVEL").is_some() => Verdict::Accepted,
        "RUST_LOG" if simple::of_rust_log(&text).is_some() => Verdict::Accepted,
        "LOG_FORMAT" => accepted(["default", "flat", "text"].contains(&text.as_str())),
        "LOG_SPANS" | "LOG_SIGNALS" | "LOG_PANICS" => accepted(switch(&text).is_some()),
        "LOG_STALL" if text == "block" => Verdict::Accepted,
        "LOG_DEBUG_TTL" | "LOG_STALL" => duration(&text).1,
        "LOG_MAX_LINE_BYTES" => {
            let bytes: Option<usize> = text.parse().ok();
            accepted(bytes.is_some_and(|bytes| bytes == 0 || bytes >= 512))
        }
        "LOG_REDACT" => Verdict::Refused,
        // A file can be opened or not.
        _ => Verdict::Either,
    }
}

pub(super) fn switch(text: &str) -> Option<bool> {
    let is_one_of = |names: [&str; 3]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    if is_one_of(["on", "true", "1"]) {
        return Some(true);
    }
    is_one_of(["off", "false", "0"]).then_some(false)
}

/// `500ms`, `30s`, `10m`, `2h` and `0`; nothing without digits in front, nothing without a unit.
pub(super) fn duration(text: &str) -> (Option<Duration>, Verdict) {
    if text == "0" {
        return (Some(Duration::ZERO), Verdict::Accepted);
    }
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = &text[digits.len()..];
    if digits.is_empty() || !unit.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return (None, Verdict::Refused);
    }
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return (None, Verdict::Either),
    };
    // More milliseconds than there is a number for are no duration.
    let count: Option<u64> = digits.parse().ok();
    match count.and_then(|count| count.checked_mul(millis)) {
        Some(millis) => (Some(Duration::from_millis(millis)), Verdict::Accepted),
        None => (None, Verdict::Refused),
    }
}

//! The directives that `Targets` has too, read without the crate's parser.

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The same text as `Targets` wants it, if there is nothing in it but levels and targets with
/// levels.
pub(crate) fn canonical(text: &str) -> Option<String> {
    each(text, level)
}

/// The same for `RUST_LOG`, in which any other word is a target with all its levels.
pub(crate) fn of_rust_log(text: &str) -> Option<String> {
    // `Targets` reads a few numbers as levels too.
    each(text, |word| level(word).or_else(|| target(word)))
}

fn each(text: &str, word: impl Fn(&str) -> Option<String>) -> Option<String> {
    let parts = text.split(',').map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    let parts: Option<Vec<String>> = parts
        .map(|part| match part.split_once('=') {
            None => word(part),
            Some((name, of)) => Some(format!("{}={}", target(name.trim())?, level(of.trim())?)),
        })
        .collect();
    Some(parts?.join(",")).filter(|text| !text.is_empty())
}

pub(crate) fn has_base(canonical: &str) -> bool {
    canonical.split(',').any(|part| !part.contains('='))
}

fn target(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_:-.".contains(c);
    let plain = !name.is_empty() && name.chars().all(is_plain);
    plain.then(|| name.to_owned())
}

fn level(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let name = if name == "warning" {
        "warn".to_owned()
    } else {
        name
    };
    LEVELS.contains(&name.as_str()).then_some(name)
}

//! Identifiers recorded with `?`: what stood inside the quotes.

use crate::encode::escape::escape;
use std::str::Chars;

/// `user_id = ?"u-42"` is recorded as `"u-42"` with its quotes: the identifier is what is inside.
pub(super) fn undo_debug_quotes(out: &mut Vec<u8>, start: usize, cut: bool) {
    if !out[start..].starts_with(b"\"\\\"") {
        return;
    }
    let Ok(text) = serde_json::from_slice::<String>(&out[start..]) else {
        return;
    };
    if let Some(inside) = undo_debug(&text, cut) {
        out.truncate(start + 1);
        escape(out, &inside);
        out.push(b'"');
    }
}

/// What `{:?}` of a string was made from, as far as it is there if it was `cut`; `None` if `text`
/// is no such thing.
fn undo_debug(text: &str, cut: bool) -> Option<String> {
    let mut rest = text.strip_prefix('"')?.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = rest.next() {
        let character = match character {
            '"' => return rest.as_str().is_empty().then_some(plain),
            '\\' => {
                let escape = rest.as_str();
                match undo_escape(&mut rest) {
                    None if cut && is_unfinished(escape) => break,
                    character => character?,
                }
            }
            plain => plain,
        };
        plain.push(character);
    }
    cut.then_some(plain)
}

/// The character of an escape, after its backslash.
fn undo_escape(rest: &mut Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'u' => {
            let (code, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
            *rest = after.chars();
            char::from_u32(u32::from_str_radix(code, 16).ok()?)?
        }
        same @ ('"' | '\'' | '\\') => same,
        _ => return None,
    })
}

/// Whether an escape ends where the text was cut.
fn is_unfinished(escape: &str) -> bool {
    let in_code = escape.starts_with('u') && escape.len() <= "u{10ffff".len();
    escape.is_empty() || (in_code && !escape.contains('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_recorded_as_debug_is_what_was_inside_the_quotes() {
        for text in ["u-42", "", "a\"b", "a\\b\n\u{1b}\u{202e}é", "'x'\t\0"] {
            let debug = format!("{text:?}");
            assert_eq!(undo_debug(&debug, false).as_deref(), Some(text));
            for end in (1..debug.len()).filter(|end| debug.is_char_boundary(*end)) {
                let beginning = undo_debug(&debug[..end], true).unwrap();
                assert!(text.starts_with(&beginning));
            }
        }
        for text in ["\"a\", \"b\"", "plain", "\"", "\"open\\\""] {
            assert_eq!(undo_debug(text, false), None, "{text}");
        }
        for text in [
            "\"a\\d and more",
            "\"a\\u{110000} and more",
            "\"a\\u and more",
        ] {
            assert_eq!(undo_debug(text, true), None, "{text}");
        }
    }
}

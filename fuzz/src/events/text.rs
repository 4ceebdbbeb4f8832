//! Text in which what needs care is as common as what does not.

use arbitrary::{Arbitrary, Result, Unstructured};
use std::fmt;

/// Names that mean something to a line, to `log`'s bridge or to Rust. Fields of spans and events
/// have these, and so do the keys of maps.
pub static NAMES: &[&str] = &[
    "message",
    "a",
    "b",
    "request_id",
    "user_id",
    "trace_id",
    "name",
    "fields.name",
    "timestamp",
    "level",
    "fields.level",
    "fields.fields.level",
    "target",
    "metadata",
    "fields",
    "spans",
    "truncated",
    "removed",
    "encode_errors",
    "file",
    "line",
    "thread",
    "thread_id",
    "log.target",
    "log.file",
    "log.line",
    "log.module_path",
    "log.kv",
    "r#type",
    "type",
    "service",
    "",
    "a",
    "line\nbreak",
    "quote\"",
    "back\\slash",
    "\u{7f}\u{9b}31m",
    "\u{202e}\u{2028}",
    "é€😀",
];

const PIECES: &[&str] = &[
    "x",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\0",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}",
    "\u{61c}",
    "\u{200e}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "é",
    "€",
    "😀",
    "\u{fffd}",
    "{}",
    "${jndi:ldap://x}",
    "%s",
    "\\u0000",
    "\"}\n{\"",
    "u-42",
    "\"u-42\"",
];

#[derive(Clone, Default)]
pub struct Text(pub String);

/// Short, so that a program can be read.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        if length <= 60 {
            return write!(f, "{:?}", self.0);
        }
        let beginning: String = self.0.chars().take(20).collect();
        write!(f, "{beginning:?} and so on for {length}")
    }
}

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u.int_in_range(0..=9)? {
            0..=3 => <&str>::arbitrary(u)?.to_owned(),
            4..=6 => (*u.choose(NAMES)?).to_owned(),
            7 => {
                let count = u.int_in_range(1..=12)?;
                let mut text = String::new();
                for _ in 0..count {
                    text.push_str(u.choose(PIECES)?);
                }
                text
            }
            8 => u.choose(PIECES)?.repeat(u.int_in_range(1..=100)?),
            _ => u.choose(PIECES)?.repeat(u.int_in_range(1..=1500)?),
        }))
    }
}

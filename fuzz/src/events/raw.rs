//! JSON text as somebody else might have written it: white space, escapes, keys given twice,
//! numbers of any size.

use crate::events::text::Text;
use arbitrary::Arbitrary;
use std::fmt::Write;

#[derive(Arbitrary, Clone, Debug)]
pub enum Raw {
    Word(u8),
    Number(u8),
    Exponent(i32, i16),
    Text(Vec<Character>),
    Array(Space, Vec<Raw>),
    Object(Space, Vec<(Vec<Character>, Raw)>),
    /// Hardly ever JSON.
    Anything(Text),
    Deep(u8, Box<Raw>),
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Character {
    Plain(char),
    Code(u16),
    Escape(u8),
    Letter(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Space {
    None,
    One,
    Newline,
    Tabs,
}

const NUMBERS: [&str; 8] = [
    "0",
    "-0",
    "-0.0",
    "1E+2",
    "18446744073709551616",
    "123456789012345678901234567890.5",
    "1e-400",
    "0.1",
];

impl Raw {
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Whether an object may have a key twice.
    pub fn may_have_twins(&self) -> bool {
        match self {
            Raw::Object(_, members) => {
                members.len() > 1 || members.iter().any(|(_, value)| value.may_have_twins())
            }
            Raw::Array(_, list) => list.iter().any(Self::may_have_twins),
            Raw::Deep(_, inner) => inner.may_have_twins(),
            _ => false,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Raw::Word(index) => out.push_str(["null", "true", "false"][usize::from(index % 3)]),
            Raw::Number(index) => out.push_str(NUMBERS[usize::from(index % 8)]),
            Raw::Exponent(number, exponent) => {
                let _ = write!(out, "{number}e{exponent}");
            }
            Raw::Text(text) => string(out, text),
            Raw::Array(space, list) => {
                out.push('[');
                for (index, one) in list.iter().enumerate() {
                    space.comma(out, index);
                    one.write(out);
                }
                out.push(']');
            }
            Raw::Object(space, members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    space.comma(out, index);
                    string(out, key);
                    out.push_str(space.text());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            Raw::Anything(text) => out.push_str(&text.0),
            Raw::Deep(depth, inner) => {
                for _ in 0..*depth {
                    out.push('[');
                }
                inner.write(out);
                for _ in 0..*depth {
                    out.push(']');
                }
            }
        }
    }
}

fn string(out: &mut String, text: &[Character]) {
    out.push('"');
    for character in text {
        match character {
            Character::Plain(c) if u32::from(*c) < 0x20 || *c == '"' || *c == '\\' => {}
            Character::Plain(c) => out.push(*c),
            Character::Code(code) => {
                let _ = write!(out, "\\u{code:04x}");
            }
            Character::Escape(index) => {
                out.push('\\');
                out.push(char::from(b"\"\\/bfnrt"[usize::from(index % 8)]));
            }
            // Few letters, so that keys meet.
            Character::Letter(index) => out.push(char::from(b"ab"[usize::from(index % 2)])),
        }
    }
    out.push('"');
}

impl Space {
    fn comma(self, out: &mut String, index: usize) {
        if index > 0 {
            out.push(',');
        }
        out.push_str(self.text());
    }

    fn text(self) -> &'static str {
        match self {
            Space::None => "",
            Space::One => " ",
            Space::Newline => "\r\n",
            Space::Tabs => "\t\t",
        }
    }
}

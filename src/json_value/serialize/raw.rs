//! JSON text that somebody else wrote, held to the rules of the line: each key once, escapes as
//! ours, no white space. Numbers keep their digits: reading them as floats would change some.

use crate::json_value::serialize::{Error, Json};
use serde::de::IgnoredAny;

/// Appends `text` to `json`.
pub(super) fn rewrite(text: &str, json: &mut Json<'_>) -> Result<(), Error> {
    // After this the walk below meets nothing but JSON.
    serde_json::from_str::<IgnoredAny>(text)?;
    Walk { rest: text }.value(json)
}

struct Walk<'t> {
    rest: &'t str,
}

impl<'t> Walk<'t> {
    fn value(&mut self, json: &mut Json<'_>) -> Result<(), Error> {
        match self.peek() {
            b'{' => self.object(json),
            b'[' => self.array(json),
            b'"' => {
                let text: String = serde_json::from_str(self.string())?;
                json.string(&text)
            }
            _ => {
                let scalar = self.scalar();
                // JSON, but readers refuse the whole line for it.
                if scalar.parse().is_ok_and(f64::is_infinite) {
                    return Err(Error(format!("no reader has a number like {scalar}")));
                }
                json.out.extend_from_slice(scalar.as_bytes());
                json.within_limit()
            }
        }
    }

    fn object(&mut self, json: &mut Json<'_>) -> Result<(), Error> {
        let mut members: Vec<(String, &'t str)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        self.step();
        while self.peek() != b'}' {
            let key: String = serde_json::from_str(self.string())?;
            self.skip(b':');
            let value = self.skipped_value();
            self.skip(b',');
            // The last value of a key wins, in the place of the first.
            let place = *places.entry(key.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.1 = value,
                None => members.push((key, value)),
            }
        }
        self.step();
        json.open(b'{')?;
        for (index, (key, value)) in members.iter().enumerate() {
            if index > 0 {
                json.out.push(b',');
            }
            json.string(key)?;
            json.out.push(b':');
            Walk { rest: value }.value(json)?;
        }
        json.close(b'}');
        Ok(())
    }

    fn array(&mut self, json: &mut Json<'_>) -> Result<(), Error> {
        json.open(b'[')?;
        self.step();
        let mut first = true;
        while self.peek() != b']' {
            if !std::mem::replace(&mut first, false) {
                json.out.push(b',');
            }
            self.value(json)?;
            self.skip(b',');
        }
        self.step();
        json.close(b']');
        Ok(())
    }

    /// The next byte that is no white space, or 0 at the end.
    fn peek(&mut self) -> u8 {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next().unwrap_or(0)
    }

    fn step(&mut self) {
        self.take(1);
    }

    fn skip(&mut self, byte: u8) {
        if self.peek() == byte {
            self.step();
        }
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A string with its quotes.
    fn string(&mut self) -> &'t str {
        self.peek();
        let mut escaped = true;
        let end = self.rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        self.take(end.map_or(usize::MAX, |end| end + 1))
    }

    fn scalar(&mut self) -> &'t str {
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || ",]}".contains(c));
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn skipped_value(&mut self) -> &'t str {
        self.peek();
        let start = self.rest;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'{' | b'[' => {
                    depth += 1;
                    self.step();
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.step();
                }
                b'"' => {
                    self.string();
                }
                b',' | b':' => self.step(),
                0 => break,
                _ => {
                    self.scalar();
                }
            }
            if depth == 0 {
                break;
            }
        }
        &start[..start.len() - self.rest.len()]
    }
}

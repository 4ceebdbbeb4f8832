//! Reading directives.

use crate::encode::escape::quote;
use crate::error::DirectiveError;
use crate::level::directives::{Directives, Scoped, Wanted};
use tracing_core::LevelFilter;

const LEVELS: &str = "off, error, warn, info, debug, trace";
const FORMS: &str =
    "level, target=level, [{identifier=value}]=level, target[{identifier=value}]=level";

/// What the parser knows of where the text comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) identifiers: &'a [String],
    /// The level where the text gives none for all targets.
    pub(crate) base: LevelFilter,
    /// `RUST_LOG`, in which a bare word is a target at trace.
    pub(crate) words_are_targets: bool,
}

impl Reading<'_> {
    /// As the reader of `RUST_LOG` has it: without a level for all targets, the others are off.
    pub(crate) fn of_rust_log(self) -> Self {
        Self {
            base: LevelFilter::OFF,
            words_are_targets: true,
            ..self
        }
    }
}

enum Directive {
    Base(LevelFilter),
    Target(String, LevelFilter),
    Scoped(Scoped),
}

impl Directives {
    pub(crate) fn parse(text: &str, reading: Reading<'_>) -> Result<Self, DirectiveError> {
        let (directives, mut errors) = Self::parse_known(text, reading);
        if errors.is_empty() {
            return Ok(directives);
        }
        Err(errors.swap_remove(0))
    }

    /// What can be understood, and each thing that cannot.
    ///
    /// If nothing can, the level is `info`: a mistake must not silence a service.
    pub(crate) fn parse_known(text: &str, reading: Reading<'_>) -> (Self, Vec<DirectiveError>) {
        let mut base = None;
        let mut targets: Vec<(String, LevelFilter)> = Vec::new();
        let mut scoped: Vec<Scoped> = Vec::new();
        let mut errors = Vec::new();
        let (text, pattern) = match text.split_once('/') {
            Some((text, pattern)) if reading.words_are_targets => (text, Some(pattern)),
            _ => (text, None),
        };
        for part in split(text, ',').map(str::trim) {
            if part.is_empty() {
                continue;
            }
            match directive(part, reading) {
                Ok(Directive::Base(level)) => base = Some(level),
                Ok(Directive::Target(target, level)) => {
                    targets.retain(|(other, _)| *other != target);
                    targets.push((target, level));
                }
                Ok(Directive::Scoped(one)) => {
                    scoped.retain(|other| {
                        (&other.target, &other.identifiers) != (&one.target, &one.identifiers)
                    });
                    scoped.push(one);
                }
                Err(error) => errors.push(error),
            }
        }
        if let Some(pattern) = pattern {
            let problem = "patterns of messages are not supported".to_owned();
            errors.push(DirectiveError::new(&format!("/{pattern}"), problem, FORMS));
        }
        let nothing = base.is_none() && targets.is_empty() && scoped.is_empty();
        if nothing && errors.is_empty() {
            let problem = "there is no directive".to_owned();
            errors.push(DirectiveError::new(text, problem, FORMS));
        }
        let base = if nothing {
            LevelFilter::INFO
        } else {
            base.unwrap_or(reading.base)
        };
        (Self::new(base, targets, scoped), errors)
    }
}

fn directive(part: &str, reading: Reading<'_>) -> Result<Directive, DirectiveError> {
    let Some((left, level)) = split_last(part, '=') else {
        if let Some(level) = level(part, reading) {
            return Ok(Directive::Base(level));
        }
        if part.contains(['[', ']', '{', '}']) {
            let problem = "it has no level".to_owned();
            return Err(DirectiveError::new(part, problem, FORMS));
        }
        if reading.words_are_targets {
            return Ok(Directive::Target(target(part, part)?, LevelFilter::TRACE));
        }
        let problem = format!("`{part}` is not a level");
        return Err(DirectiveError::new(part, problem, LEVELS));
    };
    let (left, name) = (left.trim(), level.trim());
    let Some(level) = self::level(name, reading) else {
        let problem = format!("`{name}` is not a level");
        return Err(DirectiveError::new(part, problem, LEVELS));
    };
    let Some((before, scope)) = left.split_once('[') else {
        return Ok(Directive::Target(target(left, part)?, level));
    };
    let before = before.trim();
    let target = if before.is_empty() {
        String::new()
    } else {
        target(before, part)?
    };
    let inside = scope
        .trim_end()
        .strip_suffix(']')
        .and_then(|scope| scope.trim().strip_prefix('{')?.strip_suffix('}'));
    let Some(inside) = inside else {
        let problem = format!("`[{scope}` names a span; only identifiers can be matched");
        return Err(DirectiveError::new(part, problem, FORMS));
    };
    Ok(Directive::Scoped(Scoped {
        target,
        identifiers: identifiers(inside, part, reading)?,
        level,
    }))
}

fn level(name: &str, reading: Reading<'_>) -> Option<LevelFilter> {
    let level = match name.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        // `tracing` reads these in `RUST_LOG`.
        number if reading.words_are_targets => match number.parse() {
            Ok(0) => LevelFilter::OFF,
            Ok(1) => LevelFilter::ERROR,
            Ok(2) => LevelFilter::WARN,
            Ok(3) => LevelFilter::INFO,
            Ok(4) => LevelFilter::DEBUG,
            Ok(5) => LevelFilter::TRACE,
            _ => return None,
        },
        _ => return None,
    };
    Some(level)
}

fn target(text: &str, part: &str) -> Result<String, DirectiveError> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "[]{}\"=".contains(c);
    if text.is_empty() || text.contains(odd) {
        let problem = format!("`{text}` is not a target");
        return Err(DirectiveError::new(part, problem, FORMS));
    }
    Ok(text.to_owned())
}

/// `user_id=u-42,request_id="a, b"`
fn identifiers(
    inside: &str,
    part: &str,
    reading: Reading<'_>,
) -> Result<Vec<Wanted>, DirectiveError> {
    let known = |text: &str| {
        let name = text.split_once('=').map_or(text, |(name, _)| name).trim();
        reading.identifiers.iter().find(|known| *known == name)
    };
    // A comma that no identifier follows belongs to the value before it.
    let mut pairs: Vec<String> = Vec::new();
    for piece in split(inside, ',') {
        let begins = piece.contains('=') && known(piece).is_some();
        match pairs.last_mut() {
            Some(pair) if !begins && !is_quoted(pair) => {
                pair.push(',');
                pair.push_str(piece);
            }
            _ => pairs.push(piece.to_owned()),
        }
    }
    let mut found = Vec::new();
    for pair in pairs {
        let Some(name) = known(&pair) else {
            let problem = format!("`{}` names no identifier", pair.trim());
            let accepted = reading.identifiers.join(", ");
            return Err(DirectiveError::new(part, problem, accepted));
        };
        let value = pair.split_once('=').map_or("", |(_, value)| value.trim());
        let value = unquoted(value).ok_or_else(|| {
            let problem = format!("the quotes of `{value}` do not match");
            DirectiveError::new(part, problem, "value, \"value\", with \\\" and \\\\ inside")
        })?;
        if value.is_empty() {
            let problem = format!("`{name}` has no value");
            return Err(DirectiveError::new(part, problem, FORMS));
        }
        let mut encoded = Vec::new();
        quote(&mut encoded, &value);
        let name = name.clone();
        found.push(Wanted {
            name,
            value,
            encoded,
        });
    }
    Ok(found)
}

/// Whether the value of `name=value` stands in quotes.
fn is_quoted(pair: &str) -> bool {
    pair.split_once('=')
        .is_some_and(|(_, value)| value.trim_start().starts_with('"'))
}

fn unquoted(value: &str) -> Option<String> {
    let Some(inside) = value.strip_prefix('"') else {
        return Some(value.to_owned());
    };
    let inside = inside.strip_suffix('"')?;
    let mut plain = String::new();
    let mut rest = inside.chars();
    while let Some(character) = rest.next() {
        plain.push(match character {
            '"' => return None,
            '\\' => rest.next()?,
            plain => plain,
        });
    }
    Some(plain)
}

/// Splits at `separator`, but not inside brackets or quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut scan = Scan::default();
    text.split(move |character| {
        let outside = scan.outside;
        scan.step(character);
        character == separator && outside
    })
}

/// The same, at the last one only.
fn split_last(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut scan = Scan::default();
    let mut last = None;
    for (at, character) in text.char_indices() {
        let outside = scan.outside;
        scan.step(character);
        if character == separator && outside {
            last = Some(at);
        }
    }
    last.map(|at| (&text[..at], &text[at + separator.len_utf8()..]))
}

struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
    previous: char,
    outside: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            depth: 0,
            quoted: false,
            escaped: false,
            previous: ',',
            outside: true,
        }
    }
}

impl Scan {
    fn step(&mut self, character: char) {
        if self.quoted {
            if self.escaped {
                self.escaped = false;
            } else if character == '\\' {
                self.escaped = true;
            } else if character == '"' {
                self.quoted = false;
            }
        } else {
            match character {
                '[' | '{' => self.depth += 1,
                ']' | '}' => self.depth = self.depth.saturating_sub(1),
                // Quotes count where a value begins; elsewhere they are part of it.
                '"' if self.previous == '=' => self.quoted = true,
                _ => {}
            }
        }
        if !character.is_whitespace() {
            self.previous = character;
        }
        self.outside = self.depth == 0 && !self.quoted;
    }
}

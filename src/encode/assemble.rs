//! Putting a line together from what was recorded: schema order, unique keys, nothing that fails.

use crate::encode::escape::{quote, quote_within};
use crate::encode::fields::{Fields, LogFact, Piece, Role};
use crate::encode::members::{Members, renamed};
use crate::encode::schema::{ENCODE_ERRORS, Part, Place, REMOVED, TRUNCATED, rank};
use crate::encode::{Assembly, Content, Layout};

impl Layout {
    pub(super) fn assemble(
        &self,
        content: &Content<'_>,
        assembly: &mut Assembly,
        out: &mut Vec<u8>,
    ) {
        let mut line = Members::open(out);
        for part in &self.parts {
            match part {
                Part::Timestamp(key) => {
                    let out = line.encoded_key(key);
                    out.push(b'"');
                    assembly.clock.write(out, content.now, self.precision);
                    out.push(b'"');
                }
                Part::Level(key, levels) => {
                    let level = &levels[rank(content.head.level)];
                    line.encoded_key(key).extend_from_slice(level.as_bytes());
                }
                Part::Message(key) => {
                    let message = content.event.find(Role::Message);
                    line.encoded_key(key)
                        .extend_from_slice(message.unwrap_or(b"\"\""));
                }
                Part::Target(key) => target(line.encoded_key(key), content),
                Part::Origin {
                    file,
                    line: number,
                    thread,
                    thread_id,
                } => self.origin(&mut line, content, [file, number, thread, thread_id]),
                Part::Statics => {
                    for piece in live(content.statics) {
                        line.member(content.statics.member(piece));
                    }
                }
                Part::Identifiers(place) => self.identifiers(&mut line, content, place),
                Part::Fields(Place::Under(key)) => line.object_if_any(key, |object| {
                    for piece in live(content.event) {
                        object.member(content.event.member(piece));
                    }
                }),
                Part::Spans(Place::Under(key)) => {
                    if self.rules.span_fields && !content.chain.is_empty() {
                        spans(line.encoded_key(key), content);
                    }
                }
                Part::Fields(Place::Top) => self.top_level(&mut line, content, assembly),
                // With the fields, which they must not collide with.
                Part::Spans(Place::Top) => {}
            }
        }
        if content.truncated {
            line.key(TRUNCATED).extend_from_slice(b"true");
        }
        if content.removed > 0 {
            let out = line.key(REMOVED);
            out.extend_from_slice(content.removed.to_string().as_bytes());
        }
        encode_errors(&mut line, content);
        line.close();
    }

    fn origin(&self, line: &mut Members<'_>, content: &Content<'_>, keys: [&str; 4]) {
        let [file, number, thread, thread_id] = keys;
        if self.location {
            if let Some(text) = content.event.find(Role::Log(LogFact::File)) {
                line.encoded_key(file).extend_from_slice(text);
            } else if let Some(text) = content.head.file {
                quote_within(line.encoded_key(file), text, content.longest_name);
            }
            // Anybody's event may call a field of its own so.
            let told = content.event.find(Role::Log(LogFact::Line));
            if let Some(digits) = told.filter(|text| text.iter().all(u8::is_ascii_digit)) {
                line.encoded_key(number).extend_from_slice(digits);
            } else if let Some(value) = content.head.line {
                let out = line.encoded_key(number);
                out.extend_from_slice(value.to_string().as_bytes());
            }
        }
        if self.thread {
            let current = std::thread::current();
            if let Some(name) = current.name() {
                quote_within(line.encoded_key(thread), name, content.longest_name);
            }
            // The number inside has no stable accessor.
            let id = format!("{:?}", current.id());
            let digits = id.trim_matches(|c: char| !c.is_ascii_digit());
            if !digits.is_empty() {
                line.encoded_key(thread_id)
                    .extend_from_slice(digits.as_bytes());
            }
        }
    }

    /// Each identifier from the event, else from the innermost span that has it.
    fn identifiers(&self, line: &mut Members<'_>, content: &Content<'_>, place: &Place) {
        match place {
            Place::Top => {
                for (index, key) in self.identifiers.iter().enumerate() {
                    identifier(content, index, |value| line.encoded(key, value));
                }
            }
            Place::Under(name) => line.object_if_any(name, |object| {
                for (index, key) in self.identifiers.iter().enumerate() {
                    identifier(content, index, |value| object.encoded(key, value));
                }
            }),
        }
    }

    /// The event's fields and its spans' among the line's own members: the event beats the inner
    /// span, the inner span the outer, and a reserved key is nobody's.
    fn top_level(&self, line: &mut Members<'_>, content: &Content<'_>, assembly: &mut Assembly) {
        let merged = &mut assembly.merged;
        merged.clear();
        merged.absorb_fields(content.event);
        if self.rules.span_fields {
            for node in content.chain.iter().rev() {
                node.with_fields(|fields| merged.absorb_fields(fields));
            }
        }
        let mut given: Vec<Vec<u8>> = Vec::new();
        for piece in live(merged) {
            let key = merged.key(piece);
            if self.reserved.iter().any(|reserved| reserved == key) {
                let key = renamed(key, |key| {
                    let mut taken = self.reserved.iter().chain(&given);
                    merged.has_key(key) || taken.any(|taken| taken == key)
                });
                line.encoded(&key, merged.value(piece));
                given.push(key);
            } else {
                line.member(merged.member(piece));
            }
        }
    }
}

fn target(out: &mut Vec<u8>, content: &Content<'_>) {
    match content.event.find(Role::Log(LogFact::Target)) {
        Some(target) => out.extend_from_slice(target),
        None => quote_within(out, content.head.target, content.longest_name),
    }
}

pub(super) fn live(fields: &Fields) -> impl Iterator<Item = &Piece> {
    let pieces = fields.pieces().iter();
    pieces.filter(|piece| piece.role == Role::Field)
}

pub(super) fn identifier<R>(
    content: &Content<'_>,
    index: usize,
    read: impl FnOnce(&[u8]) -> R,
) -> Option<R> {
    let role = Role::Identifier(index);
    if let Some(value) = content.event.find(role) {
        return Some(read(value));
    }
    let mut read = Some(read);
    content.chain.iter().rev().find_map(|node| {
        node.with_fields(|fields| {
            let value = fields.find(role)?;
            read.take().map(|read| read(value))
        })
    })
}

/// `[{"name":"request","method":"GET"},…]`, root first.
fn spans(out: &mut Vec<u8>, content: &Content<'_>) {
    out.push(b'[');
    for (index, node) in content.chain.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        node.with_object(|object| out.extend_from_slice(object));
    }
    out.push(b']');
}

/// A span's object in that array. A field called `name` is renamed: the span's own name is what
/// every line has.
pub(crate) fn span_object(name: &str, fields: &Fields) -> Vec<u8> {
    const NAME: &[u8] = b"\"name\":";
    let mut out = Vec::new();
    let mut object = Members::open(&mut out);
    quote(object.key("name"), name);
    for piece in live(fields) {
        if fields.key(piece) == NAME {
            let key = renamed(NAME, |key| fields.has_key(key));
            object.encoded(&key, fields.value(piece));
        } else {
            object.member(fields.member(piece));
        }
    }
    object.close();
    out
}

/// Every value that could not be given in its type, with its text.
fn encode_errors(line: &mut Members<'_>, content: &Content<'_>) {
    let mut list: Option<Vec<u8>> = None;
    let mut add = |fields: &Fields, span: Option<&str>| {
        for failure in fields.failures() {
            let out = list.get_or_insert_default();
            if !out.is_empty() {
                out.push(b',');
            }
            let mut entry = Members::open(out);
            quote(entry.key("key"), &failure.key);
            if let Some(span) = span {
                quote(entry.key("span"), span);
            }
            quote(entry.key("error"), &failure.error);
            quote(entry.key("debug"), &failure.debug);
            entry.close();
        }
    };
    add(content.event, None);
    for node in content.chain {
        node.with_fields(|fields| add(fields, Some(node.name())));
    }
    if let Some(list) = list {
        let out = line.key(ENCODE_ERRORS);
        out.push(b'[');
        out.extend_from_slice(&list);
        out.push(b']');
    }
}

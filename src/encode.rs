//! Event to line. Everything the user's code has a part in is recorded in [`fields`] before a
//! line is assembled here, so that assembling cannot fail.

pub(crate) mod buffer;
pub(crate) mod custom;
mod cut;
pub(crate) mod escape;
pub(crate) mod fields;
pub(crate) mod guard;
pub(crate) mod schema;
mod text;
pub(crate) mod timestamp;
pub(crate) mod value;

use crate::encode::custom::Custom;
use crate::encode::escape::quote;
use crate::encode::fields::{Fields, LogFact, Piece, Role};
use crate::encode::schema::{ENCODE_ERRORS, Part, Place, REMOVED, Schema, TRUNCATED, rank};
use crate::encode::timestamp::Clock;
use crate::metadata::Rules;
use crate::metadata::span::SpanNode;
use std::sync::Arc;
use std::time::SystemTime;
use tracing_core::{Level, Metadata};

/// What a line says besides the fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) now: SystemTime,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(metadata: &Metadata<'a>, now: SystemTime) -> Self {
        Self {
            now,
            level: *metadata.level(),
            target: metadata.target(),
            file: metadata.file(),
            line: metadata.line(),
        }
    }
}

/// All that one line is made of.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) event: &'a Fields,
    /// From the root to the innermost span.
    pub(crate) chain: &'a [Arc<SpanNode>],
    statics: &'a Fields,
    truncated: bool,
    /// Members that were taken out whole to make the line fit.
    removed: u64,
}

/// A schema made ready for one layer.
pub(crate) struct Layout {
    pub(crate) schema: Schema,
    pub(crate) rules: Arc<Rules>,
    /// Longest line without its newline; `usize::MAX` for no limit.
    pub(crate) limit: usize,
    pub(crate) statics: Fields,
    pub(crate) location: bool,
    pub(crate) thread: bool,
    pub(crate) custom: Option<Custom>,
    /// Encoded keys (`"level":`) that a user's field at the top level must not take.
    reserved: Vec<Vec<u8>>,
    /// The encoded key of each identifier.
    identifiers: Vec<Vec<u8>>,
}

/// What became of a line on the way, for the counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    pub(crate) truncated: bool,
    /// The debug format stands in for a custom encoder's line.
    pub(crate) fallback: bool,
}

/// What assembling lines needs from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    clock: Clock,
    merged: Fields,
}

impl Assembly {
    fn shrink_above(&mut self, limit: usize) {
        self.merged.clear();
        self.merged.shrink_above(limit);
    }
}

impl Layout {
    pub(crate) fn new(schema: Schema, rules: Arc<Rules>, statics: &[(String, String)]) -> Self {
        let mut reserved: Vec<Vec<u8>> = schema.reserved().into_iter().map(encoded_key).collect();
        let mut own = Fields::default();
        for (key, value) in statics {
            let key = free_key(key, &reserved);
            own.text(Role::Field, &key, value);
            reserved.push(encoded_key(&key));
        }
        let nested = schema
            .parts
            .iter()
            .any(|part| matches!(part, Part::Identifiers(Place::Under(_))));
        let identifiers: Vec<Vec<u8>> = rules
            .identifiers
            .iter()
            .map(|key| {
                encoded_key(&if nested {
                    key.clone()
                } else {
                    free_key(key, &reserved)
                })
            })
            .collect();
        if !nested {
            reserved.extend(identifiers.iter().cloned());
        }
        Self {
            limit: rules.limit,
            schema,
            rules,
            statics: own,
            location: false,
            thread: false,
            custom: None,
            reserved,
            identifiers,
        }
    }

    /// Appends the line to `out`, without its newline.
    pub(crate) fn encode(
        &self,
        head: Head<'_>,
        event: &Fields,
        chain: &[Arc<SpanNode>],
        assembly: &mut Assembly,
        out: &mut Vec<u8>,
    ) -> Encoded {
        let content = Content {
            head,
            event,
            chain,
            statics: &self.statics,
            truncated: event.cut
                || chain
                    .iter()
                    .any(|node| node.with_fields(|fields| fields.cut)),
            removed: 0,
        };
        let mut encoded = Encoded {
            truncated: content.truncated,
            fallback: false,
        };
        let start = out.len();
        if let Some(custom) = &self.custom {
            encoded.fallback = custom.encode(self, &content, out);
            return encoded;
        }
        self.assemble(&content, assembly, out);
        if out.len() - start > self.limit {
            cut::fit(self, &content, assembly, out, start);
            encoded.truncated = true;
        }
        encoded
    }

    fn assemble(&self, content: &Content<'_>, assembly: &mut Assembly, out: &mut Vec<u8>) {
        let mut line = Members::open(out);
        for part in &self.schema.parts {
            match part {
                Part::Timestamp(key) => {
                    let out = line.key(key);
                    out.push(b'"');
                    assembly
                        .clock
                        .write(out, content.head.now, self.schema.precision);
                    out.push(b'"');
                }
                Part::Level(key, levels) => {
                    quote(line.key(key), &levels[rank(content.head.level)]);
                }
                Part::Message(key) => {
                    let message = content.event.find(Role::Message);
                    line.key(key).extend_from_slice(message.unwrap_or(b"\"\""));
                }
                Part::Target(key) => self.target(line.key(key), content),
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
                Part::Fields(Place::Under(key)) => {
                    let mut pieces = live(content.event).peekable();
                    if pieces.peek().is_some() {
                        let mut object = Members::open(line.key(key));
                        pieces.for_each(|piece| object.member(content.event.member(piece)));
                        object.close();
                    }
                }
                Part::Spans(Place::Under(key)) => {
                    if self.rules.span_fields && !content.chain.is_empty() {
                        spans(line.key(key), content);
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

    fn target(&self, out: &mut Vec<u8>, content: &Content<'_>) {
        match content.event.find(Role::Log(LogFact::Target)) {
            Some(target) => out.extend_from_slice(target),
            None => quote(out, content.head.target),
        }
    }

    fn origin(&self, line: &mut Members<'_>, content: &Content<'_>, keys: [&str; 4]) {
        let [file, number, thread, thread_id] = keys;
        if self.location {
            if let Some(text) = content.event.find(Role::Log(LogFact::File)) {
                line.key(file).extend_from_slice(text);
            } else if let Some(text) = content.head.file {
                quote(line.key(file), text);
            }
            if let Some(text) = content.event.find(Role::Log(LogFact::Line)) {
                line.key(number).extend_from_slice(text);
            } else if let Some(value) = content.head.line {
                let out = line.key(number);
                out.extend_from_slice(value.to_string().as_bytes());
            }
        }
        if self.thread {
            let current = std::thread::current();
            if let Some(name) = current.name() {
                quote(line.key(thread), name);
            }
            // The number inside has no stable accessor.
            let id = format!("{:?}", current.id());
            let digits = id.trim_matches(|c: char| !c.is_ascii_digit());
            if !digits.is_empty() {
                line.key(thread_id).extend_from_slice(digits.as_bytes());
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
            Place::Under(name) => {
                let present = |index: usize| identifier(content, index, |_| ()).is_some();
                if !(0..self.identifiers.len()).any(present) {
                    return;
                }
                let mut object = Members::open(line.key(name));
                for (index, key) in self.identifiers.iter().enumerate() {
                    identifier(content, index, |value| object.encoded(key, value));
                }
                object.close();
            }
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
        for piece in live(merged) {
            let key = merged.key(piece);
            if self.reserved.iter().any(|reserved| reserved == key) {
                let key = renamed(key, |key| {
                    self.reserved.iter().any(|reserved| reserved == key) || merged.has_key(key)
                });
                line.encoded(&key, merged.value(piece));
            } else {
                line.member(merged.member(piece));
            }
        }
    }
}

fn live(fields: &Fields) -> impl Iterator<Item = &Piece> {
    let pieces = fields.pieces().iter();
    pieces.filter(|piece| piece.role == Role::Field)
}

fn identifier<R>(content: &Content<'_>, index: usize, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
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

/// `[{"name":"request","method":"GET"},…]`, root first. A field called `name` is renamed: the
/// span's own name is what every line has.
fn spans(out: &mut Vec<u8>, content: &Content<'_>) {
    const NAME: &[u8] = b"\"name\":";
    out.push(b'[');
    for (index, node) in content.chain.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut object = Members::open(out);
        quote(object.key("name"), node.name());
        node.with_fields(|fields| {
            for piece in live(fields) {
                if fields.key(piece) == NAME {
                    let key = renamed(NAME, |key| fields.has_key(key));
                    object.encoded(&key, fields.value(piece));
                } else {
                    object.member(fields.member(piece));
                }
            }
        });
        object.close();
    }
    out.push(b']');
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

/// The members of a JSON object being written.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
    }

    /// Writes a key, and gives the buffer that its value goes to.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        quote(self.out, key);
        self.out.push(b':');
        self.out
    }

    fn encoded(&mut self, key: &[u8], value: &[u8]) {
        self.comma();
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(value);
    }

    fn member(&mut self, member: &[u8]) {
        self.comma();
        self.out.extend_from_slice(member);
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

fn encoded_key(key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    quote(&mut out, key);
    out.push(b':');
    out
}

/// The one rule for a user's name that is taken: `fields.` goes in front until it is free.
fn renamed(key: &[u8], taken: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut key = key.to_vec();
    while {
        key.splice(1..1, *b"fields.");
        taken(&key)
    } {}
    key
}

fn free_key(key: &str, reserved: &[Vec<u8>]) -> String {
    let mut key = key.to_owned();
    while reserved.contains(&encoded_key(&key)) {
        key.insert_str(0, "fields.");
    }
    key
}

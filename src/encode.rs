//! Event to line. Everything the user's code has a part in is recorded in [`fields`] before a
//! line is assembled here, so that assembling cannot fail.

pub(crate) mod assemble;
pub(crate) mod buffer;
pub(crate) mod custom;
mod cut;
pub(crate) mod escape;
pub(crate) mod fields;
pub(crate) mod guard;
mod members;
pub(crate) mod schema;
mod text;
pub(crate) mod timestamp;
mod undebug;
pub(crate) mod value;

use crate::encode::custom::Custom;
use crate::encode::fields::{Fields, Role, text_of};
use crate::encode::members::{encoded_key, free_key};
use crate::encode::schema::{Part, Place, Schema};
use crate::encode::timestamp::{Clock, Precision};
use crate::metadata::Rules;
use crate::metadata::span::SpanNode;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;
use tracing_core::{Level, Metadata};

/// What a line says besides the fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(metadata: &Metadata<'a>) -> Self {
        Self {
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
    pub(crate) now: SystemTime,
    pub(crate) head: Head<'a>,
    pub(crate) event: &'a Fields,
    /// From the root to the innermost span.
    pub(crate) chain: &'a [Arc<SpanNode>],
    statics: &'a Fields,
    /// Most bytes of target, file and thread.
    longest_name: usize,
    truncated: bool,
    /// Members that were taken out whole to make the line fit.
    removed: u64,
}

/// A schema made ready for one layer.
#[derive(Clone)]
pub(crate) struct Layout {
    precision: Precision,
    /// The schema's, with their names as they stand in the line.
    parts: Vec<Part>,
    pub(crate) rules: Arc<Rules>,
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
    pub(crate) fn new(schema: &Schema, rules: Arc<Rules>, statics: &[(String, String)]) -> Self {
        let reserved = schema.reserved().into_iter().map(encoded_key);
        let mut reserved: HashSet<Vec<u8>> = reserved.collect();
        let mut own = Fields::default();
        for (key, value) in statics {
            let key = free_key(key, &reserved);
            own.text(Role::Field, &text_of(&key[..key.len() - 1]), value);
            reserved.insert(key);
        }
        let nested = schema
            .parts
            .iter()
            .any(|part| matches!(part, Part::Identifiers(Place::Under(_))));
        let mut identifiers = Vec::new();
        for name in &rules.identifiers {
            let key = if nested {
                encoded_key(name)
            } else {
                let key = free_key(name, &reserved);
                reserved.insert(key.clone());
                key
            };
            identifiers.push(key);
        }
        Self {
            precision: schema.precision,
            parts: schema.parts.iter().map(Part::encoded).collect(),
            rules,
            statics: own,
            location: false,
            thread: false,
            custom: None,
            reserved: reserved.into_iter().collect(),
            identifiers,
        }
    }

    /// Appends the line to `out`, without its newline.
    pub(crate) fn encode(
        &self,
        now: SystemTime,
        head: Head<'_>,
        event: &Fields,
        chain: &[Arc<SpanNode>],
        assembly: &mut Assembly,
        out: &mut Vec<u8>,
    ) -> Encoded {
        let content = Content {
            now,
            head,
            event,
            chain,
            statics: &self.statics,
            longest_name: usize::MAX,
            truncated: event.is_cut() || chain.iter().any(|node| node.with_fields(Fields::is_cut)),
            removed: 0,
        };
        if let Some(custom) = &self.custom {
            return custom.encode(self, &content, out);
        }
        let start = out.len();
        self.assemble(&content, assembly, out);
        let over = out.len() - start > self.rules.limit;
        if over {
            cut::fit(self, &content, assembly, out, start);
        }
        Encoded {
            truncated: content.truncated || over,
            fallback: false,
        }
    }
}

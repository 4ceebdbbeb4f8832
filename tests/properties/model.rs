//! The line that the documentation promises, put together from plain lists and maps: nothing of
//! the crate is asked.

use serde_json::{Map, Value, json};
use tracing::Level;

use crate::given::{Failure, Given};

/// Field names and values, in the order in which they are recorded.
pub(crate) type Pairs = Vec<(String, Given)>;

/// How the layer is set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) flat: bool,
    pub(crate) spans: bool,
    pub(crate) identifiers: Vec<String>,
    pub(crate) statics: Vec<(String, String)>,
}

/// A span's name, and all that it recorded.
pub(crate) type Spanned<'a> = (&'a str, &'a Pairs);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Message,
    Identifier,
    Field,
}

/// What is left of one value of a visit.
struct Kept {
    slot: Slot,
    key: String,
    value: Value,
    failure: Option<Failure>,
}

/// Whose fields they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Event,
    Span,
    /// Of a `log` record, whose message is no field.
    Record,
}

impl Settings {
    /// The last value of a name wins; the first `message` of an event is its message.
    fn kept(&self, pairs: &Pairs, whose: Whose) -> Vec<Kept> {
        let mut all: Vec<Kept> = Vec::new();
        for (key, given) in pairs {
            if matches!(given, Given::Empty) {
                continue;
            }
            let key = named(key);
            let has_message = all.iter().any(|kept| kept.slot == Slot::Message);
            let (slot, value) = if self.identifiers.iter().any(|name| name == key) {
                (Slot::Identifier, given.as_identifier().into())
            } else if whose == Whose::Event && key == "message" && !has_message {
                (Slot::Message, given.as_message().into())
            } else if whose == Whose::Span && !self.spans {
                continue;
            } else {
                (Slot::Field, given.as_field())
            };
            all.retain(|kept| (kept.slot, kept.key.as_str()) != (slot, key));
            all.push(Kept {
                slot,
                key: key.to_owned(),
                value,
                failure: given.failure(slot != Slot::Field),
            });
        }
        all
    }

    /// The line, its timestamp aside, of an event or a record in these spans, root first.
    pub(crate) fn line(
        &self,
        (level, target): (Level, &str),
        (whose, pairs): (Whose, &Pairs),
        spans: &[Spanned<'_>],
    ) -> Value {
        let event = self.kept(pairs, whose);
        let spans: Vec<(&str, Vec<Kept>)> = spans
            .iter()
            .map(|(name, pairs)| (*name, self.kept(pairs, Whose::Span)))
            .collect();
        let message = event.iter().find(|kept| kept.slot == Slot::Message);
        let mut line = Map::new();
        line.insert("level".into(), level.as_str().to_lowercase().into());
        line.insert("target".into(), target.into());
        line.insert(
            "message".into(),
            message.map_or(json!(""), |kept| kept.value.clone()),
        );
        let errors = errors(&event, &spans);
        if !errors.is_empty() {
            line.insert("encode_errors".into(), errors.into());
        }
        let mut reserved = self.reserved();
        for (key, value) in &self.statics {
            let key = renamed(key, |key| reserved.iter().any(|taken| taken == key));
            line.insert(key.clone(), value.clone().into());
            reserved.push(key);
        }
        let nearest = |name: &String| {
            let inward = spans.iter().map(|(_, kept)| kept).chain([&event]);
            inward
                .rev()
                .flatten()
                .find(|kept| kept.slot == Slot::Identifier && kept.key == *name)
        };
        let identifiers = self.identifiers.iter();
        if self.flat {
            let mut found = Vec::new();
            for name in identifiers {
                let key = renamed(name, |key| reserved.iter().any(|taken| taken == key));
                reserved.push(key.clone());
                found.extend(nearest(name).map(|kept| (key, kept.value.clone())));
            }
            line.extend(found);
            line.extend(flattened(&event, &spans, &reserved));
            return line.into();
        }
        let metadata: Map<_, _> = identifiers
            .filter_map(|name| Some((name.clone(), nearest(name)?.value.clone())))
            .collect();
        let fields = members(&event);
        for (key, object) in [("metadata", metadata), ("fields", fields)] {
            if !object.is_empty() {
                line.insert(key.into(), object.into());
            }
        }
        if self.spans && !spans.is_empty() {
            let spans: Vec<_> = spans
                .iter()
                .map(|(name, kept)| span_object(name, kept))
                .collect();
            line.insert("spans".into(), spans.into());
        }
        line.into()
    }

    /// The names at the top of the line that are not the user's.
    fn reserved(&self) -> Vec<String> {
        let always = [
            "timestamp",
            "level",
            "message",
            "target",
            "file",
            "line",
            "thread",
            "thread_id",
            "truncated",
            "removed",
            "encode_errors",
        ];
        let nested = ["metadata", "fields", "spans"];
        let nested = nested.iter().filter(|_| !self.flat);
        always
            .iter()
            .chain(nested)
            .map(|&key| key.to_owned())
            .collect()
    }
}

/// A raw identifier is called what it is without its mark.
pub(crate) fn named(key: &str) -> &str {
    key.strip_prefix("r#").unwrap_or(key)
}

/// The one rule for a name that is taken.
fn renamed(key: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut key = key.to_owned();
    while is_taken(&key) {
        key.insert_str(0, "fields.");
    }
    key
}

fn fields(kept: &[Kept]) -> impl Iterator<Item = &Kept> {
    kept.iter().filter(|kept| kept.slot == Slot::Field)
}

fn members(kept: &[Kept]) -> Map<String, Value> {
    fields(kept)
        .map(|kept| (kept.key.clone(), kept.value.clone()))
        .collect()
}

/// The span's own name stays; a field of that name is renamed.
fn span_object(name: &str, kept: &[Kept]) -> Value {
    let mut object = members(kept);
    if let Some(field) = object.remove("name") {
        let key = renamed("fields.name", |key| object.contains_key(key));
        object.insert(key, field);
    }
    object.insert("name".into(), name.into());
    object.into()
}

/// Event beats inner span beats outer, and a reserved name is nobody's.
fn flattened(
    event: &[Kept],
    spans: &[(&str, Vec<Kept>)],
    reserved: &[String],
) -> Map<String, Value> {
    let mut merged: Vec<&Kept> = fields(event).collect();
    for (_, kept) in spans.iter().rev() {
        let new: Vec<_> = fields(kept)
            .filter(|kept| merged.iter().all(|other| other.key != kept.key))
            .collect();
        merged.extend(new);
    }
    let mut members = Map::new();
    for kept in &merged {
        let is_reserved = |key: &str| reserved.iter().any(|taken| taken == key);
        let mut key = kept.key.clone();
        if is_reserved(&key) {
            key = renamed(&format!("fields.{key}"), |key| {
                is_reserved(key)
                    || members.contains_key(key)
                    || merged.iter().any(|other| other.key == key)
            });
        }
        members.insert(key, kept.value.clone());
    }
    members
}

/// Those of the event, then those of its spans from the root.
fn errors(event: &[Kept], spans: &[(&str, Vec<Kept>)]) -> Vec<Value> {
    let own = event.iter().map(|kept| (None, kept));
    let around = spans
        .iter()
        .flat_map(|(name, kept)| kept.iter().map(move |kept| (Some(*name), kept)));
    let mut list = Vec::new();
    for (span, kept) in own.chain(around) {
        if let Some(failure) = &kept.failure {
            let mut entry =
                json!({"key": kept.key, "error": failure.error, "debug": failure.debug});
            if let Some(span) = span {
                entry["span"] = span.into();
            }
            list.push(entry);
        }
    }
    list
}

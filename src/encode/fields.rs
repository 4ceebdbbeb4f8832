//! What one visit of an event or a span recorded: each field encoded once, as `"key":value`.

mod edit;

use crate::encode::escape::quote;
use std::collections::BTreeMap;

/// So many keys are compared one by one; of more, each is looked up. A `log` record may have any
/// number.
const FEW: usize = 32;

/// Where a field belongs in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Message,
    /// The position in [`Rules::identifiers`](crate::metadata::Rules).
    Identifier(usize),
    Field,
    /// Facts that a `log` record carries as fields (`log.target`, …).
    Log(LogFact),
    /// Given again later: the last recorded value wins (tokio-rs/tracing#3195).
    Replaced,
}

impl Role {
    /// The macro's own text stays the message, and a record's facts its facts; a field of such a
    /// name is a field.
    fn is_replaceable(self) -> bool {
        matches!(self, Self::Field | Self::Identifier(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFact {
    Target,
    File,
    Line,
    Module,
}

/// What a value may become when the line is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// An object or array: all of it, or `null`.
    Nested,
    Scalar,
}

#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    start: usize,
    value: usize,
    end: usize,
    /// It is not all that was given.
    cut: bool,
}

/// A value that could not be given in its type. Its text goes to `encode_errors`.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The field's name, with a path inside it for nested values (`order.ratio`).
    pub(crate) key: String,
    pub(crate) error: String,
    pub(crate) debug: String,
    piece: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) bytes: Vec<u8>,
    pieces: Vec<Piece>,
    failures: Vec<Failure>,
    /// A bit per key seen, so that a new key is compared with the others only when it must be.
    seen: u64,
    /// Where each key's last piece is, once there are many.
    places: BTreeMap<Vec<u8>, usize>,
    /// The value being recorded was cut.
    pub(crate) cut: bool,
}

impl Fields {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.failures.clear();
        self.places.clear();
        self.seen = 0;
        self.cut = false;
    }

    pub(crate) fn shrink_above(&mut self, limit: usize) {
        self.bytes.shrink_to(limit);
        self.pieces.shrink_to(limit / size_of::<Piece>());
        self.failures.shrink_to(0);
    }

    /// Starts a field: writes its key. The value goes to `bytes`, then comes [`end`](Self::end).
    pub(crate) fn begin(&mut self, key: &str) -> Mark {
        let start = self.bytes.len();
        quote(&mut self.bytes, key);
        self.bytes.push(b':');
        Mark {
            start,
            value: self.bytes.len(),
        }
    }

    pub(crate) fn end(&mut self, mark: Mark, role: Role, kind: Kind) {
        let bit = key_bit(&self.bytes[mark.start..mark.value]);
        if self.seen & bit != 0 {
            self.replace_earlier(mark);
        }
        self.seen |= bit;
        self.pieces.push(Piece {
            role,
            kind,
            start: mark.start,
            value: mark.value,
            end: self.bytes.len(),
            cut: std::mem::take(&mut self.cut),
        });
        if self.pieces.len() > FEW {
            self.place_last();
        }
    }

    /// Notes where the last key is, and at first where those before it are.
    #[cold]
    fn place_last(&mut self) {
        let last = self.pieces.len() - 1;
        let first = if self.places.is_empty() { 0 } else { last };
        for at in first..=last {
            if self.pieces[at].role.is_replaceable() {
                let key = self.key(&self.pieces[at]).to_vec();
                self.places.insert(key, at);
            }
        }
    }

    /// The piece that has this encoded key, the line's own parts aside.
    fn place_of(&self, key: &[u8]) -> Option<usize> {
        let is_it = |piece: &Piece| piece.role.is_replaceable() && self.key(piece) == key;
        if self.places.is_empty() {
            return self.pieces.iter().position(is_it);
        }
        let at = *self.places.get(key)?;
        is_it(&self.pieces[at]).then_some(at)
    }

    /// Takes back a field that was begun.
    pub(crate) fn abandon(&mut self, mark: Mark) {
        self.bytes.truncate(mark.start);
    }

    /// What has been written of a value, as text.
    pub(crate) fn text_since(&self, mark: Mark) -> String {
        text_of(&self.bytes[mark.value..])
    }

    pub(crate) fn text(&mut self, role: Role, key: &str, text: &str) {
        let mark = self.begin(key);
        quote(&mut self.bytes, text);
        self.end(mark, role, Kind::Text);
    }

    pub(crate) fn number(&mut self, key: &str, number: u64) {
        let mark = self.begin(key);
        // Writing an integer to a `Vec` has no way to fail.
        let _ = serde_json::to_writer(&mut self.bytes, &number);
        self.end(mark, Role::Field, Kind::Scalar);
    }

    /// Appends what was recorded later; it replaces earlier values of the same keys.
    pub(crate) fn absorb(&mut self, later: &Fields) {
        let mut places = Vec::with_capacity(later.pieces.len());
        for piece in &later.pieces {
            let wanted = piece.role != Role::Replaced;
            if wanted {
                self.copy(later, piece);
            }
            places.push(wanted.then(|| self.pieces.len() - 1));
        }
        for failure in &later.failures {
            if let Some(&Some(piece)) = places.get(failure.piece) {
                self.failures.push(Failure {
                    piece,
                    ..failure.clone()
                });
            }
        }
    }

    /// Whether a value that still counts was cut while it was recorded.
    pub(crate) fn is_cut(&self) -> bool {
        let mut pieces = self.pieces.iter();
        pieces.any(|piece| piece.cut && piece.role != Role::Replaced)
    }

    /// Appends the fields, identifiers aside, whose keys are not here yet.
    pub(crate) fn absorb_fields(&mut self, outer: &Fields) {
        for piece in outer
            .pieces
            .iter()
            .filter(|piece| piece.role == Role::Field)
        {
            if !self.has_key(outer.key(piece)) {
                self.copy(outer, piece);
            }
        }
    }

    fn copy(&mut self, from: &Fields, piece: &Piece) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(from.member(piece));
        let value = start + (piece.value - piece.start);
        self.cut = piece.cut;
        self.end(Mark { start, value }, piece.role, piece.kind);
    }

    /// Whether a field of this encoded key (`"status":`) is here.
    pub(crate) fn has_key(&self, key: &[u8]) -> bool {
        self.seen & key_bit(key) != 0
            && self
                .place_of(key)
                .is_some_and(|at| self.pieces[at].role == Role::Field)
    }

    /// These fields and those recorded later, which win.
    pub(crate) fn merged(&self, later: &Fields) -> Fields {
        let mut merged = Fields::default();
        merged.absorb(self);
        merged.absorb(later);
        merged
    }

    #[cold]
    fn replace_earlier(&mut self, mark: Mark) {
        let earlier = self.place_of(&self.bytes[mark.start..mark.value]);
        if let Some(index) = earlier {
            self.remove(index);
        }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// `"key":value`
    pub(crate) fn member(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.start..piece.end]
    }

    /// `"key":`
    pub(crate) fn key(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.start..piece.value]
    }

    pub(crate) fn value(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.value..piece.end]
    }

    /// The value recorded for `role`, encoded.
    pub(crate) fn find(&self, role: Role) -> Option<&[u8]> {
        let piece = self.pieces.iter().find(|piece| piece.role == role)?;
        Some(self.value(piece))
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.pieces.iter().any(|piece| piece.role == role)
    }

    pub(crate) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    pub(crate) fn failed(&mut self, key: String, error: String, debug: String) {
        self.failures.push(Failure {
            key,
            error,
            debug,
            piece: self.pieces.len(),
        });
    }
}

/// Where a field's key and value begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    start: usize,
    pub(crate) value: usize,
}

/// What an encoded value says: a string's text, other JSON as it stands.
pub(crate) fn text_of(value: &[u8]) -> String {
    serde_json::from_slice(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned())
}

fn key_bit(key: &[u8]) -> u64 {
    let first = key.get(1).copied().unwrap_or(0);
    let last = key.get(key.len().wrapping_sub(3)).copied().unwrap_or(0);
    let hash = usize::from(first)
        .wrapping_mul(31)
        .wrapping_add(usize::from(last))
        .wrapping_mul(31)
        .wrapping_add(key.len());
    1 << (hash % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_wins_and_its_failure_goes_with_it() {
        let mut fields = Fields::default();
        fields.failed("a".into(), "bad".into(), "?".into());
        fields.text(Role::Field, "a", "1");
        fields.text(Role::Field, "b", "2");
        let mut later = Fields::default();
        later.text(Role::Field, "a", "3");
        let merged = fields.merged(&later);
        let members: Vec<_> = merged
            .pieces()
            .iter()
            .filter(|piece| piece.role == Role::Field)
            .map(|piece| std::str::from_utf8(merged.member(piece)).unwrap())
            .collect();
        assert_eq!(members, [r#""b":"2""#, r#""a":"3""#]);
        assert!(merged.failures().is_empty());
    }
}

//! What one visit of an event or a span recorded: each field encoded once, as `"key":value`.

use crate::encode::escape::quote;

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
    /// Something was cut while it was recorded.
    pub(crate) cut: bool,
}

impl Fields {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.failures.clear();
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
        });
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
        for (index, piece) in later.pieces.iter().enumerate() {
            if piece.role == Role::Replaced {
                continue;
            }
            self.copy(later, piece);
            let at = self.pieces.len() - 1;
            let failed = later.failures.iter().filter(|f| f.piece == index);
            self.failures.extend(failed.cloned().map(|mut failure| {
                failure.piece = at;
                failure
            }));
        }
        self.cut |= later.cut;
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
        self.end(Mark { start, value }, piece.role, piece.kind);
    }

    /// Whether a field of this encoded key (`"status":`) is here.
    pub(crate) fn has_key(&self, key: &[u8]) -> bool {
        self.seen & key_bit(key) != 0
            && self
                .pieces
                .iter()
                .any(|piece| piece.role == Role::Field && self.key(piece) == key)
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
        let key = &self.bytes[mark.start..mark.value];
        let earlier = self.pieces.iter().position(|piece| {
            // The macro's own text stays the message, and a record's facts its facts; a field of
            // such a name is a field.
            !matches!(piece.role, Role::Replaced | Role::Message | Role::Log(_))
                && self.key(piece) == key
        });
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

    pub(crate) fn failures_mut(&mut self) -> &mut Vec<Failure> {
        &mut self.failures
    }

    /// How many bytes the failures of a piece take, about.
    pub(crate) fn failures_len(&self, index: usize) -> usize {
        let failures = self.failures.iter().filter(|one| one.piece == index);
        failures
            .map(|one| one.key.len() + one.error.len() + one.debug.len())
            .sum()
    }

    /// Puts `null` in the place of a piece's value, and one failure in that of its others.
    pub(crate) fn fail(&mut self, index: usize, error: &str, debug: &str) {
        let Some(piece) = self.pieces.get(index) else {
            return;
        };
        let key = self.key(piece);
        let key = text_of(&key[..key.len() - 1]);
        self.failures.retain(|failure| failure.piece != index);
        self.failures.push(Failure {
            key,
            error: error.to_owned(),
            debug: debug.to_owned(),
            piece: index,
        });
        self.rewrite(index, Kind::Scalar, b"null");
    }

    /// Puts another value in the place of a piece's.
    pub(crate) fn rewrite(&mut self, index: usize, kind: Kind, value: &[u8]) {
        let Some(piece) = self.pieces.get(index).cloned() else {
            return;
        };
        let start = self.bytes.len();
        self.bytes.extend_from_within(piece.start..piece.value);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.pieces[index] = Piece {
            role: piece.role,
            kind,
            start,
            value: at,
            end: self.bytes.len(),
        };
    }

    pub(crate) fn remove(&mut self, index: usize) {
        if let Some(piece) = self.pieces.get_mut(index) {
            piece.role = Role::Replaced;
            self.failures.retain(|failure| failure.piece != index);
        }
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

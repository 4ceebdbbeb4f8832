//! Changing what was recorded: values that are replaced, cut or taken out.

use crate::encode::escape::cut_text;
use crate::encode::fields::{Failure, Fields, Kind, Piece, Role, text_of};
use std::collections::BTreeSet;

impl Fields {
    pub(crate) fn failures_mut(&mut self) -> &mut Vec<Failure> {
        &mut self.failures
    }

    /// How many bytes each piece takes with its failures, about.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.pieces.iter().map(|one| one.end - one.value).collect();
        for one in &self.failures {
            if let Some(size) = sizes.get_mut(one.piece) {
                *size += one.key.len() + one.error.len() + one.debug.len();
            }
        }
        sizes
    }

    /// Puts `null` in the place of these pieces' values, and one failure each in that of their
    /// others: the beginning of the value, up to `most` bytes.
    pub(crate) fn fail(&mut self, places: &[usize], error: &str, most: usize) {
        let places: BTreeSet<usize> = places.iter().copied().collect();
        self.failures.retain(|one| !places.contains(&one.piece));
        for piece in places {
            let Some(one) = self.pieces.get(piece) else {
                continue;
            };
            let key = self.key(one);
            let text = String::from_utf8_lossy(self.value(one));
            self.failures.push(Failure {
                key: text_of(&key[..key.len() - 1]),
                error: error.to_owned(),
                debug: cut_text(&text, most).to_owned(),
                piece,
            });
            self.rewrite(piece, Kind::Scalar, b"null");
        }
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
            cut: piece.cut,
        };
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.remove_all([index]);
    }

    pub(crate) fn remove_all(&mut self, places: impl IntoIterator<Item = usize>) {
        for index in places {
            if let Some(piece) = self.pieces.get_mut(index) {
                piece.role = Role::Replaced;
            }
        }
        let pieces = &self.pieces;
        let stays = |one: &Failure| {
            pieces
                .get(one.piece)
                .is_none_or(|one| one.role != Role::Replaced)
        };
        self.failures.retain(stays);
    }
}

//! An object being written, and the rule for names that are taken in it.

use crate::encode::escape::quote;
use std::collections::HashSet;

/// The members of a JSON object being written.
pub(super) struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
    }

    /// Writes a key, and gives the buffer that its value goes to.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        quote(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// The same for a key that is encoded already, its colon included.
    pub(super) fn encoded_key(&mut self, key: &str) -> &mut Vec<u8> {
        self.comma();
        self.out.extend_from_slice(key.as_bytes());
        self.out
    }

    /// Writes an object under a key that is encoded already, unless `fill` leaves it empty.
    pub(super) fn object_if_any(&mut self, key: &str, fill: impl FnOnce(&mut Members<'_>)) {
        let (start, first) = (self.out.len(), self.first);
        let mut object = Members::open(self.encoded_key(key));
        fill(&mut object);
        if object.first {
            self.out.truncate(start);
            self.first = first;
        } else {
            object.close();
        }
    }

    pub(super) fn encoded(&mut self, key: &[u8], value: &[u8]) {
        self.comma();
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(value);
    }

    pub(super) fn member(&mut self, member: &[u8]) {
        self.comma();
        self.out.extend_from_slice(member);
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

pub(super) fn encoded_key(key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    quote(&mut out, key);
    out.push(b':');
    out
}

/// The one rule for a user's name that is taken: `fields.` goes in front until it is free.
pub(super) fn renamed(key: &[u8], taken: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut key = key.to_vec();
    while {
        key.splice(1..1, *b"fields.");
        taken(&key)
    } {}
    key
}

/// A name as it stands in a line, renamed if it is taken.
pub(super) fn free_key(key: &str, reserved: &HashSet<Vec<u8>>) -> Vec<u8> {
    let key = encoded_key(key);
    if reserved.contains(&key) {
        return renamed(&key, |key| reserved.contains(key));
    }
    key
}

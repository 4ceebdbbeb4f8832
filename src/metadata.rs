//! Which fields are identifiers, and the span context that they and the other fields come from.

pub(crate) mod view;
pub(crate) mod span;
mod timing;

/// The identifiers that are lifted into `metadata` unless told otherwise.
pub(crate) const IDENTIFIERS: [&str; 3] = ["request_id", "user_id", "trace_id"];

/// How the fields of events and spans are recorded.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// In the order in which they are written.
    pub(crate) identifiers: Vec<String>,
    /// No text longer than this can reach the line, so no more of it is kept.
    pub(crate) limit: usize,
    /// NaN and the infinities as strings in place of `null`.
    pub(crate) not_finite_as_text: bool,
    /// Whether spans' fields other than identifiers are wanted.
    pub(crate) span_fields: bool,
}

impl Rules {
    pub(crate) fn identifier(&self, key: &str) -> Option<usize> {
        self.identifiers.iter().position(|name| name == key)
    }
}

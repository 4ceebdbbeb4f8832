//! What may be missing from a cut line.

use proptest::prelude::*;
use serde_json::Value;

/// A cut line says nothing that the whole line does not, and counts what it leaves out.
pub(crate) fn check_cut(whole: &Value, cut: &Value, is_flat: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(&cut["truncated"], true);
    let mut whole = members(whole, is_flat);
    for (path, shown) in members(cut, is_flat) {
        let same = whole
            .iter()
            .position(|(other, value)| *other == path && is_beginning(&shown, value));
        // A field whose name was taken has it back once the one that took it is gone.
        let place = same.or_else(|| {
            whole.iter().position(|(other, value)| {
                is_flat && plain(other) == plain(&path) && is_beginning(&shown, value)
            })
        });
        prop_assert!(place.is_some(), "{path}: {shown} is not of the whole line");
        whole.remove(place.unwrap_or_default());
    }
    for always in ["timestamp", "level", "message", "target"] {
        prop_assert!(whole.iter().all(|(path, _)| path != always), "no {always}");
    }
    // A span's name goes with its span.
    let is_field = |path: &str| path.split_once(']').is_none_or(|(_, key)| key != "name");
    let missing = whole.iter().filter(|(path, _)| is_field(path)).count() as u64;
    let removed = cut
        .get("removed")
        .map_or(0, |count| count.as_u64().unwrap_or(0));
    // In a flat line, fields of spans count that another field hid.
    prop_assert!(
        removed == missing || is_flat && removed > missing,
        "{removed} for {missing}"
    );
    Ok(())
}

/// Where each of the user's values stands in a line, and the values every line has.
fn members(line: &Value, is_flat: bool) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut add = |prefix: String, members: &Value| {
        let members = members.as_object().into_iter().flatten();
        all.extend(members.map(|(key, value)| (format!("{prefix}{key}"), value.clone())));
    };
    let mut top = line.as_object().cloned().unwrap_or_default();
    top.retain(|key, _| !["truncated", "removed", "encode_errors"].contains(&key.as_str()));
    if !is_flat {
        for key in ["metadata", "fields"] {
            add(format!("{key}/"), &top.remove(key).unwrap_or_default());
        }
        let spans = top.remove("spans").unwrap_or_default();
        for (index, span) in spans.as_array().into_iter().flatten().enumerate() {
            add(format!("spans[{index}]"), span);
        }
    }
    add(String::new(), &top.into());
    all
}

fn plain(key: &str) -> &str {
    key.strip_prefix("fields.").map_or(key, plain)
}

/// `shown` is all of `whole`, or the beginning of a text, or stands for a nested value.
fn is_beginning(shown: &Value, whole: &Value) -> bool {
    match (shown, whole) {
        (Value::String(shown), Value::String(whole)) => whole.starts_with(shown.as_str()),
        (Value::Null, Value::String(_) | Value::Array(_) | Value::Object(_)) => true,
        _ => shown == whole,
    }
}

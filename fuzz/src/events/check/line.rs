//! One line, held against the model.

use crate::events::check::is_truncated;
use crate::events::expected::Expected;
use crate::events::machine::Made;
use crate::events::model::{Fails, Given, Recorded, Rules};
use crate::events::program::Setup;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub struct Wanted<'a> {
    pub setup: &'a Setup,
    pub rules: &'a Rules,
    pub made: &'a Made,
    /// Name and fields of each span around the event, root first.
    pub chain: Vec<&'a (&'static str, Recorded)>,
}

const RESERVED: [&str; 14] = [
    "timestamp",
    "level",
    "message",
    "target",
    "file",
    "line",
    "thread",
    "thread_id",
    "metadata",
    "fields",
    "spans",
    "truncated",
    "removed",
    "encode_errors",
];

impl Wanted<'_> {
    pub fn check(&self, line: &Value) {
        let mut rest = line.as_object().expect("a line is an object").clone();
        let cut = is_truncated(line);
        self.head(&mut rest, cut);
        if cut {
            self.beginnings(&rest);
            return;
        }
        self.errors(&mut rest);
        let mut taken = self.statics(&mut rest);
        if self.setup.flat {
            self.flat(&mut rest, &mut taken);
        } else {
            self.nested(&mut rest);
        }
        assert!(rest.is_empty(), "nobody gave {rest:?} in {line}");
    }

    fn head(&self, line: &mut Map<String, Value>, cut: bool) {
        let made = self.made;
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => text,
            other => panic!("no text: {other:?}"),
        };
        let digits = [6, 3, 9][usize::from(self.setup.precision % 3)];
        let time = text(line.remove("timestamp"));
        assert_eq!(time.len(), 21 + digits, "{time}");
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
        let level = text(line.remove("level"));
        assert_eq!(level, made.level.to_ascii_lowercase());
        let message = line.remove("message").expect("a message");
        let target = line.remove("target").expect("a target");
        assert!(message.is_string() && target.is_string(), "{target}");
        if !cut {
            holds("message", made.recorded.message.as_ref(), "", &message);
            holds(
                "target",
                made.recorded.target.as_ref(),
                &made.target,
                &target,
            );
        }
        let origin = ["file", "line", "thread", "thread_id"].map(|key| line.remove(key));
        let [file, number, thread, thread_id] = origin;
        if self.setup.location && !cut {
            match (&made.recorded.file, &made.file) {
                (None, None) => assert_eq!(file, None),
                (given, known) => {
                    let known = known.as_deref().unwrap_or_default();
                    holds("file", given.as_ref(), known, &file.expect("a file"));
                }
            }
            // An event that poses as a record has its own line if it says no number.
            let own = made.line.map(Value::from);
            let is_told =
                made.recorded.line.is_some() && number.as_ref().is_some_and(Value::is_u64);
            assert!(is_told || number == own, "{number:?}");
        } else if !self.setup.location {
            assert_eq!((file, number), (None, None));
        }
        assert_eq!(thread_id.is_some(), self.setup.thread);
        assert!(self.setup.thread || thread.is_none());
    }

    /// Of a line that was cut: what is there of texts is their beginning.
    fn beginnings(&self, line: &Map<String, Value>) {
        if self.setup.flat {
            // One of them may be called `fields`.
            return;
        }
        let fields = line.get("fields").and_then(Value::as_object);
        let Some(fields) = fields else { return };
        for (key, shown) in fields {
            // A span's fields go among the event's never, but for identifiers.
            let given = self.made.recorded.fields.get(key);
            let given = given.unwrap_or_else(|| panic!("nobody gave {key}"));
            if let (Expected::Exactly(Value::String(text)), Value::String(shown)) =
                (&given.expected, shown)
            {
                assert!(text.starts_with(shown), "{key}: {shown}");
            }
        }
    }

    /// Each value that failed is told of, and no other.
    fn errors(&self, line: &mut Map<String, Value>) {
        let mut all: Vec<(Option<&str>, &str, Fails)> = Vec::new();
        let own = self.made.recorded.failing();
        all.extend(own.map(|(key, fails)| (None, key, fails)));
        for (name, recorded) in &self.chain {
            let failing = recorded.failing();
            all.extend(failing.map(|(key, fails)| (Some(*name), key, fails)));
        }
        all.retain(|(.., fails)| *fails != Fails::No);
        let mut wanted = all.clone();
        wanted.retain(|(.., fails)| *fails == Fails::Yes);
        let list = line.remove("encode_errors");
        let list = list
            .iter()
            .flat_map(|list| list.as_array().expect("a list"));
        for entry in list {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            let (key, span) = (text("key").expect("a key"), text("span"));
            assert!(
                text("error").is_some() && text("debug").is_some(),
                "{entry}"
            );
            let is = |(of, name, _): &(Option<&str>, &str, Fails)| {
                let rest = key.strip_prefix(name);
                *of == span
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            assert!(all.iter().any(is), "nothing failed like {entry}");
            wanted.retain(|one| !is(one));
        }
        assert!(wanted.is_empty(), "nothing tells of {wanted:?}");
    }

    /// The keys that are nobody's after the static fields have theirs.
    fn statics(&self, line: &mut Map<String, Value>) -> BTreeSet<String> {
        let mut taken: BTreeSet<String> = RESERVED.map(str::to_owned).into();
        if self.setup.flat {
            for key in ["metadata", "fields", "spans"] {
                taken.remove(key);
            }
        }
        let mut last: Vec<(&str, &str)> = Vec::new();
        for (key, value) in &self.setup.statics {
            last.retain(|(other, _)| *other != key.0);
            last.push((&key.0, &value.0));
        }
        for (key, value) in last {
            let key = free(key, &taken);
            assert_eq!(line.remove(&key), Some(value.into()), "{key}");
            taken.insert(key);
        }
        taken
    }

    fn identifiers(&self) -> BTreeMap<&str, &Given> {
        let chain = self.chain.iter().map(|(_, recorded)| recorded);
        let mut all = BTreeMap::new();
        for recorded in chain.chain([&self.made.recorded]) {
            let given = recorded.identifiers.iter();
            all.extend(given.map(|(name, given)| (name.as_str(), given)));
        }
        all
    }

    fn nested(&self, line: &mut Map<String, Value>) {
        let identifiers = self.identifiers().into_iter();
        object(
            "metadata",
            line,
            identifiers
                .map(|(key, given)| (key.to_owned(), given))
                .collect(),
        );
        let fields = self.made.recorded.fields.iter();
        object(
            "fields",
            line,
            fields.map(|(key, given)| (key.clone(), given)).collect(),
        );
        let spans = line.remove("spans");
        if !self.setup.spans || self.chain.is_empty() {
            assert_eq!(spans, None);
            return;
        }
        let spans = spans.expect("spans");
        let spans = spans.as_array().expect("a list of spans");
        assert_eq!(spans.len(), self.chain.len());
        for (shown, (name, recorded)) in spans.iter().zip(&self.chain) {
            let mut shown = shown.as_object().expect("a span is an object").clone();
            assert_eq!(shown.remove("name"), Some((*name).into()));
            let mut taken = BTreeSet::from(["name".to_owned()]);
            merged(&mut shown, &mut taken, recorded.fields.iter());
            assert!(shown.is_empty(), "nobody gave {shown:?}");
        }
    }

    fn flat(&self, line: &mut Map<String, Value>, taken: &mut BTreeSet<String>) {
        // Their keys are given away in configured order, whether they are present or not.
        let given = self.identifiers();
        let mut seen = BTreeSet::new();
        for name in &self.rules.identifiers {
            let key = free(name, taken);
            taken.insert(key.clone());
            if let Some(given) = given.get(name.as_str())
                && seen.insert(name)
            {
                let shown = line.remove(&key).unwrap_or_else(|| panic!("no {key}"));
                holds(&key, Some(given), "", &shown);
            }
        }
        let mut fields = BTreeMap::new();
        if self.setup.spans {
            for (_, recorded) in &self.chain {
                fields.extend(&recorded.fields);
            }
        }
        fields.extend(&self.made.recorded.fields);
        merged(line, taken, fields.into_iter());
    }
}

/// Takes the fields out of `object`: each under its own name, or renamed if that is taken.
fn merged<'a>(
    object: &mut Map<String, Value>,
    taken: &mut BTreeSet<String>,
    fields: impl Iterator<Item = (&'a String, &'a Given)>,
) {
    let (renamed, own): (Vec<_>, Vec<_>) = fields.partition(|(key, _)| taken.contains(*key));
    for (key, given) in own {
        let shown = object.remove(key).unwrap_or_else(|| panic!("no {key}"));
        holds(key, Some(given), "", &shown);
        taken.insert(key.clone());
    }
    // Which of several that want one name has it is not promised, but that each has one is.
    for (key, given) in renamed {
        let names = (1..).map(|count| format!("{}{key}", "fields.".repeat(count)));
        let mut names = names.take_while(|name| object.contains_key(name) || taken.contains(name));
        let found = names.find(|name| object.get(name).is_some_and(|s| given.expected.agrees(s)));
        let found = found.unwrap_or_else(|| panic!("{key} is lost from {object:?}: {given:?}"));
        object.remove(&found);
        taken.insert(found);
    }
}

fn object(key: &str, line: &mut Map<String, Value>, wanted: BTreeMap<String, &Given>) {
    let Some(shown) = line.remove(key) else {
        assert!(wanted.is_empty(), "no {key}");
        return;
    };
    let mut shown = shown.as_object().expect("an object").clone();
    assert!(!shown.is_empty());
    for (key, given) in wanted {
        let shown = shown.remove(&key).unwrap_or_else(|| panic!("no {key}"));
        holds(&key, Some(given), "", &shown);
    }
    assert!(shown.is_empty(), "nobody gave {shown:?}");
}

fn holds(key: &str, given: Option<&Given>, otherwise: &str, shown: &Value) {
    match given {
        Some(given) => assert!(
            given.expected.agrees(shown),
            "{key} is {shown} in place of {:?}",
            given.expected
        ),
        None => assert_eq!(shown, otherwise, "{key}"),
    }
}

fn free(key: &str, taken: &BTreeSet<String>) -> String {
    let mut key = key.to_owned();
    while taken.contains(&key) {
        key.insert_str(0, "fields.");
    }
    key
}

//! Programs: what one or two threads do with spans, in any order.

use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::LazyLock;
use tracing::Level;

use crate::any::short_text;
use crate::given::{Given, given};
use crate::model::Pairs;
use crate::sites::{self, Site};

/// One thing that a program does. Spans are picked among those there are when it does it.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open(&'static Kind, Parent, Vec<Given>),
    Record(Pick, Vec<Given>),
    Enter(Pick),
    /// Also spans that this thread is not in.
    Exit(Pick),
    Clone(Pick),
    Drop(Pick),
    Follows(Pick, Pick),
    Event(&'static Kind, Parent, Vec<Given>),
}

#[derive(Clone, Debug)]
pub(crate) enum Parent {
    /// The span that the thread is in.
    Current,
    Root,
    /// Of an event also a span that is closed.
    Span(Pick),
    /// A span that never was.
    Unknown,
}

/// The one that is picked of those there are.
#[derive(Clone, Debug)]
pub(crate) struct Pick(Index);

impl Pick {
    pub(crate) fn from<T: Copy>(&self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.0.index(all.len())])
    }
}

/// An operation, and which thread does it.
pub(crate) type Step = (usize, Op);

/// A callsite with the names it declares.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    pub(crate) keys: &'static [&'static str],
    pub(crate) site: Site,
}

impl Kind {
    /// A value for each name.
    pub(crate) fn take<'g>(&self, given: &'g [Given]) -> &'g [Given] {
        &given[..self.keys.len()]
    }

    pub(crate) fn pairs(&self, given: &[Given]) -> Pairs {
        let keys = self.keys.iter().map(|&key| key.to_owned());
        keys.zip(given.iter().cloned()).collect()
    }
}

/// Names that mean something in the line, that are given twice, or that other kinds have too.
const SPANS: [(&str, &[&str]); 6] = [
    ("request", &["request_id", "a", "user_id"]),
    ("job", &["a", "b", "trace_id"]),
    ("query", &["name", "fields.name", "a"]),
    ("twice", &["a", "request_id", "a"]),
    ("taken", &["level", "fields.level", "message"]),
    ("bare", &[]),
];
const EVENTS: [(Level, &[&str]); 6] = [
    (Level::INFO, &["message", "a", "b"]),
    (Level::ERROR, &["request_id", "message", "a"]),
    (Level::WARN, &["message", "message", "user_id"]),
    (Level::DEBUG, &["a", "trace_id", "a"]),
    (Level::TRACE, &["timestamp", "name", "level"]),
    (Level::INFO, &[]),
];

fn kinds_of_spans() -> Vec<&'static Kind> {
    static KINDS: LazyLock<[Kind; 6]> = LazyLock::new(|| {
        SPANS.map(|(name, keys)| Kind {
            name,
            level: Level::INFO,
            keys,
            site: sites::span(name, keys.iter().copied()),
        })
    });
    KINDS.iter().collect()
}

fn kinds_of_events() -> Vec<&'static Kind> {
    static KINDS: LazyLock<[Kind; 6]> = LazyLock::new(|| {
        EVENTS.map(|(level, keys)| Kind {
            name: "event",
            level,
            keys,
            site: sites::event("shop", level, keys.iter().copied()),
        })
    });
    KINDS.iter().collect()
}

/// What `threads` threads do, one step after the other.
pub(crate) fn program(threads: usize) -> impl Strategy<Value = Vec<Step>> {
    let pick = || any::<Index>().prop_map(Pick);
    let values = || prop::collection::vec(given(short_text()), 3);
    let parent = prop_oneof![
        3 => Just(Parent::Current),
        1 => Just(Parent::Root),
        2 => pick().prop_map(Parent::Span),
    ];
    let parent_of_event = prop_oneof![
        5 => Just(Parent::Current),
        1 => Just(Parent::Root),
        3 => pick().prop_map(Parent::Span),
        1 => Just(Parent::Unknown),
    ];
    let span = prop::sample::select(kinds_of_spans());
    let event = prop::sample::select(kinds_of_events());
    let op = prop_oneof![
        4 => (span, parent, values()).prop_map(|(kind, parent, given)| Op::Open(kind, parent, given)),
        4 => pick().prop_map(Op::Enter),
        3 => pick().prop_map(Op::Exit),
        3 => (pick(), values()).prop_map(|(span, given)| Op::Record(span, given)),
        2 => pick().prop_map(Op::Drop),
        1 => pick().prop_map(Op::Clone),
        1 => (pick(), pick()).prop_map(|(span, from)| Op::Follows(span, from)),
        6 => (event, parent_of_event, values())
            .prop_map(|(kind, parent, given)| Op::Event(kind, parent, given)),
    ];
    prop::collection::vec((0..threads, op), 1..30)
}

//! A program at work: on the crate, and beside it on the model.

use serde_json::Value;
use std::ops::Range;
use tracing::span::Id;
use tracing::{Dispatch, Level};
use tracing_jsonl::{JsonLayer, Schema, StatsHandle};
use tracing_subscriber::prelude::*;

use crate::given::Given;
use crate::model::{Pairs, Settings, Whose};
use crate::programs::{Op, Parent, Pick};
use crate::support::figures::counts;
use crate::support::{Capture, noon};
use crate::threads::{Call, Lockstep, Under, run};
use crate::tree::Tree;

/// The layers: the default schema, which also tells of spans that close, and the flat one.
const NESTED: usize = 0;
const FLAT: usize = 1;

pub(crate) struct World<'t> {
    other: Option<&'t Lockstep>,
    dispatch: Dispatch,
    captures: [Capture; 2],
    stats: [StatsHandle; 2],
    tree: Tree,
    /// What the registry calls the model's spans.
    ids: Vec<Id>,
    /// The lines that the model predicts.
    expected: [Vec<Value>; 2],
}

impl<'t> World<'t> {
    /// Of one thread, or of two.
    pub(crate) fn new(other: Option<&'t Lockstep>) -> Self {
        let captures = [Capture::default(), Capture::default()];
        let layer = |capture: &Capture| JsonLayer::new(capture.clone()).with_clock(noon);
        let nested = layer(&captures[NESTED]).with_span_close(true);
        let flat = layer(&captures[FLAT]).with_schema(Schema::flat());
        let stats = [nested.stats(), flat.stats()];
        Self {
            other,
            dispatch: tracing_subscriber::registry()
                .with(nested)
                .with(flat)
                .into(),
            captures,
            stats,
            tree: Tree::new(),
            ids: Vec::new(),
            expected: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn step(&mut self, thread: usize, op: Op) {
        // A program that has no span yet has nothing to do with one.
        if let Some(call) = self.resolve(thread, op) {
            self.call(thread, call);
        }
    }

    /// Leaves and drops all there is.
    pub(crate) fn end(&mut self, threads: usize) {
        for thread in 0..threads {
            while let Some(&span) = self.tree.entered(thread).first() {
                let call = self.exit(thread, span);
                self.call(thread, call);
            }
        }
        while let Some(&span) = self.tree.held().last() {
            let call = self.release(span);
            self.call(0, call);
        }
    }

    /// Does `op` to the model, and says what it is with spans known.
    fn resolve(&mut self, thread: usize, op: Op) -> Option<Call> {
        Some(match op {
            Op::Open(kind, parent, given) => {
                let (span, under) = match parent {
                    Parent::Current | Parent::Unknown => {
                        (self.tree.open_here(kind, thread), Under::Current)
                    }
                    Parent::Root => (self.tree.open(kind, None), Under::Root),
                    // Not one that is closed, at which the registry panics.
                    Parent::Span(pick) => {
                        let parent = self.held(&pick)?;
                        (self.tree.open(kind, Some(parent)), self.under(parent))
                    }
                };
                self.tree.record(span, &given);
                Call::Open(kind, under, given)
            }
            Op::Event(kind, parent, given) => {
                let (context, under) = match parent {
                    Parent::Current => (self.tree.current(thread), Under::Current),
                    Parent::Root => (None, Under::Root),
                    Parent::Unknown => (None, Under::Span(Id::from_u64(0xdead_beef))),
                    Parent::Span(pick) => {
                        let parent = pick.from(&self.tree.all())?;
                        let context = Some(parent).filter(|&parent| self.tree.is_open(parent));
                        (context, self.under(parent))
                    }
                };
                self.expect(
                    NESTED..FLAT + 1,
                    (kind.level, "shop"),
                    &kind.pairs(&given),
                    context,
                );
                Call::Event(kind, under, given)
            }
            Op::Record(pick, given) => {
                let span = self.held(&pick)?;
                self.tree.record(span, &given);
                Call::Record(self.tree.kind(span), self.id(span), given)
            }
            Op::Enter(pick) => {
                let span = self.held(&pick)?;
                self.tree.enter(thread, span);
                Call::Enter(self.id(span))
            }
            Op::Exit(pick) => self.exit(thread, pick.from(&self.tree.all())?),
            Op::Clone(pick) => {
                let span = self.held(&pick)?;
                self.tree.hold(span);
                Call::Clone(self.id(span))
            }
            Op::Drop(pick) => self.release(self.held(&pick)?),
            Op::Follows(pick, from) => {
                let (span, from) = (self.held(&pick)?, from.from(&self.tree.all())?);
                Call::Follows(self.id(span), self.id(from))
            }
        })
    }

    fn exit(&mut self, thread: usize, span: usize) -> Call {
        self.tree.exit(thread, span);
        Call::Exit(self.id(span))
    }

    fn release(&mut self, span: usize) -> Call {
        for closed in self.tree.release(span) {
            let name = Given::Str(self.tree.kind(closed).name.to_owned());
            let message = Given::Str("span closed".to_owned());
            let pairs = vec![("message".to_owned(), message), ("span".to_owned(), name)];
            self.expect(
                NESTED..FLAT,
                (Level::INFO, "properties"),
                &pairs,
                Some(closed),
            );
        }
        Call::Drop(self.id(span))
    }

    fn held(&self, pick: &Pick) -> Option<usize> {
        pick.from(&self.tree.held())
    }

    fn id(&self, span: usize) -> Id {
        self.ids[span].clone()
    }

    fn under(&self, span: usize) -> Under {
        Under::Span(self.id(span))
    }

    fn expect(
        &mut self,
        layers: Range<usize>,
        head: (Level, &str),
        pairs: &Pairs,
        context: Option<usize>,
    ) {
        for layer in layers {
            let settings = Settings {
                flat: layer == FLAT,
                spans: true,
                identifiers: ["request_id", "user_id", "trace_id"]
                    .map(str::to_owned)
                    .to_vec(),
                statics: Vec::new(),
            };
            let chain = self.tree.chain(context);
            let mut line = settings.line(head, (Whose::Event, pairs), &chain);
            line["timestamp"] = "2026-11-23T14:26:46.123456Z".into();
            self.expected[layer].push(line);
        }
    }

    fn call(&mut self, thread: usize, call: Call) {
        let other = self.other.filter(|_| thread == 1);
        let (opened, current) = run(&self.dispatch, other, call);
        self.ids.extend(opened);
        // The span that a thread is in is that of `tracing` itself.
        let expected = self.tree.current_in_registry(thread);
        assert_eq!(current, expected.map(|span| self.id(span)));
    }

    /// The lines of each layer beside those that the model predicts.
    pub(crate) fn lines(&self) -> [(Vec<Value>, &[Value]); 2] {
        [NESTED, FLAT].map(|layer| {
            let mut lines = self.captures[layer].lines();
            for line in &mut lines {
                if line["message"] == "span closed" {
                    let fields = line["fields"].as_object_mut().unwrap();
                    for key in ["busy_ns", "idle_ns"] {
                        assert!(fields.remove(key).is_some_and(|time| time.is_u64()));
                    }
                }
            }
            (lines, &self.expected[layer][..])
        })
    }

    /// Of both layers together.
    pub(crate) fn counts(&self) -> [u64; 4] {
        let [nested, flat] = self.stats.each_ref().map(|stats| counts(stats.get()));
        std::array::from_fn(|index| nested[index] + flat[index])
    }
}

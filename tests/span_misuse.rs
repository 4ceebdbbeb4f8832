//! Spans used in ways that nobody means: entered here and left there, dropped while entered,
//! named by ids of spans that are closed or another subscriber's.
//!
//! The registry panics at some of this on its own (tokio-rs/tracing#3514). So each sequence runs
//! twice, with our layer and without: what reaches the caller has to be the same.
#![allow(clippy::unwrap_used)]

mod hostile_support;
mod support;

use hostile_support::{Random, add, cases};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use support::Capture;
use support::figures::{counts, holds};
use tracing::{Dispatch, Id, Span, dispatcher, info, info_span};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::Identity;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

const THREADS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    New,
    NewRoot,
    NewIn(usize),
    Clone(usize),
    Drop(usize),
    Enter(usize),
    Exit(usize),
    Record(usize),
    Follows(usize, usize),
    Event,
    EventIn(usize),
}

/// Steps for any thread and any span, most often one of the newest.
fn sequence(random: &mut Random, length: usize) -> Vec<(usize, Step)> {
    let mut made = 0;
    let mut steps = Vec::new();
    while steps.len() < length {
        let back = random.below(8).min(made);
        let span = made - back;
        let step = match random.below(12) {
            0 => Step::New,
            1 => Step::NewRoot,
            2 => Step::NewIn(span),
            3 => Step::Clone(span),
            4 | 5 => Step::Drop(span),
            6 | 7 => Step::Enter(span),
            8 => Step::Exit(span),
            9 => Step::Record(span),
            10 if random.below(2) == 0 => Step::Follows(span, made.saturating_sub(1)),
            10 => Step::Event,
            _ => Step::EventIn(span),
        };
        made += usize::from(matches!(step, Step::New | Step::NewRoot | Step::NewIn(_)));
        steps.push((random.below(THREADS), step));
    }
    steps
}

/// What a subscriber has been asked so far.
struct Asked {
    dispatch: Dispatch,
    /// Of the registry of somebody else, in pages that ours never has.
    foreign: Vec<Id>,
    ids: Vec<Id>,
    /// Whether the parent that each event named was open.
    open: Vec<bool>,
}

impl Asked {
    /// A span by its number; one that was not made yet is one that never was.
    fn id(&self, number: usize) -> Id {
        let foreign = || self.foreign[number % self.foreign.len()].clone();
        self.ids.get(number).cloned().unwrap_or_else(foreign)
    }

    /// Spans are made and dropped by number, outside the guard of `tracing::Span`.
    fn keep(&mut self, span: Span) {
        self.ids.extend(span.id());
        std::mem::forget(span);
    }

    fn take(&mut self, step: Step) {
        let id = |number| self.id(number);
        match step {
            Step::New => {
                let span = info_span!("contextual", request_id = self.ids.len());
                self.keep(span);
            }
            Step::NewRoot => {
                let span = info_span!(parent: None, "root", user_id = self.ids.len());
                self.keep(span);
            }
            Step::NewIn(parent) => {
                let span = info_span!(parent: id(parent), "child", request_id = self.ids.len());
                self.keep(span);
            }
            Step::Clone(span) => {
                let _ = self.dispatch.clone_span(&id(span));
            }
            Step::Drop(span) => {
                let _ = self.dispatch.try_close(id(span));
            }
            Step::Enter(span) => self.dispatch.enter(&id(span)),
            Step::Exit(span) => self.dispatch.exit(&id(span)),
            Step::Record(span) => record(&self.dispatch, &id(span)),
            Step::Follows(span, from) => self.dispatch.record_follows_from(&id(span), &id(from)),
            Step::Event => info!("here"),
            Step::EventIn(parent) => {
                let parent = id(parent);
                let registry: &Registry = self.dispatch.downcast_ref().unwrap();
                self.open.push(registry.span(&parent).is_some());
                info!(parent: parent, "there");
            }
        }
    }
}

fn record(dispatch: &Dispatch, id: &Id) {
    // Of a span with such a field; the id says which span it is recorded in.
    let span = info_span!(parent: None, "any", trace_id = tracing::field::Empty);
    if let Some(metadata) = span.metadata() {
        let field = metadata.fields().field("trace_id").unwrap();
        let value = [(&field, Some(&7 as &dyn tracing::Value))];
        let values = metadata.fields().value_set(&value);
        dispatch.record(id, &tracing::span::Record::new(&values));
    }
}

/// What came of a sequence: which steps panicked, and whether the explicit parents of its events
/// were open spans, as the registry has it.
#[derive(Debug, Default, PartialEq)]
struct Came {
    panicked: Vec<bool>,
    open: Vec<bool>,
}

/// Takes the steps one after the other, each on its thread.
fn take(dispatch: &Dispatch, foreign: &[Id], steps: &[(usize, Step)]) -> Came {
    let asked = Mutex::new(Asked {
        dispatch: dispatch.clone(),
        foreign: foreign.to_vec(),
        ids: Vec::new(),
        open: Vec::new(),
    });
    let (panicked, panics) = channel();
    thread::scope(|scope| {
        let threads: Vec<Sender<Step>> = (0..THREADS)
            .map(|_| {
                let (sender, steps) = channel();
                let (asked, panicked) = (&asked, panicked.clone());
                scope.spawn(move || {
                    dispatcher::with_default(dispatch, || {
                        for step in steps {
                            let mut asked = asked.lock().unwrap();
                            let result = catch_unwind(AssertUnwindSafe(|| asked.take(step)));
                            drop(asked);
                            panicked.send(result.is_err()).unwrap();
                        }
                    });
                });
                sender
            })
            .collect();
        let take = |&(thread, step): &(usize, Step)| {
            threads[thread].send(step).unwrap();
            panics.recv().unwrap()
        };
        let panicked = steps.iter().map(take).collect();
        drop(threads);
        let open = std::mem::take(&mut asked.lock().unwrap().open);
        Came { panicked, open }
    })
}

/// Ids that a registry gave out long after ours would.
fn foreign_ids() -> Vec<Id> {
    let dispatch = Dispatch::new(tracing_subscriber::registry());
    dispatcher::with_default(&dispatch, || {
        let spans: Vec<Span> = (0..20_000)
            .map(|_| info_span!("foreign", request_id = "f"))
            .collect();
        let last = spans[15_000..].iter().step_by(100).filter_map(Span::id);
        last.chain([Id::from_u64(u64::MAX)]).collect()
    })
}

/// Counts the panics that come from `tracing-subscriber`, and keeps them off the screen.
fn hear_of_the_registrys_panics() -> &'static AtomicUsize {
    static HEARD: AtomicUsize = AtomicUsize::new(0);
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let file = info.location().map_or("", |location| location.file());
        if file.contains("tracing-subscriber") {
            HEARD.fetch_add(1, Ordering::Relaxed);
        } else {
            others(info);
        }
    }));
    &HEARD
}

#[test]
fn spans_misused_in_any_way_panic_no_more_than_without_us() {
    let own = hear_of_the_registrys_panics();
    let foreign = foreign_ids();
    let mut random = Random::new(29);
    let (mut sum, mut steps_taken, mut panics, mut without) = ([0; 4], 0, 0, 0);
    for _ in 0..cases(20, 500) {
        let steps = sequence(&mut random, 500);
        let plain = Dispatch::new(tracing_subscriber::registry().with(Identity::new()));
        let expected = take(&plain, &foreign, &steps);
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone()).with_span_close(true);
        let stats = layer.stats();
        let ours = Dispatch::new(tracing_subscriber::registry().with(layer));
        let came = take(&ours, &foreign, &steps);
        let differs = came
            .panicked
            .iter()
            .zip(&expected.panicked)
            .position(|(a, b)| a != b);
        assert_eq!(differs.map(|at| steps[at]), None);
        assert_eq!(came, expected);
        let lines = capture.lines();
        let said = |message| lines.iter().filter(move |line| line["message"] == message);
        let events = steps.iter().filter(|(_, step)| matches!(step, Step::Event));
        assert_eq!(said("here").count(), events.count());
        let known: Vec<_> = said("there")
            .map(|line| line.get("metadata").is_some())
            .collect();
        assert_eq!(known, came.open);
        steps_taken += steps.len();
        panics += came.panicked.iter().filter(|panicked| **panicked).count();
        without += known.iter().filter(|known| !**known).count();
        add(&mut sum, counts(stats.get()));
    }
    // Each panic twice: ours and without us.
    assert_eq!(2 * panics, own.load(Ordering::Relaxed));
    holds!(
        29,
        sum,
        "{steps_taken} steps, {without} events in closed or foreign spans; {panics} panics, as many without us"
    );
}

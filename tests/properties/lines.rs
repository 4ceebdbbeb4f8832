//! Whatever is logged, in whatever spans, under whatever cap and schema.

use proptest::prelude::*;
use serde_json::Value;
use std::cell::Cell;
use tracing::{Event, Level, Span};
use tracing_jsonl::{JsonLayer, Schema};
use tracing_subscriber::prelude::*;

use crate::any::{cap, key, short_text, text};
use crate::cut::check_cut;
use crate::given::{Given, given};
use crate::model::{Pairs, Settings, Whose, named};
use crate::support::{Capture, lines, noon};
use crate::{LINES, check, sites};

/// A span, and what is recorded in it once all spans are open.
#[derive(Clone, Debug)]
struct Around {
    name: String,
    fields: Pairs,
    later: Vec<Given>,
}

/// One event and all that has a say in its line.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    settings: Settings,
    cap: usize,
    spans: Vec<Around>,
    level: Level,
    target: String,
    event: Pairs,
}

fn settings() -> impl Strategy<Value = Settings> {
    let identifiers = prop_oneof![
        4 => Just(vec!["request_id", "user_id", "trace_id"]),
        1 => Just(vec!["tenant", "level", "fields.level"]),
        1 => Just(vec![]),
    ];
    let statics = prop_oneof![
        2 => Just(vec![]),
        1 => prop::collection::vec((key(), text()), 0..3),
    ];
    (
        any::<bool>(),
        prop::bool::weighted(0.9),
        identifiers,
        statics,
    )
        .prop_map(|(flat, spans, identifiers, statics)| {
            let mut settings = Settings {
                flat,
                spans,
                identifiers: identifiers.into_iter().map(str::to_owned).collect(),
                statics: Vec::new(),
            };
            for (key, value) in statics {
                settings.statics.retain(|(other, _)| *other != key);
                settings.statics.push((key, value));
            }
            settings
        })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let fields = |most| prop::collection::vec((key(), given(text())), 0..most);
    let around = (
        short_text(),
        fields(4),
        prop::collection::vec(given(short_text()), 0..3),
    )
        .prop_map(|(name, fields, later)| Around {
            name,
            fields,
            later,
        });
    let level = prop::sample::select(vec![
        Level::ERROR,
        Level::WARN,
        Level::INFO,
        Level::DEBUG,
        Level::TRACE,
    ]);
    let spans = prop::collection::vec(around, 0..4);
    (settings(), cap(), spans, level, short_text(), fields(6)).prop_map(
        |(settings, cap, spans, level, target, event)| Case {
            settings,
            cap,
            spans,
            level,
            target,
            event,
        },
    )
}

impl Case {
    pub(crate) fn layer(&self, capture: &Capture, cap: usize) -> JsonLayer<Capture> {
        let settings = &self.settings;
        let schema = if settings.flat {
            Schema::flat()
        } else {
            Schema::default()
        };
        let layer = JsonLayer::new(capture.clone())
            .with_clock(noon)
            .with_schema(schema)
            .with_spans(settings.spans)
            .with_identifiers(settings.identifiers.clone())
            .with_max_line_bytes(cap);
        settings.statics.iter().fold(layer, |layer, (key, value)| {
            layer.with_static_field(key, value)
        })
    }

    pub(crate) fn log(&self) {
        let sites: Vec<_> = self
            .spans
            .iter()
            .map(|span| sites::span(&span.name, keys(&span.fields)))
            .collect();
        let mut entered = Vec::new();
        for (span, site) in self.spans.iter().zip(&sites) {
            entered.push(sites::with_values(site, values(&span.fields), |values| {
                Span::new(site, values).entered()
            }));
        }
        for ((span, site), open) in self.spans.iter().zip(&sites).zip(&entered) {
            let later = span.later.iter().chain(std::iter::repeat(&Given::Empty));
            let later = later.take(span.fields.len());
            sites::with_values(site, later, |values| {
                open.record_all(values);
            });
        }
        let site = sites::event(&self.target, self.level, keys(&self.event));
        sites::with_values(site, values(&self.event), |values| {
            Event::dispatch(site, values);
        });
        while let Some(innermost) = entered.pop() {
            drop(innermost);
        }
    }

    /// Whether a value is longer than the line, and still need not make the line too long: it is
    /// cut when it is recorded, before a nearer one hides it, or the escapes of its `Debug` go.
    fn has_a_long_value_that_shrinks(&self) -> bool {
        let spans = self.spans.iter().map(|span| &span.fields);
        let all: Vec<&Pairs> = spans.chain([&self.event]).collect();
        (0..all.len()).any(|at| {
            all[at].iter().any(|(key, given)| {
                let mut nearer = all[at + 1..].iter().flat_map(|pairs| keys(pairs));
                let is_debug = matches!(given, Given::Debug(_));
                6 * given.as_field().to_string().len() > self.cap
                    && (is_debug && self.settings.identifiers.contains(key)
                        || nearer.any(|other| named(other) == named(key)))
            })
        })
    }

    fn expected(&self) -> Value {
        let spans: Vec<(&str, Pairs)> = self
            .spans
            .iter()
            .map(|span| {
                let later = keys(&span.fields)
                    .map(str::to_owned)
                    .zip(span.later.clone());
                (
                    span.name.as_str(),
                    span.fields.iter().cloned().chain(later).collect(),
                )
            })
            .collect();
        let spans: Vec<_> = spans.iter().map(|(name, pairs)| (*name, pairs)).collect();
        let mut line = self.settings.line(
            (self.level, &self.target),
            (Whose::Event, &self.event),
            &spans,
        );
        line["timestamp"] = "2026-11-23T14:26:46.123456Z".into();
        line
    }
}

fn keys(pairs: &Pairs) -> impl Iterator<Item = &str> {
    pairs.iter().map(|(key, _)| key.as_str())
}

fn values(pairs: &Pairs) -> impl Iterator<Item = &Given> {
    pairs.iter().map(|(_, given)| given)
}

#[test]
fn every_event_is_one_line_within_the_cap_and_exact_where_nothing_was_cut() {
    let (events, cut) = (Cell::new(0), Cell::new(0));
    check!(LINES, case(), |case| {
        let (whole, capped) = (Capture::default(), Capture::default());
        let layers = [case.layer(&whole, 0), case.layer(&capped, case.cap)];
        let stats = layers.each_ref().map(JsonLayer::stats);
        let [first, second] = layers;
        let subscriber = tracing_subscriber::registry().with(first).with(second);
        tracing::subscriber::with_default(subscriber, || case.log());
        let (whole, capped) = (whole.bytes(), capped.bytes());
        let expected = case.expected();
        prop_assert_eq!(&lines(&whole), &[expected.clone()][..]);
        let [_, stats] = stats.map(|stats| stats.get());
        prop_assert_eq!((stats.emitted, stats.written), (1, 1));
        let room = if case.cap == 0 {
            usize::MAX
        } else {
            case.cap + 1
        };
        let is_cut = stats.truncated == 1;
        if is_cut {
            prop_assert!(
                whole.len() > room || case.cap > 0 && case.has_a_long_value_that_shrinks(),
                "cut without need"
            );
            prop_assert!(
                capped.len() <= room,
                "{} bytes in place of {room}",
                capped.len()
            );
            let capped = lines(&capped);
            prop_assert_eq!(capped.len(), 1);
            check_cut(&expected, &capped[0], case.settings.flat)?;
        } else {
            prop_assert_eq!(whole, capped);
        }
        events.set(events.get() + 1);
        cut.set(cut.get() + u32::from(is_cut));
        Ok(())
    });
    let (events, cut) = (events.get(), cut.get());
    // About a sixth.
    assert!(cut > 0 || events < 200, "{cut} of {events} lines were cut");
}

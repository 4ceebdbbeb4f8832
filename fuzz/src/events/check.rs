//! What is held against each step: the bytes that reached the writer, the counters, and the line
//! that the model expects.

mod line;

use crate::events::check::line::Wanted;
use crate::events::machine::{Made, Scopes};
use crate::events::model::{Recorded, Rules};
use crate::events::program::Setup;
use crate::events::writer::{Delivery, Faulty};
use crate::strict::strict;
use serde_json::Value;
use std::collections::HashMap;
use tracing_jsonl::{Stats, StatsHandle};

pub struct Checker<'a> {
    setup: &'a Setup,
    rules: Rules,
    writer: Faulty,
    scopes: Scopes,
    stats: StatsHandle,
    before: Stats,
    /// The writer stands in the middle of a line.
    torn: bool,
}

/// How a report of ours looks, also when its end is missing.
const REPORT: &str = r#""message":"log lines were dropped","target":"tracing_jsonl""#;

impl<'a> Checker<'a> {
    pub fn new(
        setup: &'a Setup,
        rules: Rules,
        writer: Faulty,
        scopes: Scopes,
        stats: StatsHandle,
    ) -> Self {
        Self {
            setup,
            rules,
            writer,
            scopes,
            stats,
            before: Stats::default(),
            torn: false,
        }
    }

    /// Checks what one step did.
    pub fn after(&mut self, made: Option<&Made>, spans: &HashMap<u64, (&'static str, Recorded)>) {
        let deliveries = self.writer.take();
        let scopes = self.scopes.take();
        let lines: Vec<Option<Value>> = deliveries.iter().map(|one| self.delivered(one)).collect();
        self.count(&deliveries, &lines, scopes.len());

        let Some(made) = made else { return };
        // The event's own line is the last but for a report: those inside it come before.
        let own = deliveries.iter().rposition(|one| !is_report(one));
        let (Some(own), Some(scope)) = (own, scopes.first()) else {
            panic!("an event came to nothing");
        };
        if let Some(line) = &lines[own] {
            let wanted = Wanted {
                setup: self.setup,
                rules: &self.rules,
                made,
                chain: scope.iter().map(|id| &spans[id]).collect(),
            };
            wanted.check(line);
        }
    }

    /// One line as it came: valid and within the cap if it came whole.
    fn delivered(&mut self, delivery: &Delivery) -> Option<Value> {
        let Delivery { bytes, is_whole } = delivery;
        let after_torn = self.torn;
        // A fault before the first byte leaves things as they are, and one before the second where
        // the first only ends the torn line.
        if !bytes.is_empty() {
            self.torn = !is_whole && bytes.as_slice() != b"\n";
        }
        if !is_whole {
            return None;
        }
        let ends_torn = bytes.starts_with(b"\n");
        assert_eq!(ends_torn, after_torn, "a torn line ends, and no other");
        let line = &bytes[usize::from(ends_torn)..];
        let line = line.strip_suffix(b"\n").expect("a line has an end");
        let cap = self.setup.cap.bytes();
        assert!(
            cap == 0 || line.len() <= cap.max(512),
            "{} bytes in place of {cap}",
            line.len()
        );
        Some(strict(line))
    }

    /// `emitted = written + dropped + failed`, and each of them is what was seen from outside.
    fn count(&mut self, deliveries: &[Delivery], lines: &[Option<Value>], events: usize) {
        let now = self.stats.get();
        let before = std::mem::replace(&mut self.before, now);
        let sum = now.written + now.dropped + now.failed;
        assert_eq!(now.emitted, sum, "{now:?}");
        let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
        let emitted = since(now.emitted, before.emitted);
        let written = since(now.written, before.written);
        let lost = since(now.dropped, before.dropped) + since(now.failed, before.failed);
        assert_eq!(written, lines.iter().flatten().count(), "{now:?}");
        assert!(lines.len() - written <= lost, "{now:?}");
        let reports = deliveries.iter().filter(|one| is_report(one)).count();
        // Of what was torn early nobody can say whether it was one.
        let torn = deliveries.iter().filter(|one| !one.is_whole).count();
        assert!(emitted >= events + reports, "{now:?}, {events} events");
        if !self.setup.span_close {
            assert!(
                emitted <= events + reports + torn,
                "{now:?}, {events} events"
            );
        }
        // Lines that got lost may have been cut too.
        let cut = since(now.truncated, before.truncated);
        let seen = lines
            .iter()
            .flatten()
            .filter(|line| is_truncated(line))
            .count();
        assert!(cut >= seen && cut <= seen + lost, "{now:?}");
    }
}

fn is_report(delivery: &Delivery) -> bool {
    String::from_utf8_lossy(&delivery.bytes).contains(REPORT)
}

fn is_truncated(line: &Value) -> bool {
    line.get("truncated") == Some(&Value::Bool(true))
}

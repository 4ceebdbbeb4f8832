//! The JSON lines of a service.

use crate::environment::effects::Settings;
use crate::strict;
use serde_json::Value;
use std::time::Duration;

pub(super) struct Lines<'a> {
    settings: &'a Settings<'a>,
    is_flat: bool,
    all: Vec<Value>,
}

impl<'a> Lines<'a> {
    pub(super) fn read(settings: &'a Settings<'a>, text: &str) -> Self {
        let most = settings.most_bytes();
        let longest = text.lines().map(str::len).max().unwrap_or(0);
        assert!(longest <= most, "{longest} bytes in place of {most}");
        Self {
            settings,
            is_flat: settings.format() == "flat",
            all: strict::lines(text.as_bytes()),
        }
    }

    fn said(&self, message: &str) -> impl Iterator<Item = &Value> {
        self.all
            .iter()
            .filter(move |line| line["message"] == message)
    }

    fn whole(&self, message: &str) -> impl Iterator<Item = &Value> {
        self.said(message)
            .filter(|line| line.get("truncated").is_none())
    }

    /// What is under `place` where lines have places.
    fn member(&self, line: &'a Value, place: &str, key: &str) -> &'a Value {
        if self.is_flat {
            &line[key]
        } else {
            &line[place][key]
        }
    }

    pub(super) fn check(&'a self, level: &str) {
        let refused = self.settings.refused;
        let warned: Vec<_> = self
            .said("a setting cannot be used, its default holds")
            .collect();
        assert_eq!(warned.len(), refused.len());
        for (line, (name, value)) in warned.iter().zip(refused) {
            assert_eq!(line["level"], "warn");
            if line.get("truncated").is_none() {
                assert_eq!(self.member(line, "fields", "setting"), name);
                assert_eq!(self.member(line, "fields", "value"), value);
            }
        }
        for line in self.said("long") {
            let is_cut = line.get("truncated").is_some();
            assert_eq!(is_cut, self.settings.most_bytes() < 20_000);
        }
        for line in self.whole("a record") {
            assert_eq!(self.member(line, "fields", "key"), 7);
        }
        let spans = self.settings.is_on("LOG_SPANS");
        for line in self.whole("at error") {
            let key = if self.is_flat { "step" } else { "spans" };
            assert!(spans || line.get(key).is_none(), "{line}");
            // Where no target is off, no span is.
            if !level.contains("off") {
                assert_eq!(spans, line.get(key).is_some(), "{line}");
                assert_eq!(self.member(line, "metadata", "request_id"), "r-1");
            }
        }
    }

    /// From what, to what and for how long the level was changed, if it was.
    pub(super) fn check_signal(&'a self, change: Option<(&str, &str, Option<Duration>)>) {
        let first = self.said("log level changed").next();
        let Some((from, to, ttl)) = change else {
            assert_eq!(first, None);
            return;
        };
        let line = first.expect("a line about the change");
        if line.get("truncated").is_some() {
            return;
        }
        let field = |key| self.member(line, "fields", key);
        assert_eq!(["from", "to", "by"].map(field), [from, to, "signal"]);
        if let Some(ttl) = ttl {
            check_end(&line["timestamp"], field("until"), ttl);
        }
    }
}

/// `until` is `ttl` after the change, or not there for none.
fn check_end(changed: &Value, until: &Value, ttl: Duration) {
    // Years with more than four digits have no end that could be told.
    if ttl > Duration::from_hours(5000 * 366 * 24) {
        return;
    }
    if ttl.is_zero() {
        assert!(until.is_null(), "{until}");
        return;
    }
    let (changed, end) = (seconds(changed), seconds(until));
    // The line is written soon after the change.
    let off = end.expect("an end") - changed.expect("a time") - ttl.as_secs_f64();
    assert!((-60.0..1.0).contains(&off), "{off} seconds off");
}

/// Seconds since a day long ago.
fn seconds(text: &Value) -> Option<f64> {
    let text = text.as_str()?;
    let number = |from: usize, to: usize| text[from..to].parse::<f64>().ok();
    let (year, month) = (
        text[..4].parse::<i64>().ok()?,
        text[5..7].parse::<i64>().ok()?,
    );
    let day = text[8..10].parse::<i64>().ok()?;
    // Days since a first of March, in years that begin with it.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leaps + (153 * month + 2) / 5 + day;
    #[allow(clippy::cast_precision_loss)]
    let days = days as f64;
    let hours = days * 24.0 + number(11, 13)?;
    Some((hours * 60.0 + number(14, 16)?) * 60.0 + number(17, 26)?)
}

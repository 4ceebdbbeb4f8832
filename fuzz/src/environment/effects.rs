//! What a service shows of its environment.

mod lines;

use crate::directives::{probe, simple};
use crate::environment::child::{self, Ended};
use crate::environment::effects::lines::Lines;
use crate::environment::model;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;
use tracing_jsonl::LevelHandle;
use tracing_subscriber::filter::Targets;

/// The settings in force, by the documentation and by what was refused.
struct Settings<'a> {
    variables: &'a BTreeMap<&'static str, OsString>,
    refused: &'a [(String, String)],
}

impl Settings<'_> {
    /// The value, unless it is unset or was refused.
    fn get(&self, name: &str) -> Option<String> {
        let is_refused = self.refused.iter().any(|(refused, _)| refused == name);
        model::value(self.variables, name).filter(|_| !is_refused)
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(|text| model::switch(&text)) != Some(false)
    }

    fn format(&self) -> String {
        self.get("LOG_FORMAT").unwrap_or("default".to_owned())
    }

    fn most_bytes(&self) -> usize {
        let bytes = self.get("LOG_MAX_LINE_BYTES");
        match bytes.and_then(|bytes| bytes.parse().ok()) {
            None => 16_383,
            Some(0) => usize::MAX,
            Some(bytes) => bytes,
        }
    }

    /// `None` if the documentation does not say.
    fn debug_ttl(&self) -> Option<Duration> {
        match self.get("LOG_DEBUG_TTL") {
            None => Some(Duration::from_mins(10)),
            Some(text) => model::duration(&text).0,
        }
    }
}

pub(super) fn check(variables: &BTreeMap<&'static str, OsString>, refused: &[(String, String)]) {
    let settings = Settings { variables, refused };
    let debug_level = settings.get("LOG_DEBUG_LEVEL");
    let debug_level = debug_level.unwrap_or("debug".to_owned());
    let ttl = settings.debug_ttl();
    let lasts = ttl.is_some_and(|ttl| ttl.is_zero() || ttl > Duration::from_mins(5));
    let ended = child::run(&debug_level, !lasts);
    let service = &ended.said;
    let level = &service.level;
    check_level(&settings, level);
    assert_eq!(service.is_handled, settings.is_on("LOG_SIGNALS"));
    if service.is_handled && lasts {
        assert_eq!(service.raised, service.expected);
    }
    assert_eq!(service.reset, *level);
    // Directives with a level for all else say all of it.
    if let Some(canonical) = simple::canonical(&debug_level)
        && simple::has_base(&canonical)
    {
        let handle = LevelHandle::new(&debug_level).expect("what was accepted");
        assert!(service.expected == handle.current() || service.expected == *level);
    }

    let out = output(&settings, &ended);
    let text = String::from_utf8(out).expect("lines are UTF-8");
    let [emitted, written, dropped, failed] = service.counts;
    assert_eq!(emitted, written + dropped + failed);
    assert_eq!(written, text.lines().count() as u64);
    assert_eq!(failed, 0, "nothing fails in a file");
    // Two threads may tell of an end at once, and one of them have no time to wait.
    assert!(dropped == 0 || !lasts, "nothing is lost in a file");
    check_events(&text, level);
    let shows_panic = text.contains("panicked: no more tea");
    assert_eq!(shows_panic, settings.is_on("LOG_PANICS"));
    if settings.format() != "text" {
        let lines = Lines::read(&settings, &text);
        lines.check(level);
        let changed = service.is_handled && service.expected != *level;
        lines.check_signal(changed.then_some((level, &service.expected, ttl)));
    }
}

/// Each event is there if the level in force says so.
fn check_events(text: &str, level: &str) {
    let handle = LevelHandle::new(level).expect("the level in force");
    let probed = probe::Probed::new(&handle);
    let outside = probed.passes("shop", &probe::Scope::none());
    let inside = probed.passes("shop", &probe::Scope::of("request_id", "r-1"));
    let has = |message: &str| text.contains(message);
    let shown = ["at error", "at warn", "at info", "at debug", "at trace"].map(has);
    // A target that is off by name has no spans, and without them there are no identifiers.
    let may_lack_span = level.contains("off");
    assert!(
        shown == inside || (may_lack_span && shown == outside),
        "{shown:?} at {level}"
    );
    assert_eq!(has("a record"), shown[0], "at {level}");
}

fn check_level(settings: &Settings<'_>, level: &str) {
    if let Some(text) = settings.get("LOG_LEVEL") {
        let expected = LevelHandle::new(&text).expect("what was accepted");
        assert_eq!(level, expected.current());
        return;
    }
    let is_set = |name| model::value(settings.variables, name).is_some();
    if is_set("LOG_LEVEL") || !is_set("RUST_LOG") {
        assert_eq!(level, "info");
        return;
    }
    let text = model::value(settings.variables, "RUST_LOG").unwrap_or_default();
    let Some(canonical) = simple::of_rust_log(&text) else {
        return;
    };
    let oracle: Targets = canonical.parse().expect("targets and levels");
    let handle = LevelHandle::new(level).expect("the level in force");
    let probed = probe::Probed::new(&handle);
    for target in probe::targets(&text, level) {
        let passes = probed.passes(&target, &probe::Scope::none());
        let expected = probe::LEVELS.map(|level| oracle.would_enable(&target, &level));
        assert_eq!(passes, expected, "{target:?} with RUST_LOG={text}");
    }
}

/// What came out where it should; nothing comes out elsewhere.
fn output(settings: &Settings<'_>, ended: &Ended) -> Vec<u8> {
    let panic_text = !settings.is_on("LOG_PANICS");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    match settings.get("LOG_OUTPUT").as_deref() {
        Some("stderr") => {
            assert_eq!(ended.stdout, b"");
            // The text of the panic is the standard library's.
            let lines = stderr.lines().filter(|line| line.starts_with(['{', '2']));
            lines
                .fold(String::new(), |all, line| all + line + "\n")
                .into()
        }
        None | Some("stdout") => {
            assert_eq!(stderr.contains("no more tea"), panic_text, "{stderr}");
            assert!(panic_text || stderr.is_empty(), "{stderr}");
            ended.stdout.clone()
        }
        Some(_) => {
            assert_eq!(ended.stdout, b"");
            assert_eq!(stderr.contains("no more tea"), panic_text, "{stderr}");
            std::fs::read(&settings.variables["LOG_OUTPUT"]).expect("the file")
        }
    }
}

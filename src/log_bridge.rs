//! Records of the `log` crate as events, with their real target and their key-values.
//!
//! `tracing-log`'s own tracer drops the key-values (tokio-rs/tracing#3355).

use crate::encode::fields::Fields;
use crate::encode::guard::guarded;
use crate::encode::value::{Recorder, Subject};
use crate::json_value::{Delivery, hand_over};
use log::kv::{self, VisitSource, VisitValue};
use std::fmt;
use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::{FieldSet, Value, debug};
use tracing_core::metadata::Kind;
use tracing_core::{Dispatch, Event, Level, Metadata, dispatcher, identify_callsite};

static BRIDGE: Bridge = Bridge;

struct Bridge;

/// Sends `log` records to the current `tracing` subscriber. False if another logger is installed.
pub(crate) fn install() -> bool {
    log::set_logger(&BRIDGE).is_ok()
}

impl log::Log for Bridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let record = log::Record::builder().metadata(metadata.clone()).build();
        dispatcher::get_default(|dispatch| is_enabled(dispatch, &record))
    }

    fn log(&self, record: &log::Record<'_>) {
        dispatcher::get_default(|dispatch| {
            if is_enabled(dispatch, record) {
                send(dispatch, record);
            }
        });
    }

    fn flush(&self) {}
}

/// Asks the filter about the record's own target.
fn is_enabled(dispatch: &Dispatch, record: &log::Record<'_>) -> bool {
    let site = metadata(record.level());
    dispatch.enabled(&Metadata::new(
        site.name(),
        record.target(),
        *site.level(),
        record.file(),
        record.line(),
        record.module_path(),
        FieldSet::new(FIELDS, site.callsite()),
        Kind::EVENT,
    ))
}

const FIELDS: &[&str] = &[
    "message",
    "log.target",
    "log.module_path",
    "log.file",
    "log.line",
    "log.kv",
];

/// An event's metadata is static: the record's own facts go along as fields, and the layer puts
/// them back in their places.
fn send(dispatch: &Dispatch, record: &log::Record<'_>) {
    fn value<T: Value>(value: Option<&T>) -> Option<&dyn Value> {
        value.map(|value| value as &dyn Value)
    }
    let (target, module) = (record.target(), record.module_path());
    let (file, line) = (record.file(), record.line());
    // Counting visits the source, which is not ours.
    let has_key_values = guarded(|| record.key_values().count() > 0).unwrap_or(true);
    let key_values = has_key_values.then(|| debug(KeyValues(record)));
    let values = [
        value(Some(record.args())),
        value(Some(&target)),
        value(module.as_ref()),
        value(file.as_ref()),
        value(line.as_ref()),
        value(key_values.as_ref()),
    ];
    let metadata = metadata(record.level());
    dispatch.event(&Event::new(
        metadata,
        &metadata.fields().value_set_all(&values),
    ));
}

macro_rules! site {
    ($level:ident) => {{
        static METADATA: Metadata<'static> = Metadata::new(
            "log record",
            "log",
            Level::$level,
            None,
            None,
            None,
            FieldSet::new(FIELDS, identify_callsite!(&SITE)),
            Kind::EVENT,
        );
        static SITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
        &METADATA
    }};
}

fn metadata(level: log::Level) -> &'static Metadata<'static> {
    match level {
        log::Level::Error => site!(ERROR),
        log::Level::Warn => site!(WARN),
        log::Level::Info => site!(INFO),
        log::Level::Debug => site!(DEBUG),
        log::Level::Trace => site!(TRACE),
    }
}

/// A record's key-values as one value, which our layer takes apart again.
struct KeyValues<'a>(&'a log::Record<'a>);

impl fmt::Debug for KeyValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.0.key_values();
        let taken = hand_over(f, |terms| {
            let mut fields = Fields::default();
            let recorder = Recorder {
                fields: &mut fields,
                rules: &terms.rules,
                subject: Subject::KeyValues,
            };
            // A source that stops with an error or a panic has given what it gave.
            let _ = guarded(|| source.visit(&mut Visitor(recorder)));
            Delivery::KeyValues(fields)
        })?;
        if taken {
            return Ok(());
        }
        struct Map<'a, 'b>(fmt::DebugMap<'a, 'b>);
        impl<'kvs> VisitSource<'kvs> for Map<'_, '_> {
            fn visit_pair(
                &mut self,
                key: kv::Key<'kvs>,
                value: kv::Value<'kvs>,
            ) -> Result<(), kv::Error> {
                self.0.entry(&format_args!("{key}"), &value);
                Ok(())
            }
        }
        let mut map = Map(f.debug_map());
        let _ = source.visit(&mut map);
        map.0.finish()
    }
}

struct Visitor<'a>(Recorder<'a>);

impl<'kvs> VisitSource<'kvs> for Visitor<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(Pair {
            key: key.as_str(),
            recorder: &mut self.0,
        })
    }
}

struct Pair<'k, 'v, 'r> {
    key: &'k str,
    recorder: &'v mut Recorder<'r>,
}

impl<'v> VisitValue<'v> for Pair<'_, '_, '_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.recorder.text(self.key, format_args!("{value}"));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.recorder.null(self.key);
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.recorder.u64(self.key, value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.recorder.i64(self.key, value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.recorder.f64(self.key, value);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.recorder.bool(self.key, value);
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.recorder.str(self.key, value);
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.recorder.error(self.key, error);
        Ok(())
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'v (dyn std::error::Error + 'static),
    ) -> Result<(), kv::Error> {
        self.recorder.error(self.key, error);
        Ok(())
    }
}

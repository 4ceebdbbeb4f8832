//! Records of the `log` crate: their targets, texts and keys are any text at run time.

use log::kv::{self, Key, VisitSource};
use proptest::prelude::*;
use std::error::Error;
use std::fmt::Debug;
use std::sync::OnceLock;
use tracing::{Level, info_span};
use tracing_jsonl::{JsonLayer, Logging, Panics, Schema};
use tracing_subscriber::prelude::*;

use crate::any::{key, text};
use crate::given::{Given, error, failing, given};
use crate::model::{Pairs, Settings, Whose};
use crate::support::{Capture, noon};
use crate::{RECORDS, check};

/// Logs a record through the crate's bridge, of which there is one for the process.
pub(crate) fn log(record: &log::Record<'_>) {
    static BRIDGE: OnceLock<Logging> = OnceLock::new();
    BRIDGE.get_or_init(|| {
        let builder = Logging::builder().writer(std::io::sink).level("trace");
        builder.signals(false).panics(Panics::Off).init()
    });
    log::logger().log(record);
}

/// A record's key-values, of the types that the `log` crate knows.
struct KeyValues<'a>(Vec<(&'a str, Held<'a>)>);

enum Held<'a> {
    Plain(&'a Given),
    Failing(Box<dyn Debug + 'a>),
    Error(Box<dyn Error>),
}

impl<'a> KeyValues<'a> {
    fn new(pairs: &'a Pairs) -> Self {
        let hold = |(key, given): &'a (String, Given)| {
            let held = match given {
                Given::Failing(text) => Held::Failing(Box::new(failing(text))),
                Given::Error(texts) => Held::Error(error(texts)),
                given => Held::Plain(given),
            };
            (key.as_str(), held)
        };
        Self(pairs.iter().map(hold).collect())
    }
}

impl kv::Source for KeyValues<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        self.0.iter().try_for_each(|(key, held)| {
            let value = match held {
                Held::Plain(Given::Bool(value)) => (*value).into(),
                Held::Plain(Given::I64(value)) => (*value).into(),
                Held::Plain(Given::U64(value)) => (*value).into(),
                Held::Plain(Given::I128(value)) => kv::Value::from(value),
                Held::Plain(Given::U128(value)) => kv::Value::from(value),
                Held::Plain(Given::F64(value)) => (*value).into(),
                Held::Plain(Given::Str(text)) => text.as_str().into(),
                Held::Plain(Given::Display(text)) => kv::Value::from_dyn_display(text),
                Held::Plain(Given::Debug(text)) => kv::Value::from_dyn_debug(text),
                Held::Plain(_) => return Ok(()),
                Held::Failing(value) => kv::Value::from_dyn_debug(value),
                Held::Error(error) => kv::Value::from_dyn_error(&**error),
            };
            visitor.visit_pair(Key::from(*key), value)
        })
    }
}

#[test]
fn every_record_is_the_line_that_an_event_would_be() {
    let level = prop::sample::select(log::Level::iter().collect::<Vec<_>>());
    let pairs = prop::collection::vec((key(), given(text())), 0..6);
    let case = (any::<bool>(), level, text(), text(), pairs, given(text()));
    check!(RECORDS, case, |(
        flat,
        level,
        target,
        message,
        mut pairs,
        id,
    )| {
        pairs.retain(|(_, given)| !matches!(given, Given::Bytes(_) | Given::Json(_)));
        let schema = if flat {
            Schema::flat()
        } else {
            Schema::default()
        };
        let capture = Capture::default();
        let layer = JsonLayer::new(capture.clone())
            .with_clock(noon)
            .with_schema(schema);
        let layer = layer.with_max_line_bytes(0);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let id = id.value();
            let _span = info_span!("around", request_id = id, a = 1).entered();
            log(&log::Record::builder()
                .level(level)
                .target(&target)
                .args(format_args!("{message}"))
                .key_values(&KeyValues::new(&pairs))
                .build());
        });
        let settings = Settings {
            flat,
            spans: true,
            identifiers: ["request_id", "user_id", "trace_id"]
                .map(str::to_owned)
                .to_vec(),
            statics: Vec::new(),
        };
        let around = vec![
            ("request_id".to_owned(), id),
            ("a".to_owned(), Given::I64(1)),
        ];
        let level = level.as_str().parse::<Level>().unwrap();
        let mut expected = settings.line(
            (level, &target),
            (Whose::Record, &pairs),
            &[("around", &around)],
        );
        expected["message"] = message.into();
        expected["timestamp"] = "2026-11-23T14:26:46.123456Z".into();
        prop_assert_eq!(&capture.lines(), &[expected][..]);
        Ok(())
    });
}

//! Programs of spans and events, careless and hostile ones, under any settings and over a writer
//! that fails: each line that was written whole is valid, within the cap, and says what was logged;
//! each other line is counted.

mod check;
mod expected;
mod machine;
mod model;
mod nested;
mod pairs;
mod program;
mod raw;
mod script;
mod sites;
mod text;
mod writer;

use crate::events::check::Checker;
use crate::events::machine::{Machine, Scopes};
use crate::events::model::Rules;
use crate::events::program::{Setup, Step};
use crate::events::writer::Faulty;
use std::cell::Cell;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::dispatcher::with_default;
use tracing_core::Dispatch;
use tracing_jsonl::{JsonLayer, Logging, Panics, Precision, Schema};
use tracing_subscriber::layer::SubscriberExt;

pub use crate::events::program::Program;

/// So many of each, that no input takes for ever.
const STEPS: usize = 60;
/// Lines and spans from inside values, for each step.
const INNER: u32 = 20;

pub fn run(program: &Program) {
    bridge();
    CLOCK.set(program.setup.clock);
    let writer = Faulty::new(&program.setup.faults);
    let layer = layer(&program.setup, writer.clone());
    let stats = layer.stats();
    let scopes = Scopes::default();
    let registry = tracing_subscriber::registry().with(scopes.clone());
    let dispatch = Dispatch::new(registry.with(layer));
    script::set_running(true);
    with_default(&dispatch, || {
        let rules = Rules::of(&program.setup);
        let mut machine = Machine::new(dispatch.clone(), rules.clone());
        let mut checker = Checker::new(&program.setup, rules, writer, scopes, stats);
        for step in program.steps.iter().take(STEPS) {
            script::set_budget(INNER);
            let mut made = None;
            match step {
                Step::Open {
                    site,
                    parent,
                    fields,
                } => machine.open(*site, *parent, fields),
                Step::Record { span, fields } => machine.record(*span, fields),
                Step::Enter(span) => machine.enter(*span),
                Step::Exit(span) => machine.exit(*span),
                Step::Close(span) => machine.close(*span),
                Step::Event {
                    site,
                    parent,
                    fields,
                } => made = Some(machine.event(*site, *parent, fields)),
                Step::Log(record) => made = Some(machine.log(record)),
            }
            checker.after(made.as_ref(), &machine.spans);
        }
        machine.close_all();
        checker.after(None, &machine.spans);
    });
    script::set_running(false);
}

fn layer(setup: &Setup, writer: Faulty) -> JsonLayer<Faulty> {
    let schema = if setup.flat {
        Schema::flat()
    } else {
        Schema::default()
    };
    let precisions = [Precision::Micros, Precision::Millis, Precision::Nanos];
    let mut layer = JsonLayer::new(writer)
        .with_schema(schema.with_precision(precisions[usize::from(setup.precision % 3)]))
        .with_spans(setup.spans)
        .with_source_location(setup.location)
        .with_thread(setup.thread)
        .with_span_close(setup.span_close)
        .with_not_finite_as_text(setup.not_finite_as_text)
        .with_max_line_bytes(setup.cap.bytes())
        .with_clock(now);
    for (key, value) in &setup.statics {
        layer = layer.with_static_field(&key.0, &value.0);
    }
    if setup.identifiers.is_some() {
        layer = layer.with_identifiers(setup.identifiers());
    }
    layer
}

/// `log` has one logger for all the process: ours, which asks for the subscriber of the thread.
fn bridge() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let logging = Logging::builder()
            .writer(std::io::sink)
            .signals(false)
            .panics(Panics::Off)
            .try_init();
        logging.expect("nothing else is installed");
    });
}

thread_local! {
    static CLOCK: Cell<(i64, u32)> = const { Cell::new((0, 0)) };
}

fn now() -> SystemTime {
    let (seconds, nanos) = CLOCK.get();
    let away = Duration::new(seconds.unsigned_abs(), nanos % 1_000_000_000);
    let there = match seconds {
        0.. => UNIX_EPOCH.checked_add(away),
        _ => UNIX_EPOCH.checked_sub(away),
    };
    there.unwrap_or(UNIX_EPOCH)
}

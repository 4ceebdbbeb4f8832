//! Time and allocations of one event, beside `tracing-subscriber`'s `fmt().json()` in the same run.
//!
//! ```text
//! cargo bench --bench encode
//! ```
//!
//! Nanoseconds mean something as ratios within one run only; allocations are exact.

use divan::{AllocProfiler, Bencher, black_box};
use std::io;
use tracing::{Dispatch, debug, dispatcher, info, info_span};
use tracing_jsonl::{JsonLayer, LevelHandle};
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[derive(Clone, Copy, Debug)]
enum Logger {
    TracingJsonl,
    FmtJson,
}

const LOGGERS: [Logger; 2] = [Logger::TracingJsonl, Logger::FmtJson];

impl Logger {
    fn run(self, code: impl FnOnce()) {
        let dispatch = match self {
            Logger::TracingJsonl => {
                let Ok(level) = LevelHandle::new("info") else {
                    return;
                };
                let layer = JsonLayer::new(io::sink).with_level(&level);
                Dispatch::new(
                    tracing_subscriber::registry()
                        .with(level.filter())
                        .with(layer),
                )
            }
            Logger::FmtJson => Dispatch::new(
                tracing_subscriber::fmt()
                    .json()
                    .with_writer(io::sink)
                    .finish(),
            ),
        };
        dispatcher::with_default(&dispatch, code);
    }
}

#[divan::bench(args = LOGGERS)]
fn message_only(bencher: Bencher<'_, '_>, logger: Logger) {
    logger.run(|| bencher.bench_local(|| info!("request completed")));
}

#[divan::bench(args = LOGGERS)]
fn six_fields(bencher: Bencher<'_, '_>, logger: Logger) {
    logger.run(|| {
        bencher.bench_local(|| {
            info!(
                status = black_box(200),
                bytes = 18_446_744_u64,
                latency_ms = 12.345,
                cached = true,
                path = "/api/v1/users/42/orders",
                tags = ?["checkout", "beta"],
                "request completed"
            );
        });
    });
}

#[divan::bench(args = LOGGERS)]
fn in_three_spans(bencher: Bencher<'_, '_>, logger: Logger) {
    logger.run(|| {
        let _request =
            info_span!("request", request_id = "r-7", user_id = 42, method = "GET").entered();
        let _handler = info_span!("handler", handler = "orders::create", attempt = 3).entered();
        let _query = info_span!("query", table = "orders", shard = 3).entered();
        bencher.bench_local(|| info!(rows = black_box(17), "query finished"));
    });
}

#[divan::bench(args = LOGGERS)]
fn two_spans_and_an_event(bencher: Bencher<'_, '_>, logger: Logger) {
    logger.run(|| {
        bencher.bench_local(|| {
            let _request = info_span!("request", request_id = "r-7", method = "GET").entered();
            let _query = info_span!("query", table = "orders", shard = 3).entered();
            info!(rows = black_box(17), "query finished");
        });
    });
}

#[divan::bench(args = LOGGERS)]
fn a_disabled_event(bencher: Bencher<'_, '_>, logger: Logger) {
    logger.run(|| bencher.bench_local(|| debug!(rows = black_box(17), "cache probe")));
}

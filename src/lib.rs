//! Structured JSON logs for production: one call in `main`, one valid line per event, and a level
//! that changes while the service runs.
//!
//! ```no_run
//! let _logging = tracing_jsonl::init_json_logging();
//! tracing::info!(request_id = "r-7", user_id = 42, order_id = 17, "order placed");
//! ```
//! ```json
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"shop","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order_id":17}}
//! ```
//!
//! From then on each `tracing` event, each record of the `log` crate and each panic is one JSON
//! object on one line of standard output. `request_id`, `user_id` and `trace_id` come from the
//! event or from the spans around it, also when they are recorded late. [`json`] nests any
//! `Serialize` value as real JSON.
//!
//! # The promise
//!
//! *A log call never panics, deadlocks or aborts the service, never writes an invalid or ambiguous
//! line, and never loses an event uncounted.*
//!
//! - A field whose `Debug`, `Display`, `Error` or `Serialize` fails, panics or logs costs that value
//!   its type, and nothing else: its debug format stands in `encode_errors`.
//! - Each line is one JSON object with unique keys at every depth, no raw control characters, at most
//!   [`max_line_bytes`](Builder::max_line_bytes) long, and ends in one newline.
//! - When the macro returns, the line is in the kernel, or it is counted:
//!   [`emitted = written + dropped + failed`](Stats). There is nothing to flush and no guard to keep.
//! - A reader that stops reading holds log calls up for [one second](Sink::with_stall) in all; then
//!   lines are dropped, counted, and told of.
//!
//! Not promised: logging from a signal handler or an allocator, a panic inside a panic hook,
//! `panic = "abort"` with a panicking `Debug`, durability against power loss. After a `fork` without
//! `exec`, lines are written, but signals and time limits of levels are the parent's.
//!
//! # Changing the level
//!
//! | | |
//! |---|---|
//! | at start | `LOG_LEVEL=info,hyper=warn` |
//! | in code | [`logging.level().set_for("debug", ten_minutes)`](LevelHandle::set_for) |
//! | by signal | `kill -USR1`: debug for ten minutes; `kill -USR2`: back |
//! | for one user | `[{user_id=u-42}]=debug`, wherever directives are taken |
//!
//! A change is seen by the next event on every thread, and is a line in the log itself. The level
//! gates events, not context: at `warn`, an error still carries the `request_id` of the `info` span
//! around it, and a flip to `debug` finds the identifiers of requests already in flight.
//!
//! # What is here
//!
//! - [`init_json_logging`], [`try_init_json_logging`] and [`Logging::builder`] set up everything;
//!   [`from_env`](Builder::from_env) lists the environment variables.
//! - [`LevelHandle`] is the level, [`EventFilter`] the filter that obeys it.
//! - [`JsonLayer`], [`Schema`] and [`Sink`] are the parts, for a `registry()` of your own.
//! - [`Encoder`] is for a house format.
//!
//! The layout of the line is a public promise: a change to it is a breaking change.
//!
//! # Features
//!
//! - `signal` (default): `SIGUSR1` and `SIGUSR2` change the level, on Unix.

#![forbid(unsafe_code)]

// In the order in which an event meets them, between what starts it all and what can go wrong.
mod init;
mod level;
mod layer;
mod metadata;
mod encode;
mod json_value;
mod sink;
mod stats;
mod log_bridge;
mod panic;
mod report;
mod error;

pub use crate::encode::custom::{Encoder, LogEvent};
pub use crate::encode::schema::Schema;
pub use crate::encode::timestamp::Precision;
pub use crate::error::{DirectiveError, InitError, Misconfiguration};
pub use crate::init::{Builder, Logging, init_json_logging, try_init_json_logging};
pub use crate::json_value::json;
pub use crate::layer::JsonLayer;
pub use crate::level::LevelHandle;
pub use crate::level::filter::EventFilter;
pub use crate::panic::Panics;
pub use crate::sink::{Sink, SinkWriter};
pub use crate::stats::{Stats, StatsHandle};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

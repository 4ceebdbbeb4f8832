//! Structured JSON logs for a production service: one call in `main`.

#![forbid(unsafe_code)]

mod encode;
mod error;
mod init;
mod json_value;
mod layer;
mod level;
mod log_bridge;
mod metadata;
mod panic;
mod report;
mod sink;
mod stats;

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

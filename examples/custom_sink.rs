//! A subscriber composed by hand: flat lines with static fields, appended to a file.
//!
//! ```text
//! cargo run --example custom_sink -- /tmp/shop.jsonl && cat /tmp/shop.jsonl
//! ```
//!
//! prints, with the time of day in place of this one:
//!
//! ```json
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"custom_sink","service":"shop","version":"1.4.2","request_id":"r-7","order_id":17,"method":"POST"}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"log level changed","target":"tracing_jsonl","service":"shop","version":"1.4.2","from":"info","to":"debug","by":"api"}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"debug","message":"price looked up","target":"custom_sink","service":"shop","version":"1.4.2","request_id":"r-7","cached":true,"method":"POST"}
//! ```

use std::error::Error;
use tracing::{debug, info, info_span};
use tracing_jsonl::{JsonLayer, LevelHandle, Schema, Sink};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: custom_sink FILE")?;

    let level = LevelHandle::new("info")?;
    let layer = JsonLayer::new(Sink::file(path)?)
        .with_schema(Schema::flat())
        .with_static_field("service", "shop")
        .with_static_field("version", "1.4.2")
        .with_level(&level); // its changes are lines here too
    let stats = layer.stats();
    tracing_subscriber::registry()
        .with(level.filter()) // what passes
        .with(layer) // where it goes
        .init();

    let _request = info_span!("request", request_id = "r-7", method = "POST").entered();
    debug!("not logged");
    info!(order_id = 17, "order placed");
    level.set("debug")?;
    debug!(cached = true, "price looked up");

    assert_eq!(stats.get().written, 3);
    Ok(())
}

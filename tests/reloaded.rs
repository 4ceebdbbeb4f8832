//! A layer that is put in place of another at run time has all that was set of it.

mod support;

use support::Capture;
use tracing::info;
use tracing_jsonl::{JsonLayer, LevelHandle, Schema};
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

#[test]
fn a_layer_put_in_by_a_reload_keeps_its_settings() {
    let (first, second) = (Capture::default(), Capture::default());
    let level = LevelHandle::new("info").expect("directives");
    let (layer, handle) = reload::Layer::new(JsonLayer::new(first.clone()));
    let subscriber = tracing_subscriber::registry()
        .with(level.filter())
        .with(layer);
    tracing::subscriber::with_default(subscriber, || {
        info!("before");
        let other = JsonLayer::new(second.clone())
            .with_schema(Schema::flat())
            .with_static_field("service", "shop")
            .with_identifiers(["tenant"])
            .with_level(&level);
        handle.reload(other).expect("a reload");
        info!(tenant = "acme", order_id = 17, "after");
        level.set("debug").expect("a level");
    });
    assert_eq!(first.lines()[0]["message"], "before");
    let lines = second.lines();
    assert_eq!(lines[0]["service"], "shop");
    assert_eq!(
        (&lines[0]["tenant"], &lines[0]["order_id"]),
        (&"acme".into(), &17.into())
    );
    assert_eq!(lines[1]["message"], "log level changed");
}

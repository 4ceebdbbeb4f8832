//! The default line.

mod support;

use support::{logged, written_with};

#[test]
fn the_line_of_the_readme() {
    let written = written_with(
        |layer| layer,
        || tracing::info!(target: "shop::checkout", request_id = "r-7", user_id = 42, order_id = 17, "order placed"),
    );
    assert_eq!(
        String::from_utf8(written).unwrap(),
        concat!(
            r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","#,
            r#""target":"shop::checkout","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order_id":17}}"#,
            "\n"
        )
    );
}

#[test]
fn spans_go_from_root_to_leaf() {
    let lines = logged(|| {
        let _a = tracing::info_span!("outer", request_id = "r-1", a = 1).entered();
        let _b = tracing::info_span!("inner", b = 2).entered();
        tracing::info!("in");
    });
    assert_eq!(
        lines[0]["spans"].to_string(),
        r#"[{"a":1,"name":"outer"},{"b":2,"name":"inner"}]"#
    );
}

//! A real service under load: whatever runs at the same time, and whenever the level changes, each
//! line belongs to its own request.

mod service;
#[path = "../../support/mod.rs"]
mod support;

use axum::http::StatusCode;
use rustix::process::Signal;
use serde_json::Value;
use service::Service;
use std::collections::HashMap;
use tokio::task::JoinSet;

/// The service's workers and its main thread.
const THREADS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_keep_to_their_request_while_the_level_changes() {
    let service = Service::start(None);
    all_answer(StatusCode::OK, service.send("order", "before", 100)).await;
    let held = service.send("held", "held-at-info", 20);
    service.wait_for(20, r#""message":"held""#);

    let crossing = service.send("order", "crossing-up", 150);
    service.wait_for(1, r#""request_id":"crossing-up"#);
    let written_before = service.read();
    service.signal(Signal::USR1);
    service.wait_for(1, r#""to":"debug""#);
    service.open_gate().await;
    all_answer(StatusCode::OK, held).await;
    all_answer(StatusCode::OK, crossing).await;

    all_answer(StatusCode::OK, service.send("order", "during", 200)).await;
    let held = service.send("held", "held-at-debug", 20);
    service.wait_for(40, r#""message":"held""#);

    let crossing = service.send("order", "crossing-down", 150);
    service.wait_for(1, r#""request_id":"crossing-down"#);
    service.signal(Signal::USR2);
    service.wait_for(1, r#""to":"info""#);
    service.open_gate().await;
    all_answer(StatusCode::OK, held).await;
    all_answer(StatusCode::OK, crossing).await;
    all_answer(StatusCode::OK, service.send("order", "after", 100)).await;
    let (lines, stats) = service.stop();

    each_line_has_its_own_identifiers(&lines);
    every_line_is_counted(&lines, &stats);
    let requests = by_request(&lines);

    for (name, count) in [
        ("before", 100),
        ("crossing-up", 150),
        ("during", 200),
        ("crossing-down", 150),
        ("after", 100),
    ] {
        for number in 0..count {
            let id = format!("{name}-{number}");
            let own = messages(&requests, &id, "info");
            assert_eq!(own, ORDER_AT_INFO, "{id}");
            let price = messages(&requests, &format!("{id}.price"), "info");
            assert_eq!(price, ["price asked"], "{id}");
        }
    }

    // Requests of before and after have no details, those in between have all.
    for number in 0..100 {
        let before = messages(&requests, &format!("before-{number}"), "debug");
        assert_eq!(only_ours(&before), [""; 0], "before-{number}");
        let after = messages(&requests, &format!("after-{number}"), "debug");
        assert_eq!(after, [""; 0], "after-{number}");
    }
    for number in 0..200 {
        let id = format!("during-{number}");
        let during = messages(&requests, &id, "debug");
        assert_eq!(only_ours(&during), ORDER_AT_DEBUG, "{id}");
        assert!(during.contains(&"started processing request"), "{id}");
        assert!(during.contains(&"finished processing request"), "{id}");
    }

    // A request in flight follows the level, and loses nothing of its context.
    for number in 0..20 {
        for (name, expected) in [
            ("held-at-info", "behind the gate"),
            ("held-at-debug", "before the gate"),
        ] {
            let id = format!("{name}-{number}");
            assert_eq!(
                messages(&requests, &id, "info"),
                ["held", "released"],
                "{id}"
            );
            let details = messages(&requests, &id, "debug");
            assert_eq!(only_ours(&details), [expected], "{id}");
        }
    }

    for target in ["h2::", "hyper_util::", "tower_http::"] {
        let theirs = |line: &&Value| text(&line["target"]).starts_with(target);
        assert!(lines.iter().any(|line| theirs(&line)), "{target}");
    }

    let is_debug = |line: &&Value| line["level"] == "debug";
    assert_eq!(lines[..written_before].iter().find(is_debug), None);
    let changes: Vec<usize> = (0..lines.len())
        .filter(|&at| lines[at]["message"] == "log level changed")
        .collect();
    let [up, down] = changes[..] else {
        panic!("two changes: {changes:?}");
    };
    for (at, from, to) in [(up, "info", "debug"), (down, "debug", "info")] {
        let fields = &lines[at]["fields"];
        assert_eq!((text(&fields["from"]), text(&fields["to"])), (from, to));
        assert_eq!(fields["by"], "signal");
    }
    // The change is seen by the next event on every thread: each may be in the middle of one.
    let late = lines[down..].iter().filter(is_debug).count();
    assert!(late <= THREADS, "{late} debug lines after the change");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_keep_their_request_at_warn() {
    let service = Service::start(Some("warn"));
    let refused = StatusCode::INTERNAL_SERVER_ERROR;
    all_answer(refused, service.send("fail", "fail", 200)).await;
    all_answer(StatusCode::OK, service.send("order", "quiet", 50)).await;
    let (lines, stats) = service.stop();

    each_line_has_its_own_identifiers(&lines);
    every_line_is_counted(&lines, &stats);
    let requests = by_request(&lines);
    // One by the handler, one through the `log` crate, one by tower-http.
    let expected = ["payment refused", "order lost", "response failed"];
    for number in 0..200 {
        let id = format!("fail-{number}");
        assert_eq!(messages(&requests, &id, "error"), expected, "{id}");
        let user = format!("u-{}", number % 10);
        for line in &requests[&id] {
            assert_eq!(line["metadata"]["user_id"], user.as_str(), "{line}");
        }
    }
    assert_eq!(lines.len(), 200 * expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_has_details() {
    let service = Service::start(Some("info,[{user_id=u-7}]=debug"));
    all_answer(StatusCode::OK, service.send("order", "r", 400)).await;
    let (lines, stats) = service.stop();

    each_line_has_its_own_identifiers(&lines);
    every_line_is_counted(&lines, &stats);
    let requests = by_request(&lines);
    for number in 0..400 {
        let id = format!("r-{number}");
        assert_eq!(messages(&requests, &id, "info"), ORDER_AT_INFO, "{id}");
        let details = messages(&requests, &id, "debug");
        if number % 10 == 7 {
            // From when the user is known.
            assert_eq!(only_ours(&details), ORDER_AT_DEBUG[1..], "{id}");
            assert!(!details.contains(&"started processing request"), "{id}");
            assert!(details.contains(&"finished processing request"), "{id}");
        }
    }
    for line in lines.iter().filter(|line| line["level"] == "debug") {
        assert_eq!(line["metadata"]["user_id"], "u-7", "{line}");
    }
}

const ORDER_AT_INFO: [&str; 4] = [
    "order received",
    "user authenticated",
    "charged",
    "order placed",
];
const ORDER_AT_DEBUG: [&str; 3] = ["reading the user", "charging", "order stored"];

async fn all_answer(expected: StatusCode, requests: JoinSet<StatusCode>) {
    for status in requests.join_all().await {
        assert_eq!(status, expected);
    }
}

/// Compares what a line says in `metadata` with what the handler knew, and what the span kept.
fn each_line_has_its_own_identifiers(lines: &[Value]) {
    for line in lines {
        let (metadata, fields) = (&line["metadata"], &line["fields"]);
        let spans = line["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let requests: Vec<&Value> = spans.iter().filter(|s| s["name"] == "request").collect();
        match requests[..] {
            [] => assert_eq!(
                (metadata, &fields["seen"]),
                (&Value::Null, &Value::Null),
                "{line}"
            ),
            [request] => assert_eq!(metadata["request_id"], request["tag"], "{line}"),
            _ => panic!("in two requests: {line}"),
        }
        if fields["seen"].is_string() {
            assert_eq!(metadata["request_id"], fields["seen"], "{line}");
        }
        if fields["seen_user"].is_string() {
            assert_eq!(metadata["user_id"], fields["seen_user"], "{line}");
        }
        if line["message"] == "order received" {
            assert_eq!(metadata["user_id"], Value::Null, "{line}");
        }
    }
}

fn every_line_is_counted(lines: &[Value], stats: &Value) {
    let count = lines.len();
    assert_eq!(stats["emitted"], count, "{stats}");
    assert_eq!(stats["written"], count, "{stats}");
    for nothing in ["dropped", "failed", "fallbacks", "truncated"] {
        assert_eq!(stats[nothing], 0, "{stats}");
    }
}

type Requests<'a> = HashMap<String, Vec<&'a Value>>;

fn by_request(lines: &[Value]) -> Requests<'_> {
    let mut requests = Requests::new();
    for line in lines {
        if let Some(id) = line["metadata"]["request_id"].as_str() {
            requests.entry(id.to_owned()).or_default().push(line);
        }
    }
    requests
}

fn messages<'a>(requests: &Requests<'a>, id: &str, level: &str) -> Vec<&'a str> {
    let lines = requests.get(id).map_or(&[][..], Vec::as_slice);
    let of_level = lines.iter().filter(|line| line["level"] == level);
    of_level.map(|line| text(&line["message"])).collect()
}

/// The details that handlers log, without those of the libraries they use.
fn only_ours<'a>(messages: &[&'a str]) -> Vec<&'a str> {
    let ours = |message: &&&str| ORDER_AT_DEBUG.contains(message) || message.ends_with("the gate");
    messages.iter().filter(ours).copied().collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

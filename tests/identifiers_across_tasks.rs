//! Identifiers follow their own spans through threads and tasks.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use std::sync::{Arc, Barrier, Mutex};
use support::Capture;
use tracing::field::Empty;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Span, info, info_span};
use tracing_jsonl::JsonLayer;
use tracing_subscriber::prelude::*;

#[test]
fn each_thread_has_the_identifiers_of_its_own_spans() {
    let capture = Capture::default();
    let subscriber = tracing_subscriber::registry().with(JsonLayer::new(capture.clone()));
    let dispatch = tracing::Dispatch::new(subscriber);
    let barrier = Arc::new(Barrier::new(4));
    let parent = tracing::dispatcher::with_default(&dispatch, || info_span!("p", trace_id = "t"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (dispatch, barrier, parent) = (&dispatch, &barrier, &parent);
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    let _span = info_span!(parent: parent, "s", request_id = thread).entered();
                    barrier.wait();
                    for _ in 0..50 {
                        info!(thread, "x");
                    }
                });
            });
        }
    });
    let lines = capture.lines();
    assert_eq!(lines.len(), 200);
    for line in lines {
        let thread = line["fields"]["thread"].to_string();
        assert_eq!(
            line["metadata"],
            json!({"request_id": thread, "trace_id": "t"})
        );
    }
}

#[test]
fn identifiers_stay_with_their_task_across_awaits_and_threads() {
    let capture = Capture::default();
    let subscriber = tracing_subscriber::registry().with(JsonLayer::new(capture.clone()));
    let dispatch = tracing::Dispatch::new(subscriber);
    let threads = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for task in 0..20 {
            let threads = Arc::clone(&threads);
            let span = tracing::dispatcher::with_default(&dispatch, || {
                info_span!("task", request_id = task, user_id = Empty)
            });
            let work = async move {
                for step in 0..10 {
                    Span::current().record("user_id", step);
                    info!(task, step, "x");
                    threads.lock().unwrap().insert(std::thread::current().id());
                    tokio::time::sleep(std::time::Duration::from_micros(100)).await;
                }
            };
            tasks.push(tokio::spawn(
                work.instrument(span).with_subscriber(dispatch.clone()),
            ));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(threads.lock().unwrap().len() > 1, "one thread ran it all");
    let lines = capture.lines();
    assert_eq!(lines.len(), 200);
    for line in lines {
        let (task, step) = (&line["fields"]["task"], &line["fields"]["step"]);
        assert_eq!(
            line["metadata"],
            json!({"request_id": task.to_string(), "user_id": step.to_string()})
        );
    }
}

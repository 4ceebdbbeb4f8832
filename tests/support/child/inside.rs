//! What a case uses inside the child.

use super::{CASE, SCRATCH, SWAP, wait_until};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use tracing_jsonl::Logging;

pub type Case = (&'static str, fn());

/// In the child, runs the case that the parent named, and ends the process. In the parent, nothing.
pub fn serve(cases: &[Case]) {
    let Ok(name) = std::env::var(CASE) else {
        return;
    };
    if std::env::var_os(SWAP).is_some() {
        rustix::stdio::dup2_stdout(rustix::stdio::stdin()).unwrap();
        rustix::stdio::dup2_stdin(File::open("/dev/null").unwrap()).unwrap();
    }
    let (_, run) = cases.iter().find(|(case, _)| *case == name).expect("case");
    run();
    std::process::exit(0);
}

/// Whether this is the child that runs `case`.
pub fn is(case: &str) -> bool {
    std::env::var(CASE).is_ok_and(|name| name == case)
}

/// In the child: the directory it shares with its parent.
pub fn scratch() -> PathBuf {
    std::env::var_os(SCRATCH).expect("a child").into()
}

/// In the child: tells the parent, by a way that no fault of the case can break.
pub fn tell(key: &str, value: impl Into<Value>) {
    let mut report = OpenOptions::new()
        .append(true)
        .create(true)
        .open(scratch().join("told"))
        .unwrap();
    let line = format!("{}\n", json!({ key: value.into() }));
    report.write_all(line.as_bytes()).unwrap();
}

/// Tells the counters, once no line is under way: a signal's may be, on its own thread.
pub fn tell_stats(logging: &Logging) {
    wait_until("a sum", || {
        let stats = logging.stats();
        stats.emitted == stats.written + stats.dropped + stats.failed
    });
    let stats = logging.stats();
    tell(
        "stats",
        json!({
            "emitted": stats.emitted,
            "written": stats.written,
            "dropped": stats.dropped,
            "failed": stats.failed,
        }),
    );
}

/// A case that many a sink is tried with.
pub fn three() {
    let logging = tracing_jsonl::init_json_logging();
    for number in 0..3 {
        tracing::info!(number, "an event");
    }
    tell_stats(&logging);
}

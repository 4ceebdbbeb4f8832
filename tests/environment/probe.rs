//! A case with something for each variable to show in.

use crate::child::{Child, Ended, said, tell, tell_stats, wait_until};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;
use tracing::{debug, error, info, info_span, trace, warn};
use tracing_jsonl::init_json_logging;

/// What shows at `info`.
pub(crate) const FROM_INFO: [&str; 4] = ["an error", "a warning", "an info", "a shop info"];

pub(crate) fn everything() {
    let logging = init_json_logging();
    let span = info_span!("work", request_id = "r-1", step = 1).entered();
    error!("an error");
    warn!("a warning");
    info!("an info");
    debug!("a debug");
    trace!("a trace");
    info!(target: "shop::cart", "a shop info");
    trace!(target: "shop::cart", "a shop trace");
    info!(text = "x".repeat(100_000), "long");
    let _ = std::thread::spawn(|| panic!("a panic")).join();
    drop(span);
    if std::env::var_os("PROBE_SIGNAL").is_some() {
        let lines = || {
            let stats = logging.stats();
            stats.written + stats.dropped + stats.failed
        };
        let (before, lines_before) = (logging.level().current(), lines());
        kill_process(getpid(), Signal::USR1).unwrap();
        wait_until("the signal", || logging.level().current() != before);
        logging.level().reset();
        wait_until("a line for each change", || lines() == lines_before + 2);
    }
    tell("level", logging.level().current());
    tell_stats(&logging);
}

pub(crate) fn run(vars: &[(&str, &str)]) -> Ended {
    let child = Child::new("everything").env("PROBE_SIGNAL", "1");
    let vars = vars.iter();
    let ended = vars
        .fold(child, |child, (name, value)| child.env(name, value))
        .run()
        .ok();
    ended.stats();
    ended
}

pub(crate) fn lines(vars: &[(&str, &str)]) -> Vec<Value> {
    run(vars).lines()
}

/// The events of the case, the long one aside.
pub(crate) fn messages(lines: &[Value]) -> Vec<&str> {
    let others = ["tracing_jsonl", "panic"];
    let events = lines
        .iter()
        .filter(|line| !others.iter().any(|target| line["target"] == *target));
    let messages = events.map(|line| line["message"].as_str().unwrap());
    messages.filter(|message| *message != "long").collect()
}

/// Lines without what differs from run to run.
pub(crate) fn timeless(lines: &[Value]) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        assert!(line.remove("timestamp").is_some());
        if let Some(fields) = line.get_mut("fields") {
            fields.as_object_mut().unwrap().remove("until");
        }
    }
    lines
}

pub(crate) fn warnings(lines: &[Value]) -> Vec<&Value> {
    said(lines, "a setting cannot be used, its default holds")
}

//! `ulimit -f`: a file that may not grow any more.
#![cfg(all(unix, feature = "signal"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, To, numbers, scratch, tell, tell_stats};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[("thousand", thousand), ("starts_another", starts_another)]);
}

fn thousand() {
    let logging = init_json_logging();
    for number in 0..1_000 {
        info!(number, "an event");
    }
    tell_stats(&logging);
}

const SIGXFSZ: i32 = 25;
const LIMIT: &str = "ulimit -f 4";

#[test]
fn a_file_at_its_size_limit_does_not_end_the_process() {
    for to_file in [false, true] {
        let child = Child::new("thousand").shell(LIMIT);
        let path = child.scratch().join("log.jsonl");
        let child = if to_file {
            child.env("LOG_OUTPUT", &path)
        } else {
            child.stdout(To::Descriptor(File::create(&path).unwrap().into()))
        };
        let ended = child.run().ok();
        let [emitted, written, dropped, failed] = ended.stats();
        assert_eq!((emitted, dropped), (1_000, 0));
        assert!(written > 5 && failed > 900, "{written}, {failed}");
        let bytes = fs::read(&path).unwrap();
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        let lines = support::lines(&bytes[..whole]);
        assert_eq!(numbers(&lines), (0..written).collect::<Vec<_>>());
        let torn = usize::from(whole < bytes.len());
        holds!(5, ended.stats(), "exit 0, {torn} torn line at the limit");
    }
}

#[test]
fn with_log_signals_off_a_file_at_its_size_limit_does_what_it_did() {
    let child = Child::new("thousand").shell(LIMIT);
    let path = child.scratch().join("log.jsonl");
    let child = child.stdout(To::Descriptor(File::create(&path).unwrap().into()));
    let ended = child.env("LOG_SIGNALS", "off").run();
    assert_eq!(ended.status.signal(), Some(SIGXFSZ));
}

/// Another program is ended by the limit as ever: it inherits nothing of ours.
fn starts_another() {
    let _logging = init_json_logging();
    let mut other = Command::new("sh");
    other.args(["-c", "ulimit -f 1; exec cat /dev/zero"]);
    let file = File::create(scratch().join("zeroes")).unwrap();
    let status = other.stdout(file).stderr(Stdio::null()).status().unwrap();
    tell("signal", status.signal());
}

#[test]
fn programs_that_the_service_starts_keep_the_systems_default() {
    let ended = Child::new("starts_another").run().ok();
    assert_eq!(ended.told("signal"), SIGXFSZ);
}

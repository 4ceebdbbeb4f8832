//! What is not to be told: values that nobody asked for, and those of lines that were lost.
#![cfg(all(unix, feature = "signal"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod support;

use child::{Child, To, said, tell, tell_stats};
use serde::{Serialize, Serializer};
use std::fmt;
use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use support::figures::holds;
use tracing::{debug, debug_span, error, info, info_span, warn_span};

const CANARY: &str = "canary-5e7c";

/// How often the secret was formatted.
static FORMATTED: AtomicU64 = AtomicU64::new(0);

struct Secret;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FORMATTED.fetch_add(1, Ordering::Relaxed);
        f.write_str(CANARY)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Formats its secret and then fails, in a line that is lost.
struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{Secret}")?;
        panic!("{Secret}")
    }
}

#[test]
fn child() {
    child::serve(&[("hidden", hidden), ("lost", lost)]);
}

#[tracing::instrument(skip(secret))]
fn skipped(secret: &Secret) {
    info!("in a function");
    std::hint::black_box(secret);
}

fn hidden() {
    let logging = tracing_jsonl::init_json_logging();
    let secret = Secret;
    debug!(?secret, nested = tracing_jsonl::json(&secret), user_id = %secret, "hidden: {secret}");
    log::debug!(secret:?; "hidden: {secret}");
    debug_span!("hidden", ?secret, request_id = %secret).in_scope(|| info!("in a hidden span"));
    // `LOG_SPANS=off` leaves all but the identifiers out.
    let span = info_span!(
        "left out",
        ?secret,
        later = tracing::field::Empty,
        request_id = "r-7"
    );
    span.record("later", tracing::field::debug(&secret));
    span.in_scope(|| error!("in a span that is left out"));
    skipped(&secret);
    tell("formatted", FORMATTED.load(Ordering::Relaxed));
    tell_stats(&logging);
}

fn lost() {
    let logging = tracing_jsonl::init_json_logging();
    let secret = Secret;
    let stdout = rustix::io::dup(rustix::stdio::stdout()).unwrap();
    let full: OwnedFd = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into();
    rustix::stdio::dup2_stdout(&full).unwrap();
    info!(?secret, nested = tracing_jsonl::json(&secret), user_id = %secret, "lost: {secret}");
    info!(fails = ?Fails, nested = tracing_jsonl::json([f64::NAN]), "lost");
    log::warn!(secret:?; "lost: {secret}");
    warn_span!("s", fails = ?Fails).in_scope(|| error!("lost"));
    let panic = || std::panic::panic_any(format!("lost: {Secret}"));
    std::panic::catch_unwind(panic).expect_err("a panic");
    rustix::stdio::dup2_stdout(&stdout).unwrap();
    info!("next");
    tell("formatted", FORMATTED.load(Ordering::Relaxed));
    tell_stats(&logging);
}

#[test]
fn what_is_not_asked_for_is_not_formatted_and_what_is_lost_is_not_told_elsewhere() {
    let hidden = Child::new("hidden")
        .env("LOG_SPANS", "off")
        .stderr(To::Pipe)
        .run()
        .ok();
    assert_eq!(hidden.told("formatted"), 0);
    let lines = hidden.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        said(&lines, "in a span that is left out")[0]["metadata"]["request_id"],
        "r-7"
    );
    let lost = Child::new("lost").run().ok();
    assert!(
        lost.told("formatted").as_u64() > Some(8),
        "the secret was in the lines"
    );
    assert_eq!(said(&lost.lines(), "next").len(), 1);
    assert_eq!(lost.stats()[3], 5);
    let output = [
        hidden.stdout.as_slice(),
        hidden.stderr.as_bytes(),
        &lost.stdout,
        lost.stderr.as_bytes(),
    ]
    .concat();
    let times = String::from_utf8(output.clone())
        .unwrap()
        .matches(CANARY)
        .count();
    assert_eq!(times, 0);
    let [hidden, lost] = [hidden.stats(), lost.stats()];
    let sum = [0, 1, 2, 3].map(|at| hidden[at] + lost[at]);
    holds!(
        37,
        sum,
        "{times} times in {} bytes of standard output and error",
        output.len()
    );
}

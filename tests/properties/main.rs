//! Whatever is logged: one line for each event, valid, within the cap, exact where nothing was cut,
//! and in the spans that it was logged in.
//!
//! A few cases each, unless `LONG` is set: then a million in all. `PROPTEST_CASES` sets how many
//! each test has. A case that failed is kept beside the source of its test, and tried first from
//! then on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod any;
mod cut;
mod foreign;
mod given;
mod lines;
mod model;
mod naughty;
mod numbers;
mod programs;
mod records;
mod sites;
mod spans;
mod strings;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod tree;
mod world;

use proptest::test_runner::{Config, FileFailurePersistence};

// How many cases each test has in the long run.
const LINES: u32 = 150_000;
const STRINGS: u32 = 150_000;
const SPANS: u32 = 100_000;
const SPANS_OF_TWO_THREADS: u32 = 20_000;
const RECORDS: u32 = 80_000;
const NUMBERS: u32 = 200_000;
const BYTES: u32 = 100_000;
const FOREIGN: u32 = 50_000;
const FOREIGN_NUMBERS: u32 = 150_000;
const _: () = {
    let events = LINES + STRINGS + RECORDS + NUMBERS + BYTES + FOREIGN + FOREIGN_NUMBERS;
    assert!(events + SPANS + SPANS_OF_TWO_THREADS == 1_000_000);
};

/// Runs a test's cases: `check!(LINES, strategy, |case| …)`.
macro_rules! check {
    ($cases:expr, $strategy:expr, |$case:pat_param| $body:expr) => {{
        let config = crate::config($cases, file!());
        let outcome = proptest::test_runner::TestRunner::new(config).run(&$strategy, |$case| $body);
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }};
}
pub(crate) use check;

fn config(long: u32, source: &'static str) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|cases| cases.parse().ok());
    let cases = match std::env::var_os("LONG") {
        Some(_) => long,
        None => (long / 500).min(250),
    };
    Config {
        cases: asked.unwrap_or(cases),
        max_shrink_iters: 20_000,
        source_file: Some(source),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        ..Config::default()
    }
}

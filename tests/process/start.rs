//! Starting: once, twice, beside others.

use crate::child::{Child, messages, said, tell, tell_stats};
use crate::support::figures::holds;
use serde_json::json;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::panic::catch_unwind;
use tracing::{debug, info, trace};
use tracing_jsonl::{init_json_logging, try_init_json_logging};

pub(crate) fn nothing_kept() {
    let _ = init_json_logging();
    info!("event");
    log::info!("record");
    std::thread::spawn(|| info!("elsewhere")).join().unwrap();
    let _ = catch_unwind(|| panic!("a panic"));
}

pub(crate) fn nothing_has_to_be_kept_alive() {
    let ended = Child::of_main("nothing_kept").run().ok();
    let lines = ended.lines();
    assert_eq!(
        messages(&lines),
        ["event", "record", "elsewhere", "panicked: a panic"]
    );
}

pub(crate) fn twice() {
    let logging = init_json_logging();
    logging.level().set("debug").unwrap();
    info!("first");
    let again = catch_unwind(init_json_logging);
    assert!(again.is_err());
    debug!("still at debug");
    log::debug!("a record, still at debug");
    tell("level", logging.level().current());
    tell_stats(&logging);
}

pub(crate) fn a_second_start_panics_and_leaves_the_first_as_it_was() {
    let ended = Child::of_main("twice").run().ok();
    let lines = ended.lines();
    let messages = messages(&lines);
    assert_eq!(messages[..2], ["log level changed", "first"]);
    assert!(messages[2].starts_with("panicked: "), "{}", messages[2]);
    assert!(
        messages[2].contains("another global tracing subscriber"),
        "{}",
        messages[2]
    );
    assert_eq!(
        messages[3..],
        ["still at debug", "a record, still at debug"]
    );
    assert_eq!(ended.told("level"), "debug");
    assert_eq!(ended.stats(), [5, 5, 0, 0]);
}

pub(crate) fn twice_strictly() {
    let logging = try_init_json_logging().unwrap();
    logging.level().set("debug").unwrap();
    let error = try_init_json_logging().unwrap_err();
    assert!(error.is_already_set() && error.misconfigurations().is_empty());
    let other = tracing_jsonl::Logging::builder()
        .level("trace")
        .with_test_writer();
    assert!(other.try_init().unwrap_err().is_already_set());
    debug!("shown");
    log::debug!("shown too");
    trace!("hidden");
    log::trace!("hidden too");
    tell("level", logging.level().current());
    tell_stats(&logging);
}

pub(crate) fn a_second_strict_start_is_an_error_and_leaves_the_first_as_it_was() {
    let ended = Child::of_main("twice_strictly").run().ok();
    let lines = ended.lines();
    let expected = ["log level changed", "shown", "shown too"];
    assert_eq!(messages(&lines), expected);
    let level = ended.told("level");
    assert_eq!(level, "debug");
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
    assert_eq!(ended.stderr, "");
    holds!(
        18,
        ended.stats(),
        "2 of 2 further starts refused, level {} before and after, 0 panics",
        level.as_str().unwrap()
    );
}

struct Other;

impl log::Log for Other {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        tell("record", record.args().to_string());
    }

    fn flush(&self) {}
}

pub(crate) fn foreign_logger() {
    log::set_logger(&Other).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let logging = init_json_logging();
    info!("event");
    log::info!("record");
    tell("max", log::max_level().to_string());
    tell_stats(&logging);
}

pub(crate) fn another_logger_for_the_log_crate_is_a_warning_and_no_more() {
    let ended = Child::of_main("foreign_logger").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        (&lines[0]["level"], &lines[0]["target"]),
        (&json!("warn"), &json!("tracing_jsonl"))
    );
    let message = lines[0]["message"].as_str().unwrap();
    assert!(
        message.contains("another logger") && message.contains("`log`"),
        "{message}"
    );
    assert_eq!(lines[1]["message"], "event");
    assert_eq!(ended.told("record"), "record");
    assert_eq!(ended.told("max"), "TRACE");
}

pub(crate) fn foreign_subscriber() {
    let path = crate::child::scratch().join("theirs");
    let file = File::create(path).unwrap();
    tracing_subscriber::fmt()
        .with_writer(std::sync::Mutex::new(file))
        .init();
    let error = try_init_json_logging().unwrap_err();
    assert!(error.is_already_set());
    tell("text", error.to_string());
    assert!(catch_unwind(init_json_logging).is_err());
    info!("theirs");
    // Nor is anything else of ours there.
    let _ = catch_unwind(|| panic!("as text"));
}

pub(crate) fn another_subscriber_is_left_as_it_was() {
    let ended = Child::of_main("foreign_subscriber").run().ok();
    assert_eq!(ended.stdout, b"");
    assert_eq!(
        ended.told("text"),
        "another global tracing subscriber is installed"
    );
    let theirs = String::from_utf8(ended.scratch.read("theirs")).unwrap();
    assert!(theirs.contains("theirs"), "{theirs}");
    assert!(ended.stderr.contains("as text"), "{}", ended.stderr);
}

pub(crate) fn no_stdout() {
    let logging = init_json_logging();
    // The lowest free number: 1 if standard output is closed.
    let mut file = File::create(crate::child::scratch().join("data")).unwrap();
    tell("number", file.as_raw_fd());
    for number in 0..1_000 {
        info!(number, "an event");
    }
    file.write_all(b"data").unwrap();
    tell_stats(&logging);
}

pub(crate) fn a_standard_output_that_is_closed_from_the_start_harms_nothing() {
    let ended = Child::of_main("no_stdout").shell(">&-").run().ok();
    let [emitted, _, dropped, _] = ended.stats();
    assert_eq!((emitted, dropped), (1_000, 0));
    // No line goes to a file that the service opens for itself.
    let data = ended.scratch.read("data");
    assert_eq!(data, b"data");
    assert_eq!(said(&ended.lines(), "an event").len(), 0);
    let stray = data.len() - "data".len();
    let number = ended.told("number");
    holds!(
        11,
        ended.stats(),
        "exit 0, {stray} B of log in the file opened next, as descriptor {number}"
    );
}

/// No descriptor is left, so that no socket can be made.
fn without_descriptors<R>(code: impl FnOnce() -> R) -> R {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let usual = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(3),
        maximum: usual.maximum,
    };
    setrlimit(Resource::Nofile, none).unwrap();
    let result = code();
    setrlimit(Resource::Nofile, usual).unwrap();
    result
}

pub(crate) fn no_signals() {
    let logging = without_descriptors(init_json_logging);
    info!("event");
    tell_stats(&logging);
}

pub(crate) fn where_signals_cannot_be_handled_logging_starts_and_says_so() {
    let ended = Child::of_main("no_signals").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["level"], "warn");
    assert!(
        lines[0]["message"].as_str().unwrap().contains("signals"),
        "{}",
        lines[0]
    );
    assert!(lines[0]["fields"]["error"].is_string());
    assert_eq!(lines[1]["message"], "event");
}

pub(crate) fn no_signals_strictly() {
    let error = without_descriptors(try_init_json_logging).unwrap_err();
    tell("text", error.to_string());
    let source = error.source().map(ToString::to_string);
    tell("source", source);
    info!("nobody hears this");
    let _ = catch_unwind(|| panic!("as text"));
    let logging = try_init_json_logging().expect("nothing was installed");
    info!("event");
    tell_stats(&logging);
}

pub(crate) fn where_signals_cannot_be_handled_the_strict_form_installs_nothing() {
    let ended = Child::of_main("no_signals_strictly").run();
    let (text, source) = (ended.told("text"), ended.told("source"));
    assert!(text.as_str().unwrap().contains("signals"), "{text}");
    assert!(text.as_str().unwrap().ends_with(source.as_str().unwrap()));
    let ended = ended.ok();
    assert_eq!(ended.lines().len(), 1);
    assert_eq!(ended.lines()[0]["message"], "event");
    assert!(ended.stderr.contains("as text"), "{}", ended.stderr);
}

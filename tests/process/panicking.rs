//! Panics of the main thread, and logging while unwinding.

use crate::child::{Child, To, messages, said, tell_stats};
use crate::support::figures::holds;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use tracing::{info, info_span};
use tracing_jsonl::{Logging, Panics, init_json_logging};

pub(crate) fn main_thread() {
    let logging = init_json_logging();
    let _span = info_span!("request", request_id = "r-7", path = "/cart").entered();
    tell_stats(&logging);
    panic!("the cart of {} is gone", "u-42");
}

pub(crate) fn a_panic_of_the_main_thread_is_one_line_and_ends_the_process_as_ever() {
    let ended = Child::of_main("main_thread").run();
    assert_eq!(ended.status.code(), Some(101));
    assert_eq!(ended.stderr, "");
    let lines = ended.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!(line["level"], "error");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("the cart of u-42 is gone"), "{message}");
    assert_eq!(line["metadata"]["request_id"], "r-7");
    assert_eq!(line["spans"][0]["path"], "/cart");
    assert_eq!(line["fields"]["thread"], "main");
    let location = line["fields"]["location"].as_str().unwrap();
    assert!(location.contains("panicking.rs:"), "{location}");
    assert!(line["fields"].get("backtrace").is_none());
}

pub(crate) fn a_panic_of_the_main_thread_with_output_broken_ends_the_process_as_ever() {
    let broken: [fn() -> To; 2] = [|| To::Full, || To::ClosedPipe];
    for to in broken {
        let ended = Child::of_main("main_thread")
            .stdout(to())
            .stderr(to())
            .run();
        assert_eq!(ended.status.code(), Some(101));
    }
}

pub(crate) fn caught_on_main() {
    let logging = init_json_logging();
    let caught = catch_unwind(|| panic!("caught"));
    assert!(caught.is_err());
    info!("after");
    tell_stats(&logging);
}

pub(crate) fn a_panic_that_is_caught_is_a_line_too() {
    let ended = Child::of_main("caught_on_main").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["message"], "panicked: caught");
    assert_eq!(lines[1]["message"], "after");
    assert_eq!(ended.stats(), [2, 2, 0, 0]);
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        info!(panicking = std::thread::panicking(), "cleaning up");
    }
}

pub(crate) fn drop_logs_while_unwinding() {
    let logging = init_json_logging();
    let caught = catch_unwind(|| {
        let _span = info_span!("request", request_id = "r-7").entered();
        let _guard = Guard;
        panic!("the cause");
    });
    assert!(caught.is_err());
    info!("after");
    tell_stats(&logging);
}

pub(crate) fn a_drop_may_log_while_unwinding() {
    let ended = Child::of_main("drop_logs_while_unwinding").run().ok();
    let lines = ended.lines();
    assert_eq!(
        messages(&lines),
        ["panicked: the cause", "cleaning up", "after"]
    );
    assert_eq!(lines[1]["fields"]["panicking"], true);
    assert_eq!(lines[1]["metadata"]["request_id"], "r-7");
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
}

struct Bomb;

impl fmt::Debug for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far")?;
        panic!("in the Debug");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl serde::Serialize for Bomb {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in the Serialize");
    }
}

struct ArmedGuard;

impl Drop for ArmedGuard {
    fn drop(&mut self) {
        let span =
            info_span!("cleanup", request_id = "r-8", late = tracing::field::Empty, bomb = ?Bomb);
        span.record("late", tracing::field::debug(Bomb));
        let _entered = span.enter();
        info!(bomb = ?Bomb, display = %Bomb, json = tracing_jsonl::json(&Bomb), "cleaning {}", Bomb);
    }
}

pub(crate) fn debug_panics_while_unwinding() {
    let logging = init_json_logging();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _guard = ArmedGuard;
        panic!("the cause");
    }));
    assert!(caught.is_err());
    info!("after");
    tell_stats(&logging);
}

pub(crate) fn a_debug_that_panics_while_unwinding_does_not_abort() {
    let ended = Child::of_main("debug_panics_while_unwinding").run().ok();
    let lines = ended.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["message"], "panicked: the cause");
    let line = &lines[1];
    assert_eq!(line["metadata"]["request_id"], "r-8");
    assert_eq!(line["fields"]["bomb"], "so far!PANIC: in the Debug");
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .starts_with("cleaning so far!PANIC"),
        "{line}"
    );
    assert!(line["fields"]["json"].is_null());
    assert_eq!(line["spans"][0]["late"], "so far!PANIC: in the Debug");
    let panicked = line["encode_errors"].as_array().unwrap().len();
    assert_eq!(panicked, 6, "{line}");
    assert_eq!(said(&lines, "after").len(), 1);
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.stats(), [3, 3, 0, 0]);
    holds!(
        28,
        ended.stats(),
        "{panicked} values that panic, logged by a Drop while unwinding: {} of 3 lines, exit 0",
        lines.len()
    );
}

pub(crate) fn hook_logs() {
    let logging = Logging::builder().panics(Panics::Off).init();
    panic::set_hook(Box::new(|info| tracing::error!(%info, "from the hook")));
    let caught = catch_unwind(|| panic!("the cause"));
    assert!(caught.is_err());
    tell_stats(&logging);
    std::process::exit(42);
}

pub(crate) fn a_panic_hook_that_logs_does_no_harm_with_output_broken() {
    let ended = Child::of_main("hook_logs").run();
    assert_eq!(ended.status.code(), Some(42));
    assert_eq!(messages(&ended.lines()), ["from the hook"]);
    let broken: [fn() -> To; 2] = [|| To::Full, || To::ClosedPipe];
    for to in broken {
        let child = Child::of_main("hook_logs").stdout(to()).stderr(to());
        let ended = child.run();
        assert_eq!(ended.status.code(), Some(42));
        assert_eq!(ended.stats(), [1, 0, 0, 1]);
    }
}

pub(crate) fn message_panics() {
    let _logging = init_json_logging();
    info!("before");
    panic!("{}", Bomb);
}

/// The standard library makes the text before any hook sees the panic, and gives up there.
pub(crate) fn a_panic_whose_message_panics_ends_the_process_as_it_does_without_us() {
    let [with, without] = ["on", "off"].map(|panics| {
        let child = Child::of_main("message_panics").env("LOG_PANICS", panics);
        let ended = child.run();
        assert_eq!(messages(&ended.lines()), ["before"]);
        ended.status
    });
    assert_eq!(with, without);
    assert!(with.signal().is_some(), "{with}");
}

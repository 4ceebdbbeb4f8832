//! `try_init_json_logging`: all or nothing.

use crate::child::{Child, tell, tell_stats};
use crate::probe::messages;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};
use tracing::info;
use tracing_jsonl::{Logging, try_init_json_logging};

const STRICT: [(&str, &str); 5] = [
    ("LOG_LEVEL", "nonsense"),
    ("LOG_FORMAT", "yaml"),
    ("LOG_SPANS", "maybe"),
    ("LOG_DEBUG_LEVEL", "loud"),
    ("LOG_MAX_LINE_BYTES", "100"),
];

fn refuse() -> tracing_jsonl::InitError {
    let error = try_init_json_logging().unwrap_err();
    assert!(!error.is_already_set());
    let list = error.misconfigurations().iter();
    let list: Vec<_> = list
        .map(|one| json!([one.setting(), one.value()]))
        .collect();
    tell("list", list);
    tell("text", error.to_string());
    info!("nobody hears this");
    error
}

pub(crate) fn refused() {
    refuse();
    let _ = std::panic::catch_unwind(|| panic!("still as text"));
    // Nothing is in the way of a second try.
    let logging = Logging::builder().try_init().unwrap();
    info!("at last");
    log::info!("and this");
    tell_stats(&logging);
}

pub(crate) fn refused_then_signal() {
    refuse();
    kill_process(getpid(), Signal::USR1).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

fn with_all(case: &str) -> Child {
    STRICT
        .iter()
        .fold(Child::new(case), |child, (name, value)| {
            child.env(name, value)
        })
}

#[test]
fn the_strict_form_returns_all_that_is_wrong_and_installs_nothing() {
    let ended = with_all("refused").run().ok();
    let mut list = ended.told("list");
    let mut expected = json!(STRICT);
    for list in [&mut list, &mut expected] {
        list.as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    assert_eq!(list, expected);
    let text = ended.told("text");
    for (name, value) in STRICT {
        assert!(
            text.as_str().unwrap().contains(&format!("{name}={value}")),
            "{text}"
        );
    }
    let lines = ended.lines();
    assert_eq!(messages(&lines), ["at last", "and this"]);
    assert!(ended.stderr.contains("still as text"), "{}", ended.stderr);
}

#[test]
fn after_a_refused_start_signals_do_what_they_did() {
    use std::os::unix::process::ExitStatusExt;
    let ended = with_all("refused_then_signal").run();
    assert_eq!(ended.status.signal(), Some(Signal::USR1.as_raw()));
    assert_eq!(ended.stdout, b"");
}

pub(crate) fn well() {
    let logging = try_init_json_logging().unwrap();
    info!("well");
    tell_stats(&logging);
}

#[test]
fn the_strict_form_starts_where_all_is_well() {
    let ended = Child::new("well").env("LOG_FORMAT", "flat").run().ok();
    assert_eq!(messages(&ended.lines()), ["well"]);
    assert_eq!(ended.stats(), [1, 1, 0, 0]);
}

//! `LOG_LEVEL` and `RUST_LOG`.

use crate::probe::{FROM_INFO, lines, messages, warnings};

#[test]
fn log_level_is_trimmed_and_knows_each_level() {
    let all = [
        "an error",
        "a warning",
        "an info",
        "a debug",
        "a trace",
        "a shop info",
        "a shop trace",
    ];
    let cases: [(&str, &[&str]); 11] = [
        (" info", &FROM_INFO),
        ("info ", &FROM_INFO),
        ("INFO", &FROM_INFO),
        ("", &FROM_INFO),
        ("  ", &FROM_INFO),
        ("error", &all[..1]),
        ("warn", &all[..2]),
        ("warning", &all[..2]),
        ("trace", &all),
        ("off", &[]),
        (
            "warn , shop = trace",
            &["an error", "a warning", "a shop info", "a shop trace"],
        ),
    ];
    for (value, expected) in cases {
        let lines = lines(&[("LOG_LEVEL", value)]);
        assert_eq!(messages(&lines), expected, "`{value}`");
        assert_eq!(warnings(&lines).len(), 0, "`{value}`");
    }
    // What the signal sets must be something else.
    let lines = lines(&[("LOG_LEVEL", "debug"), ("LOG_DEBUG_LEVEL", "trace")]);
    let expected = ["an error", "a warning", "an info", "a debug", "a shop info"];
    assert_eq!(messages(&lines), expected);
}

#[test]
fn a_level_for_one_request_shows_that_request() {
    let lines = lines(&[("LOG_LEVEL", "error,[{request_id=r-1}]=debug")]);
    let expected = ["an error", "a warning", "an info", "a debug", "a shop info"];
    assert_eq!(messages(&lines), expected);
    assert_eq!(warnings(&lines).len(), 0);
}

#[test]
fn log_level_beats_rust_log_and_an_empty_one_does_not() {
    let both = lines(&[("LOG_LEVEL", "error"), ("RUST_LOG", "info")]);
    assert_eq!(messages(&both), ["an error"]);
    let empty = lines(&[("LOG_LEVEL", " "), ("RUST_LOG", "error")]);
    assert_eq!(messages(&empty), ["an error"]);
    // Even a bad one: it is the one that was meant.
    let bad = lines(&[("LOG_LEVEL", "nonsense"), ("RUST_LOG", "error")]);
    assert_eq!(messages(&bad), FROM_INFO);
}

#[test]
fn a_bare_word_in_rust_log_is_a_target() {
    let lines = lines(&[("RUST_LOG", "shop")]);
    assert_eq!(messages(&lines), ["a shop info", "a shop trace"]);
    assert_eq!(warnings(&lines).len(), 0);
}

#[test]
fn what_rust_log_can_say_and_we_cannot_is_reported_and_the_rest_kept() {
    let kept = ["an error", "a warning", "a shop info", "a shop trace"];
    for (value, part) in [
        ("warn,shop=trace,hyper[conn]=debug", "hyper[conn]=debug"),
        ("warn,shop=trace,[conn]=debug", "[conn]=debug"),
        (
            "warn,shop=trace,hyper[conn{peer=1}]=debug",
            "hyper[conn{peer=1}]=debug",
        ),
        ("warn,shop=trace/an? .*", "/an? .*"),
    ] {
        let lines = lines(&[("RUST_LOG", value)]);
        assert_eq!(messages(&lines), kept, "{value}");
        let warned = warnings(&lines);
        assert_eq!(warned.len(), 1, "{value}");
        assert_eq!(warned[0]["fields"]["setting"], "RUST_LOG");
        let problem = warned[0]["fields"]["problem"].as_str().unwrap();
        assert!(problem.contains(part), "{value}: {problem}");
    }
}

#[test]
fn each_part_of_rust_log_that_is_skipped_is_named() {
    let parts = ["hyper[conn]=debug", "h2=wran", "/text"];
    let lines = lines(&[("RUST_LOG", "warn,hyper[conn]=debug,h2=wran/text")]);
    assert_eq!(messages(&lines), ["an error", "a warning"]);
    let told: String = warnings(&lines)
        .iter()
        .map(|line| line["fields"]["problem"].as_str().unwrap())
        .collect();
    for part in parts {
        assert!(told.contains(part), "nothing said of {part}: {told}");
    }
}

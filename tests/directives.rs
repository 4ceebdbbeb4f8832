//! What a text of directives means, and what is said of one that means nothing.
#![allow(clippy::unwrap_used)]

mod level_support;
mod support;

use level_support::Service;
use tracing_jsonl::{DirectiveError, LevelHandle};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

fn read(directives: &str) -> String {
    match LevelHandle::new(directives) {
        Ok(level) => level.current(),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(directives: &str) -> DirectiveError {
    let error = match LevelHandle::new(directives) {
        Err(error) => error,
        Ok(level) => panic!("`{directives}` was read as `{}`", level.current()),
    };
    let level = LevelHandle::new("warn").unwrap();
    assert_eq!(level.set(directives), Err(error.clone()));
    assert_eq!(level.current(), "warn", "an invalid text changes nothing");
    let text = error.to_string();
    for part in [error.directive(), error.problem(), error.accepted()] {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
    for part in [error.problem(), error.accepted()] {
        assert!(!part.is_empty(), "{text}");
    }
    error
}

/// The messages that remain of events of four targets at all levels.
fn passed(directives: &str) -> Vec<String> {
    let service = Service::start(directives);
    macro_rules! all_levels {
        ($($target:literal)*) => {$(
            tracing::error!(target: $target, "{} error", $target);
            tracing::warn!(target: $target, "{} warn", $target);
            tracing::info!(target: $target, "{} info", $target);
            tracing::debug!(target: $target, "{} debug", $target);
            tracing::trace!(target: $target, "{} trace", $target);
        )*};
    }
    all_levels!("hyper" "hyper::proto" "shop" "other");
    service.messages()
}

/// What `passed` should give: for each target, the levels up to one.
fn expected(levels: [(&str, &str); 4]) -> Vec<String> {
    let mut messages = Vec::new();
    for (target, most) in levels {
        let count = LEVELS.iter().position(|level| *level == most).unwrap();
        messages.extend(
            LEVELS[1..=count]
                .iter()
                .map(|level| format!("{target} {level}")),
        );
    }
    messages
}

#[test]
fn a_level_is_read_in_any_case_and_with_space_around_it() {
    for level in LEVELS {
        assert_eq!(read(level), level);
        assert_eq!(read(&level.to_uppercase()), level);
        assert_eq!(read(&format!(" \t{level}\n")), level);
    }
    assert_eq!(read("dEbUg"), "debug");
}

#[test]
fn warning_is_warn() {
    assert_eq!(read("warning"), "warn");
    assert_eq!(read("hyper=WARNING"), "info,hyper=warn");
}

#[test]
fn space_around_the_parts_of_a_directive_is_nothing() {
    assert_eq!(read(" info , hyper = warn "), "info,hyper=warn");
    assert_eq!(
        read(" shop [ { user_id = u-42 } ] = Debug "),
        "info,shop[{user_id=u-42}]=debug"
    );
    assert_eq!(read("info,,hyper=warn,"), "info,hyper=warn");
}

#[test]
fn each_level_passes_itself_and_what_is_graver() {
    for level in LEVELS {
        let all = ["hyper", "hyper::proto", "shop", "other"].map(|target| (target, level));
        assert_eq!(passed(level), expected(all), "{level}");
    }
}

#[test]
fn a_target_has_its_own_level() {
    let levels = [
        ("hyper", "warn"),
        ("hyper::proto", "warn"),
        ("shop", "trace"),
        ("other", "info"),
    ];
    assert_eq!(passed("info,hyper=warn,shop=trace"), expected(levels));
    let levels = [
        ("hyper", "off"),
        ("hyper::proto", "off"),
        ("shop", "info"),
        ("other", "info"),
    ];
    assert_eq!(passed("info,hyper=off"), expected(levels));
}

#[test]
fn of_several_targets_the_longest_prefix_wins_in_any_order() {
    let levels = [
        ("hyper", "warn"),
        ("hyper::proto", "trace"),
        ("shop", "error"),
        ("other", "error"),
    ];
    for directives in [
        "error,hyper=warn,hyper::proto=trace",
        "hyper::proto=trace,hyper=warn,error",
        "hyper::pro=trace,hyp=warn,error",
    ] {
        assert_eq!(passed(directives), expected(levels), "{directives}");
    }
}

#[test]
fn of_two_directives_for_the_same_the_later_wins() {
    assert_eq!(read("debug,warn"), "warn");
    assert_eq!(read("hyper=debug,hyper=warn"), "info,hyper=warn");
    assert_eq!(
        read("[{user_id=u-42}]=trace,[{user_id=\"u-42\"}]=debug"),
        "info,[{user_id=u-42}]=debug"
    );
    let levels = [
        ("hyper", "error"),
        ("hyper::proto", "error"),
        ("shop", "warn"),
        ("other", "warn"),
    ];
    assert_eq!(
        passed("hyper=trace,trace,warn,hyper=error"),
        expected(levels)
    );
}

#[test]
fn a_text_without_a_bare_level_keeps_the_configured_one() {
    let level = LevelHandle::new("warn,hyper=error").unwrap();
    level.set("debug").unwrap();
    level.set("shop=trace").unwrap();
    assert_eq!(level.current(), "warn,shop=trace");
    level.set("[{user_id=u-42}]=debug").unwrap();
    assert_eq!(level.current(), "warn,[{user_id=u-42}]=debug");
    assert_eq!(read("hyper=warn"), "info,hyper=warn", "unset is info");
}

#[test]
fn an_empty_configuration_is_info() {
    assert_eq!(read(""), "info");
    assert_eq!(read(" \t"), "info");
}

#[test]
fn identifiers_have_directives_with_and_without_a_target() {
    for text in [
        "info,[{user_id=u-42}]=debug",
        "info,shop[{user_id=u-42}]=debug",
        "info,[{request_id=r-7}]=trace,[{trace_id=0af7651916cd43dd}]=debug",
        "warn,shop[{user_id=u-42,request_id=r-7}]=debug",
    ] {
        assert_eq!(read(text), text);
    }
}

#[test]
fn an_unknown_identifier_is_refused_with_the_known_ones() {
    let error = refused("[{customer=7}]=debug");
    assert_eq!(error.directive(), "[{customer=7}]=debug");
    assert!(error.problem().contains("customer"), "{error}");
    for name in ["request_id", "user_id", "trace_id"] {
        assert!(error.accepted().contains(name), "{error}");
    }
    let error = refused("[{user_id=\"a\",customer=7}]=debug");
    assert!(error.problem().contains("`customer=7`"), "{error}");
    let own = LevelHandle::with_identifiers("info", ["tenant", "job"]).unwrap();
    let error = own.set("[{user_id=u-42}]=debug").unwrap_err();
    assert!(error.accepted().contains("tenant"), "{error}");
    assert!(error.accepted().contains("job"), "{error}");
    own.set("[{tenant=acme}]=debug").unwrap();
}

#[test]
fn an_identifier_without_a_value_is_told_that_the_value_is_missing() {
    for text in [
        "[{user_id=}]=debug",
        "[{user_id=\"\"}]=debug",
        "[{user_id}]=debug",
    ] {
        let error = refused(text);
        assert!(error.problem().contains("value"), "{error}");
    }
}

#[test]
fn an_empty_text_is_no_change() {
    let level = LevelHandle::new("warn").unwrap();
    level.set("debug").unwrap();
    for text in ["", " ", "\n", ",", " , ,"] {
        let error = level.set(text);
        assert!(error.is_err(), "`{text}` set {}", level.current());
        assert_eq!(level.current(), "debug", "`{text}`");
    }
}

#[test]
fn what_is_no_level_is_refused_with_the_levels() {
    for (text, directive, problem) in [
        ("nonsense", "nonsense", "nonsense"),
        ("info,nonsense", "nonsense", "nonsense"),
        ("info, hyper=wran ,shop=debug", "hyper=wran", "wran"),
        ("hyper=", "hyper=", "level"),
        ("[{user_id=u-42}]=loud", "[{user_id=u-42}]=loud", "loud"),
        ("=", "=", "level"),
        ("=debug=", "=debug=", "level"),
    ] {
        let error = refused(text);
        assert_eq!(error.directive(), directive, "{error}");
        assert!(error.problem().contains(problem), "{error}");
        for level in LEVELS {
            assert!(error.accepted().contains(level), "{error}");
        }
    }
}

#[test]
fn spans_cannot_be_named_and_the_error_shows_what_can() {
    for text in [
        "[span]=debug",
        "[span{user_id=u-42}]=debug",
        "shop[span]=debug",
        "[]=debug",
    ] {
        let error = refused(text);
        assert_eq!(error.directive(), text);
        assert!(
            error.accepted().contains("[{identifier=value}]=level"),
            "{error}"
        );
    }
}

#[test]
fn unbalanced_brackets_and_quotes_are_refused() {
    for text in [
        "[{user_id=u-42}=debug",
        "[{user_id=u-42]=debug",
        "[user_id=u-42}]=debug",
        "{user_id=u-42}]=debug",
        "user_id=u-42}]=debug",
        "[{user_id=u-42}]debug",
        "[{user_id=u-42}]x=debug",
        "[{user_id=\"u-42}]=debug",
        "[{user_id=\"u\"-42\"}]=debug",
        "[{user_id=\"u-42\\\"}]=debug",
        "[=debug",
        "]=debug",
        "[",
        "]info[",
        "hyper=\"debug",
        "=debug",
        "hy per=debug",
    ] {
        refused(text);
    }
}

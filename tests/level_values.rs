//! The values of identifiers in directives: whatever they are made of, they match and read back.
#![allow(clippy::unwrap_used)]

mod level_support;
mod support;

use level_support::Service;
use proptest::prelude::*;
use tracing_jsonl::LevelHandle;

/// Whether `directives` show a debug event of this user.
#[track_caller]
fn matches(directives: &str, user_id: &str) -> bool {
    let service = Service::start(directives);
    let _span = tracing::info_span!("request", user_id).entered();
    tracing::debug!("matched");
    service.messages() == ["matched"]
}

/// The same, and the same again with the directives as they are told.
#[track_caller]
fn assert_matches(directives: &str, user_id: &str) {
    assert!(
        matches(directives, user_id),
        "`{directives}` on {user_id:?}"
    );
    let current = LevelHandle::new(directives).unwrap().current();
    assert!(
        matches(&current, user_id),
        "`{current}` of `{directives}` on {user_id:?}"
    );
}

fn quoted(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("[{{user_id=\"{value}\"}}]=debug")
}

#[test]
fn a_value_may_be_quoted_or_not() {
    for value in [
        "u-42",
        "42",
        "a b",
        "Ärger",
        "urn:user:42",
        "a=b",
        "a@example.com",
        "a\\b",
    ] {
        assert_matches(&format!("[{{user_id={value}}}]=debug"), value);
        assert_matches(&quoted(value), value);
    }
    assert_matches("[{ user_id =  u-42 }]=debug", "u-42");
    assert_matches("[{ user_id = \" u-42 \" }]=debug", " u-42 ");
}

#[test]
fn a_value_may_have_commas_unless_an_identifier_follows() {
    assert_matches("[{user_id=a,b}]=debug", "a,b");
    assert_matches("[{user_id=a,b,,c=d}]=debug", "a,b,,c=d");
    assert_matches("[{user_id=\"a,request_id=b\"}]=debug", "a,request_id=b");
    assert_matches("hyper=warn,[{user_id=\"a,b\"}]=debug,shop=info", "a,b");
    assert!(!matches(
        "[{user_id=a,request_id=b}]=debug",
        "a,request_id=b"
    ));
}

#[test]
fn a_value_may_have_quotes() {
    assert_matches("[{user_id=5\" disk}]=debug", "5\" disk");
    assert_matches("[{user_id=u\"}]=debug", "u\"");
    assert_matches(r#"[{user_id="a, \"b\""}]=debug"#, "a, \"b\"");
    assert_matches(r#"[{user_id="\"b\""}]=debug"#, "\"b\"");
    assert_matches(r#"[{user_id="a\\b"}]=debug"#, "a\\b");
}

#[test]
fn a_value_may_have_an_unquoted_quote_before_a_comma() {
    assert_matches("[{user_id=5\",6\"}]=debug", "5\",6\"");
}

#[test]
fn a_quoted_value_may_have_brackets() {
    for value in ["}]=trace", "[{user_id=x}]", "{", "]", "}][{"] {
        assert_matches(&quoted(value), value);
    }
}

#[test]
fn a_value_may_have_characters_that_lines_escape() {
    for value in [
        "a\nb",
        "tab\there",
        "\u{7f}",
        "\u{9b}31m",
        "\u{202e}gnp",
        "\u{2028}",
        "\u{0}",
    ] {
        assert_matches(&quoted(value), value);
    }
}

#[test]
fn every_identifier_of_a_directive_must_match() {
    let service = Service::start("[{user_id=u-42,request_id=\"r, 7\"}]=debug");
    let _user = tracing::info_span!("user", user_id = "u-42").entered();
    tracing::debug!("only one");
    {
        let _request = tracing::info_span!("request", request_id = "r, 8").entered();
        tracing::debug!("another request");
    }
    {
        let _request = tracing::info_span!("request", request_id = "r, 7").entered();
        tracing::debug!("both");
    }
    assert_eq!(service.messages(), ["both"]);
}

#[test]
fn any_one_of_several_directives_may_match() {
    let text = "[{user_id=u-42}]=debug,[{request_id=r-7}]=debug,[{user_id=u-43}]=trace";
    let service = Service::start(text);
    let log = || {
        tracing::debug!("debug");
        tracing::trace!("trace");
    };
    tracing::info_span!("a", user_id = "u-42").in_scope(log);
    tracing::info_span!("b", user_id = "u-1", request_id = "r-7").in_scope(log);
    tracing::info_span!("c", user_id = "u-43").in_scope(log);
    tracing::info_span!("d", user_id = "u-44", request_id = "r-8").in_scope(log);
    assert_eq!(service.messages(), ["debug", "debug", "debug", "trace"]);
}

fn configuration() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any text, control characters included.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

#[track_caller]
fn reads_back(text: &str) -> Result<(), TestCaseError> {
    if let Ok(level) = LevelHandle::new(text) {
        let current = level.current();
        let again = LevelHandle::new(&current);
        prop_assert!(again.is_ok(), "`{current}` of `{text}`: {again:?}");
        prop_assert_eq!(again.unwrap().current(), current);
    }
    Ok(())
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in text()) {
        let _ = LevelHandle::new(&text).map_err(|error| error.to_string());
        reads_back(&text)?;
    }

    #[test]
    fn what_is_current_reads_back_to_the_same(text in
        r#"([a-z:]{0,4}(\[\{?(user_id|trace_id|x)=?["\\a-z ,=]{0,6}\}?\])?=)?(info|off|de|DEBUG)(,[{}\[\]=",a-z]{0,8})?"#
    ) {
        reads_back(&text)?;
    }

    #[test]
    fn any_value_in_quotes_is_read_and_reads_back_to_the_same(value in text()) {
        prop_assume!(!value.is_empty());
        let text = quoted(&value);
        prop_assert!(LevelHandle::new(&text).is_ok(), "{text}");
        reads_back(&text)?;
    }
}

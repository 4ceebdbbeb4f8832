//! Any bytes as the values of the variables that are read at boot. A value that cannot be used is
//! told of by name, with what is accepted, and its default holds; one that can be used takes effect;
//! nothing panics.
//!
//! The input is as in `/proc/self/environ`: `NAME=value`, a NUL, the next. Whether values are refused
//! is looked at in this process, in which nothing is installed. What the others do can be seen only
//! once per process: in a fork.

mod child;
mod effects;
mod model;

use crate::environment::model::Verdict;
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::OnceLock;
use tracing_jsonl::Logging;

const NAMES: [&str; 12] = [
    "LOG_LEVEL",
    "RUST_LOG",
    "LOG_FORMAT",
    "LOG_OUTPUT",
    "LOG_SPANS",
    "LOG_SIGNALS",
    "LOG_PANICS",
    "LOG_DEBUG_LEVEL",
    "LOG_DEBUG_TTL",
    "LOG_MAX_LINE_BYTES",
    "LOG_STALL",
    "LOG_REDACT",
];

/// A longer one says nothing new.
const LONGEST: usize = 1000;

/// For the fuzzer: a fork takes far longer than the rest, so that one input in eight has one.
pub fn run(input: &[u8]) {
    let sum = input.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    run_with(input, sum.is_multiple_of(8));
}

pub fn run_with(input: &[u8], with_effects: bool) {
    let variables = variables(input);
    for name in NAMES {
        match variables.get(name) {
            // SAFETY: no other thread of this process looks at the environment.
            Some(value) => unsafe { env::set_var(name, value) },
            // SAFETY: the same.
            None => unsafe { env::remove_var(name) },
        }
    }
    let refused = refused(&variables);
    if with_effects {
        effects::check(&variables, &refused);
    }
    // What was opened in passing.
    let _ = std::fs::remove_dir_all(scratch());
}

/// Name and value of each setting that cannot be used, as the strict form returns them: for a value
/// that is known to be bad too, so that nothing is ever installed here.
fn refused(variables: &BTreeMap<&'static str, OsString>) -> Vec<(String, String)> {
    std::fs::create_dir_all(scratch()).expect("a directory for files");
    let builder = Logging::builder().from_env().max_line_bytes(1);
    let error = builder.try_init().expect_err("1 byte is too short");
    let mut refused = Vec::new();
    for one in error.misconfigurations() {
        let (name, value) = (one.setting(), one.value());
        assert!(
            !one.problem().is_empty() && !one.accepted().is_empty(),
            "{one}"
        );
        let shown = one.to_string();
        for part in [name, value, one.problem(), one.accepted()] {
            assert!(shown.contains(part), "`{part}` is not in `{shown}`");
        }
        refused.push((name.to_owned(), value.to_owned()));
    }
    let own = ("max_line_bytes".to_owned(), "1".to_owned());
    let at = refused.iter().position(|one| *one == own);
    refused.remove(at.expect("the value that is known to be bad"));

    for name in NAMES {
        let told: Vec<&str> = refused
            .iter()
            .filter(|(refused, _)| refused == name)
            .map(|(_, value)| value.as_str())
            .collect();
        let value = model::value(variables, name);
        assert!(
            told.iter().all(|told| Some(*told) == value.as_deref()),
            "{name}: {told:?}"
        );
        match model::verdict(variables, name) {
            Verdict::Accepted => assert!(told.is_empty(), "{name}={value:?} was refused"),
            Verdict::Refused => assert!(!told.is_empty(), "{name}={value:?} was accepted"),
            Verdict::Either => {}
        }
        let most = if name.ends_with("_LEVEL") || name == "RUST_LOG" {
            usize::MAX
        } else {
            1
        };
        assert!(told.len() <= most, "{name}: {told:?}");
    }
    let all_known = refused
        .iter()
        .all(|(name, _)| NAMES.contains(&name.as_str()));
    assert!(all_known, "{refused:?}");
    refused
}

fn variables(input: &[u8]) -> BTreeMap<&'static str, OsString> {
    let mut variables = BTreeMap::new();
    for entry in input
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
    {
        let named = NAMES.iter().find_map(|name| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some((*name, value))
        });
        // What has no name gets one by its first byte.
        let chosen = NAMES[usize::from(entry[0]) % NAMES.len()];
        let (name, value) = named.unwrap_or((chosen, &entry[1..]));
        let value = &value[..value.len().min(LONGEST)];
        let value = match name {
            "LOG_OUTPUT" => output(value),
            _ => OsString::from_vec(value.to_vec()),
        };
        variables.insert(name, value);
    }
    variables
}

/// The stream of that name, or a file of that name where it can do no harm.
fn output(value: &[u8]) -> OsString {
    let text = String::from_utf8_lossy(value);
    if ["", "stdout", "stderr"].contains(&text.trim()) {
        return OsString::from_vec(value.to_vec());
    }
    let name: Vec<u8> = value
        .iter()
        .map(|byte| if *byte == b'/' { b'_' } else { *byte })
        .collect();
    scratch().join(OsStr::from_bytes(&name)).into_os_string()
}

fn scratch() -> &'static PathBuf {
    static SCRATCH: OnceLock<PathBuf> = OnceLock::new();
    SCRATCH
        .get_or_init(|| env::temp_dir().join(format!("tracing-jsonl-fuzz-{}", std::process::id())))
}

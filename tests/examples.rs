//! Each example prints what its header says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::strict;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[test]
fn quickstart_prints_what_it_says() {
    assert_eq!(printed("quickstart"), shown("quickstart"));
}

#[test]
fn request_context_prints_what_it_says() {
    assert_eq!(printed("request_context"), shown("request_context"));
}

#[test]
fn custom_sink_writes_what_it_says() {
    let name = format!("custom-sink-{}.jsonl", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let status = example("custom_sink").arg(&path).status().unwrap();
    let written = std::fs::read(&path);
    let _ = std::fs::remove_file(&path);
    assert!(status.success(), "{status}");
    assert_eq!(checked(&written.unwrap()), shown("custom_sink"));
}

#[test]
fn custom_sink_asks_for_a_file() {
    let output = example("custom_sink").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: custom_sink FILE"));
}

#[cfg(all(unix, feature = "signal"))]
#[test]
fn change_level_follows_signals() {
    use rustix::process::{Pid, Signal, kill_process};

    let mut service = Running::start(&[]);
    let mut said = String::new();
    let mut stderr = BufReader::new(service.child.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    let pid = said.trim().strip_prefix("pid ").expect("a pid").parse();
    let pid = Pid::from_raw(pid.expect("a number")).expect("not zero");
    assert_eq!(pid, Pid::from_child(&service.child));

    assert_eq!(service.round(), ["error", "warn", "info"]);
    kill_process(pid, Signal::USR1).unwrap();
    let up = service.next_change();
    assert_eq!(service.round(), ["error", "warn", "info", "debug"]);
    kill_process(pid, Signal::USR2).unwrap();
    let down = service.next_change();
    assert_eq!(service.round(), ["error", "warn", "info"]);
    assert_eq!([up, down], shown("change_level")[..]);
}

#[test]
fn change_level_sets_a_level_for_a_second() {
    let mut service = Running::start(&["--set-for"]);
    let change = service.next_change();
    assert!(change.contains(r#""from":"info","to":"warn","by":"api","until":"#));
    let back = service.next_change();
    assert!(back.contains(r#""from":"warn","to":"info","by":"expiry""#));
    assert_eq!(service.round(), ["error", "warn", "info"]);
}

#[test]
fn change_level_ends_when_told() {
    let output = example("change_level").arg("0").output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(checked(&output.stdout), [""; 0]);
}

#[test]
fn jq_and_python_read_the_lines() {
    let line = example("quickstart").output().unwrap().stdout;
    if let Some(read) = piped(Command::new("jq").args(["-c", "."]), &line) {
        assert_eq!(read, line);
    }
    let script = "import json,sys; [print(json.loads(line)['message']) for line in sys.stdin]";
    if let Some(read) = piped(Command::new("python3").args(["-c", script]), &line) {
        assert_eq!(read, b"order placed\n");
    }
}

/// `change_level` while it runs.
struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = example("change_level");
        command.args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let lines = stdout.lines().map(|line| {
            let line = line.unwrap();
            strict(line.as_bytes());
            line
        });
        Self {
            child,
            lines: Box::new(lines),
        }
    }

    /// The next line about a change, in the form of [`checked`].
    fn next_change(&mut self) -> String {
        let change = self.lines.find(|line| line.contains("log level changed"));
        with_fixed_times(&change.expect("the example runs"))
    }

    /// The levels of the next whole round; what is left of the current one is passed over.
    fn round(&mut self) -> Vec<String> {
        let mut levels = Vec::new();
        loop {
            let line = self.lines.next().expect("the example runs");
            let level = strict(line.as_bytes())["level"]
                .as_str()
                .unwrap()
                .to_owned();
            if level == "error" && !levels.is_empty() {
                return levels;
            }
            if level == "error" || !levels.is_empty() {
                levels.push(level);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example's program, which `cargo test` has built next to this one's directory.
fn example(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let built = this.ancestors().nth(2).unwrap().join("examples");
    let path: PathBuf = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "first run `cargo build --examples`");
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("LOG_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command
}

fn printed(name: &str) -> Vec<String> {
    let output = example(name).output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    checked(&output.stdout)
}

/// The lines of the `json` block in an example's header.
fn shown(name: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
    let source = std::fs::read_to_string(file).unwrap();
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let block = header.map(str::trim).skip_while(|line| *line != "```json");
    let lines = block.skip(1).take_while(|line| *line != "```");
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{name} shows no line");
    lines
}

/// The lines as the headers have them, each read strictly.
fn checked(bytes: &[u8]) -> Vec<String> {
    support::lines(bytes);
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(with_fixed_times).collect()
}

/// Puts the header's times in the place of those of now, which must be times.
fn with_fixed_times(line: &str) -> String {
    let value = strict(line.as_bytes());
    let now = value["timestamp"].as_str().expect("a timestamp");
    let fixed = replaced(line, now, "2026-11-23T14:26:46.123456Z");
    match &value["fields"]["until"] {
        Value::String(until) => replaced(&fixed, until, "2026-11-23T14:36:46.123456Z"),
        _ => fixed,
    }
}

fn replaced(line: &str, time: &str, fixed: &str) -> String {
    OffsetDateTime::parse(time, &Rfc3339).expect("RFC 3339");
    assert_eq!(time.len(), fixed.len(), "{time}");
    line.replacen(time, fixed, 1)
}

/// What a tool makes of `input`; nothing where there is no such tool.
fn piped(command: &mut Command, input: &[u8]) -> Option<Vec<u8>> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let tool = command.get_program().display();
            eprintln!("skipped: {tool} cannot be run: {error}");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    Some(output.stdout)
}

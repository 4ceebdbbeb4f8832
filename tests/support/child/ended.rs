//! What is left of a child that has ended.

use super::Scratch;
use crate::support;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

/// A child that has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub scratch: Scratch,
}

impl Ended {
    /// Its lines on standard output, read strictly.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        support::lines(&self.stdout)
    }

    /// Went well, so far as the process itself can say.
    #[track_caller]
    pub fn ok(self) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout[..self.stdout.len().min(4000)]);
        let (status, stderr) = (self.status, &self.stderr);
        assert!(status.success(), "{status}\n{stderr}\n{stdout}");
        self
    }

    /// What the child told last under `key`.
    #[track_caller]
    pub fn told(&self, key: &str) -> Value {
        let told = self.scratch.read("told");
        let mut lines = told.split(|&byte| byte == b'\n').rev();
        let found = lines.find_map(|line| {
            let mut one: Value = serde_json::from_slice(line).ok()?;
            one.get_mut(key).map(Value::take)
        });
        found.unwrap_or_else(|| panic!("nothing told of {key}: {}", self.stderr))
    }

    /// The counters as the child told them: emitted, written, dropped, failed. They add up.
    #[track_caller]
    pub fn stats(&self) -> [u64; 4] {
        let stats = self.told("stats");
        let counts = ["emitted", "written", "dropped", "failed"];
        let counts = counts.map(|name| stats[name].as_u64().unwrap());
        let [emitted, written, dropped, failed] = counts;
        assert_eq!(emitted, written + dropped + failed, "{stats}");
        counts
    }
}

/// The lines whose `message` is `message`.
pub fn said<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    let says = |line: &&Value| line["message"] == message;
    lines.iter().filter(says).collect()
}

/// What each line says.
pub fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

/// The numbers of the lines about "an event".
pub fn numbers(lines: &[Value]) -> Vec<u64> {
    let events = said(lines, "an event").into_iter();
    events
        .map(|line| line["fields"]["number"].as_u64().unwrap())
        .collect()
}

/// The same by thread, as they came.
pub fn in_order(lines: &[Value]) -> BTreeMap<u64, Vec<u64>> {
    let mut numbers: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for line in said(lines, "an event") {
        let field = |name: &str| line["fields"][name].as_u64().unwrap();
        numbers
            .entry(field("thread"))
            .or_default()
            .push(field("number"));
    }
    for (thread, numbers) in &numbers {
        assert!(numbers.is_sorted(), "thread {thread} out of order");
    }
    numbers
}

/// Reads to the end, so many bytes at once, with a pause after each.
pub fn read_slowly(mut reader: File, at_once: usize, pause: Duration) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; at_once]);
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return bytes,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        thread::sleep(pause);
    }
}

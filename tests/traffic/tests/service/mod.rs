//! The service as a child process, and a client that speaks both versions of HTTP.

use crate::support::strict;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::task::JoinSet;

/// So late that only a line that never comes is waited for in vain.
const NEVER: Duration = Duration::from_secs(120);

pub struct Service {
    child: Child,
    address: String,
    stderr: BufReader<ChildStderr>,
    output: Arc<Output>,
    reader: Option<JoinHandle<()>>,
    client: [Client<HttpConnector, Body>; 2],
}

#[derive(Default)]
struct Output {
    /// What was read so far, and whether that is all.
    lines: Mutex<(Vec<Vec<u8>>, bool)>,
    more: Condvar,
}

impl Service {
    pub fn start(level: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_traffic"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("LOG_") || name == "RUST_LOG" {
                command.env_remove(&*name);
            }
        }
        command.envs(level.map(|level| ("LOG_LEVEL", level)));
        // However slowly this process reads, no line may be dropped for it.
        command.env("LOG_STALL", "block");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the service starts");

        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut address = String::new();
        stderr.read_line(&mut address).expect("its address");

        let output = Arc::new(Output::default());
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let reader = std::thread::spawn({
            let output = Arc::clone(&output);
            move || output.read(stdout)
        });
        Self {
            child,
            address: address.trim().to_owned(),
            stderr,
            output,
            reader: Some(reader),
            client: [false, true].map(|http2| {
                Client::builder(TokioExecutor::new())
                    .http2_only(http2)
                    .build_http()
            }),
        }
    }

    /// Sends requests `{name}-0` to `{name}-{count - 1}` at once: half of them over HTTP/1.1, half
    /// over HTTP/2. The user of the n-th is `u-{n % 10}`.
    pub fn send(&self, path: &str, name: &str, count: usize) -> JoinSet<StatusCode> {
        let mut requests = JoinSet::new();
        for number in 0..count {
            let uri = format!("http://{}/{path}/u-{}", self.address, number % 10);
            let request = Request::get(uri).header("x-request-id", format!("{name}-{number}"));
            let request = request.body(Body::empty()).expect("a request");
            let client = self.client[number % 2].clone();
            requests.spawn(exchange(client, request));
        }
        requests
    }

    pub async fn open_gate(&self) {
        let uri = format!("http://{}/gate", self.address);
        let request = Request::builder().method(Method::POST).uri(uri);
        let request = request.header("x-request-id", "gate");
        let request = request.body(Body::empty()).expect("a request");
        let status = exchange(self.client[0].clone(), request).await;
        assert_eq!(status, StatusCode::OK);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the service runs");
    }

    /// How many lines have been read: they were all written before now.
    pub fn read(&self) -> usize {
        self.output.lines.lock().unwrap().0.len()
    }

    /// Waits until `count` lines contain `text`.
    pub fn wait_for(&self, count: usize, text: &str) {
        let (mut looked_at, mut found) = (0, 0);
        let still = |(lines, ended): &mut (Vec<Vec<u8>>, bool)| {
            let new = lines[looked_at..].iter();
            found += new.filter(|line| contains(line, text)).count();
            looked_at = lines.len();
            found < count && !*ended
        };
        let lines = self.output.lines.lock().unwrap();
        let waited = self.output.more.wait_timeout_while(lines, NEVER, still);
        drop(waited.unwrap());
        assert!(
            found >= count,
            "{found} lines in place of {count} have {text}"
        );
    }

    /// Stops the service. Gives all its lines, each read strictly, and what it counted.
    pub fn stop(mut self) -> (Vec<Value>, Value) {
        self.signal(Signal::TERM);
        self.reader.take().expect("not yet joined").join().unwrap();
        let status = self.child.wait().expect("its status");
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("text");
        assert!(status.success(), "{status}: {said}");
        let stats = strict(said.trim_end().as_bytes());
        let raw = std::mem::take(&mut self.output.lines.lock().unwrap().0);
        let lines = raw.iter().map(|line| {
            let body = line.strip_suffix(b"\n").expect("every line ends");
            strict(body)
        });
        (lines.collect(), stats)
    }
}

impl Drop for Service {
    /// A failed test leaves no service behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn read(&self, mut stdout: impl BufRead) {
        loop {
            let mut line = Vec::new();
            let end = stdout.read_until(b'\n', &mut line).expect("readable") == 0;
            let mut lines = self.lines.lock().unwrap();
            if end {
                lines.1 = true;
            } else {
                lines.0.push(line);
            }
            self.more.notify_all();
            if end {
                return;
            }
        }
    }
}

fn contains(line: &[u8], text: &str) -> bool {
    line.windows(text.len()).any(|part| part == text.as_bytes())
}

async fn exchange(client: Client<HttpConnector, Body>, request: Request<Body>) -> StatusCode {
    let response = client.request(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(Body::new(response.into_body()), 1024).await;
    body.expect("all of the answer");
    status
}

//! A service of this process's own, in a fork: it starts with the environment as it is, says
//! something at each level, panics, and is sent its signals.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tracing_jsonl::{LevelHandle, Logging};

/// What is left of a service.
pub(super) struct Ended {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) said: Said,
}

/// What a service says of itself.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Said {
    /// The level in force at first, after the first signal, and after the second.
    pub(super) level: String,
    pub(super) raised: String,
    /// What the first signal should have led to.
    pub(super) expected: String,
    pub(super) reset: String,
    /// Whether there is a handler of signals.
    pub(super) is_handled: bool,
    pub(super) counts: [u64; 4],
}

/// Longer than anything in it takes on the busiest machine.
const SECONDS: u32 = 60;

/// `brief` says that what a signal sets may end before anybody sees it.
pub(super) fn run(debug_level: &str, brief: bool) -> Ended {
    let files = [file("stdout"), file("stderr"), file("said")];
    // SAFETY: the child calls nothing that another thread of this process could have locked: there
    // is none that logs, and the allocator looks after itself.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no fork");
    if child == 0 {
        let ended = catch_unwind(AssertUnwindSafe(|| serve(&files, debug_level, brief)));
        // SAFETY: always; nothing of the parent's is to run at exit.
        unsafe { libc::_exit(if ended.is_ok() { 0 } else { 101 }) };
    }
    let mut status = 0;
    // SAFETY: the status is ours to write to.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {}
    let [stdout, stderr, said] = files.map(contents);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "the service ended with {status:#x}: {}",
        String::from_utf8_lossy(&stderr)
    );
    Ended {
        stdout,
        stderr,
        said: serde_json::from_slice(&said).expect("what the service says of itself"),
    }
}

/// A file without a name.
fn file(name: &str) -> File {
    let path = super::scratch().join(format!(".{name}"));
    let mut options = File::options();
    let file = options.read(true).append(true).create_new(true).open(&path);
    let file = file.expect("a scratch file");
    std::fs::remove_file(path).expect("the name of a scratch file");
    file
}

fn contents(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().expect("the beginning of a file");
    file.read_to_end(&mut bytes).expect("a file");
    bytes
}

fn serve([stdout, stderr, said]: &[File; 3], debug_level: &str, brief: bool) {
    // The fuzzer's own hook and handlers are no part of a service.
    let _ = std::panic::take_hook();
    for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGXFSZ, libc::SIGALRM] {
        // SAFETY: the default is no function of anybody's.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: the descriptors are open.
    unsafe {
        libc::alarm(SECONDS);
        libc::dup2(stdout.as_raw_fd(), 1);
        libc::dup2(stderr.as_raw_fd(), 2);
    }
    let logging = Logging::builder().from_env().init();
    {
        let _span =
            tracing::info_span!(target: "shop", "work", request_id = "r-1", step = 1).entered();
        tracing::error!(target: "shop", "at error");
        tracing::warn!(target: "shop", "at warn");
        tracing::info!(target: "shop", "at info");
        tracing::debug!(target: "shop", "at debug");
        tracing::trace!(target: "shop", "at trace");
        tracing::error!(target: "shop", text = "x".repeat(20_000), "long");
        log::error!(target: "shop", key = 7; "a record");
    }
    let _ = catch_unwind(|| panic!("no more tea"));

    let level = logging.level().current();
    let is_handled = is_handled(libc::SIGUSR1);
    let expected = after(&level, debug_level);
    let before = logging.stats().emitted;
    let told = |lines: u64| {
        let now = logging.stats();
        let settled = now.written + now.dropped + now.failed;
        settled == now.emitted && settled >= before + lines
    };
    let changes = u64::from(expected != level);
    let mut raised = level.clone();
    if is_handled {
        raise(libc::SIGUSR1);
        wait_until(|| told(changes) && (brief || logging.level().current() == expected));
        raised = logging.level().current();
        raise(libc::SIGUSR2);
        // By the second signal, or by the end of what the first set.
        wait_until(|| told(2 * changes) && logging.level().current() == level);
    }
    let stats = logging.stats();
    let says = Said {
        level,
        raised,
        expected,
        reset: logging.level().current(),
        is_handled,
        counts: [stats.emitted, stats.written, stats.dropped, stats.failed],
    };
    serde_json::to_writer(said, &says).expect("a file");
}

/// Not in the parent, whose threads no child has: what a change of `level` to `directives` leaves in force.
fn after(level: &str, directives: &str) -> String {
    let handle = LevelHandle::new(level).expect("what was in force");
    handle.set(directives).expect("what was accepted");
    handle.current()
}

fn is_handled(signal: i32) -> bool {
    // SAFETY: all zeros are an action, and nothing is changed.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action);
        action.sa_sigaction != libc::SIG_DFL
    }
}

fn raise(signal: i32) {
    // SAFETY: there is a handler.
    unsafe { libc::raise(signal) };
}

fn wait_until(is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "that took too long"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

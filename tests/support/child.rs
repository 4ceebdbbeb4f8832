//! Cases that need a process of their own: the test binary runs itself again, and the parent looks
//! at what a user would see of it.
//!
//! A binary with libtest's `main` has one `#[test] fn child()` that calls [`serve`]; libtest writes
//! to standard output itself, so the descriptor that the case shall have as its standard output
//! comes in as standard input, and takes its place before the case begins.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

#[path = "child/ended.rs"]
mod ended;
#[path = "child/inside.rs"]
mod inside;
#[path = "child/scratch.rs"]
mod scratch;

#[allow(unused_imports)]
pub use ended::{Ended, in_order, messages, numbers, read_slowly, said};
#[allow(unused_imports)]
pub use inside::{Case, is, scratch, serve, tell, tell_stats, three};
#[allow(unused_imports)]
pub use scratch::Scratch;

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CASE: &str = "CHILD_CASE";
const SCRATCH: &str = "CHILD_SCRATCH";
const SWAP: &str = "CHILD_STDOUT_IS_STDIN";

/// What no case takes longer than, on the slowest machine: past this it counts as hung.
const HUNG: Duration = Duration::from_secs(120);

const CLEARED: &[&str] = &[
    "LOG_LEVEL",
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
    "RUST_LOG",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
];

/// Waits for what will be so, or is a bug.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < HUNG / 2, "never came: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Where a child's standard output or error goes.
pub enum To {
    /// To the parent, which reads all of it at once.
    Pipe,
    /// `/dev/full`: each write fails with `ENOSPC`.
    Full,
    /// A pipe that nobody reads: each write fails with `EPIPE`.
    ClosedPipe,
    Descriptor(OwnedFd),
}

impl To {
    fn open(self) -> (OwnedFd, Option<File>) {
        match self {
            To::Pipe => {
                let (read, write) = pipe();
                (write, Some(read))
            }
            To::Full => {
                let full = OpenOptions::new().write(true).open("/dev/full");
                (full.unwrap().into(), None)
            }
            To::ClosedPipe => (pipe().1, None),
            To::Descriptor(descriptor) => (descriptor, None),
        }
    }
}

/// A pipe whose ends no other child inherits: reader, writer.
pub fn pipe() -> (File, OwnedFd) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (read.into(), write)
}

/// A child to be.
pub struct Child {
    command: Vec<OsString>,
    vars: Vec<(String, OsString)>,
    libtest: bool,
    shell: Option<&'static str>,
    stdout: To,
    stderr: To,
    scratch: Scratch,
}

impl Child {
    /// Of a binary with libtest's `main`.
    pub fn new(case: &str) -> Self {
        let mut child = Self::of_main(case);
        let args = ["child", "--exact", "--nocapture", "-q", "--test-threads=1"];
        child.command.extend(args.map(Into::into));
        child.libtest = true;
        child
    }

    /// Of a binary whose own `main` calls [`serve`].
    pub fn of_main(case: &str) -> Self {
        Self {
            command: vec![std::env::current_exe().unwrap().into()],
            // A busy machine shall not pass for a reader that has stopped.
            vars: vec![
                (CASE.to_owned(), case.into()),
                ("LOG_STALL".to_owned(), "60s".into()),
            ],
            libtest: false,
            shell: None,
            stdout: To::Pipe,
            stderr: To::Pipe,
            scratch: Scratch::new(),
        }
    }

    /// A test of libtest's, run as libtest runs it, its output captured.
    pub fn captured(test: &str) -> Self {
        let mut child = Self::of_main(test);
        child.command.extend([test, "--exact"].map(Into::into));
        child
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.vars.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn stdout(mut self, to: To) -> Self {
        self.stdout = to;
        self
    }

    pub fn stderr(mut self, to: To) -> Self {
        self.stderr = to;
        self
    }

    /// Runs `before` in a shell that then becomes the child, or redirects the child.
    pub fn shell(mut self, before: &'static str) -> Self {
        self.shell = Some(before);
        self
    }

    /// Puts another program in front, which runs the child.
    pub fn under(mut self, program: &[&str]) -> Self {
        let before = program.iter().map(Into::into);
        self.command.splice(0..0, before);
        self
    }

    /// Runs a program that runs the child in its own way.
    pub fn instead(mut self, program: &[&str]) -> Self {
        self.command = program.iter().map(Into::into).collect();
        self
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub fn start(self) -> Running {
        let mut command = if let Some(before) = self.shell {
            let mut shell = Command::new("sh");
            // A redirection goes with the `exec`, other commands before it.
            let script = match before.strip_prefix('>') {
                Some(_) => format!("exec \"$0\" \"$@\" {before}"),
                None => format!("{before}; exec \"$0\" \"$@\""),
            };
            shell.arg("-c").arg(script).args(&self.command);
            shell
        } else {
            let mut command = Command::new(&self.command[0]);
            command.args(&self.command[1..]);
            command
        };
        for name in CLEARED {
            command.env_remove(name);
        }
        command.envs(self.vars).env(SCRATCH, self.scratch.path());
        let (stdout, reader) = self.stdout.open();
        if self.libtest {
            command.env(SWAP, "1").stdin(stdout).stdout(Stdio::null());
        } else {
            command.stdin(Stdio::null()).stdout(stdout);
        }
        let (stderr, errors) = self.stderr.open();
        command.stderr(stderr);
        let process = command.spawn().unwrap();
        // With the command go the parent's copies of the child's ends.
        drop(command);
        Running {
            process,
            stdout: reader.map(read_all),
            stderr: errors.map(read_all),
            scratch: self.scratch,
        }
    }

    pub fn run(self) -> Ended {
        self.start().wait()
    }
}

fn read_all(mut from: File) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A child at work.
pub struct Running {
    process: std::process::Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    scratch: Scratch,
}

impl Running {
    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.process)
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Waits until the child has told `key`.
    #[track_caller]
    pub fn wait_for(&mut self, key: &str) {
        let wanted = format!("{{\"{key}\":");
        wait_until(key, || {
            let told = String::from_utf8(self.scratch.read("told")).unwrap();
            told.contains(&wanted) || self.process.try_wait().unwrap().is_some()
        });
    }

    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > HUNG {
                let _ = self.process.kill();
                let _ = self.process.wait();
                panic!("the child hung");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let read = |reader: Option<JoinHandle<Vec<u8>>>| {
            reader.map_or_else(Vec::new, |reader| reader.join().unwrap())
        };
        Ended {
            status,
            stdout: read(self.stdout.take()),
            stderr: String::from_utf8_lossy(&read(self.stderr.take())).into_owned(),
            scratch: self.scratch,
        }
    }
}

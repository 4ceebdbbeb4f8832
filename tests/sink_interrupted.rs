//! System calls that are interrupted, slow, refused, or fail now and then.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/child.rs"]
mod child;
mod sink_support;
mod support;

use child::{Child, Ended, To, in_order, numbers, pipe, read_slowly, tell, tell_stats};
use sink_support::{has, sorted};
use std::fs;
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use support::figures::holds;
use tracing::info;
use tracing_jsonl::init_json_logging;

#[test]
fn child() {
    child::serve(&[("storm", storm), ("twenty", twenty), ("eight", eight)]);
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Logs on a thread that is sent a signal each 200 microseconds. A timer's signals would go to the
/// main thread, which does not log here.
fn storm() {
    // SAFETY: all of it zero is an action without flags, so that calls are not restarted; the
    // handler does nothing but count.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        let done = libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut());
        assert_eq!(done, 0);
    }
    let logging = init_json_logging();
    let writer = thread::spawn(|| {
        let text = "a".repeat(3_000);
        for number in 0..5_000_u64 {
            info!(thread = 0, number, text, "an event");
        }
    });
    while !writer.is_finished() {
        // SAFETY: a thread that is not joined may be named, ended or not.
        unsafe { libc::pthread_kill(writer.as_pthread_t(), libc::SIGALRM) };
        thread::sleep(Duration::from_micros(200));
    }
    writer.join().unwrap();
    tell("signals", SIGNALS.load(Ordering::Relaxed));
    tell_stats(&logging);
}

#[test]
fn a_storm_of_signals_costs_no_line() {
    let (reader, writer) = pipe();
    let child = Child::new("storm").env("LOG_STALL", "60s");
    let running = child.stdout(To::Descriptor(writer)).start();
    let bytes = read_slowly(reader, 16 * 1024, Duration::from_micros(500));
    let ended = running.wait().ok();
    let lines = support::lines(&bytes);
    assert_eq!(in_order(&lines)[&0], (0..5_000).collect::<Vec<_>>());
    let signals = ended.told("signals").as_u64().unwrap();
    assert!(signals > 100, "only {signals} signals");
    let count = lines.len();
    assert_eq!(ended.stats(), [5_000, 5_000, 0, 0]);
    holds!(
        8,
        ended.stats(),
        "{signals} signals without SA_RESTART: {count} valid lines of 3 KB"
    );
}

/// Twenty lines, each of which a pipe and a file take at once.
fn twenty() {
    let logging = init_json_logging();
    for number in 0..20_u64 {
        info!(number, "an event");
    }
    tell_stats(&logging);
}

/// A line on each of eight threads, all at once.
fn eight() {
    let logging = init_json_logging();
    let threads = (0..8_u64).map(|number| thread::spawn(move || info!(number, "an event")));
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    tell_stats(&logging);
}

struct Traced {
    ended: Ended,
    /// The numbers of the lines that are whole.
    numbers: Vec<u64>,
    torn: usize,
    /// How many calls `strace` made go wrong.
    injected: usize,
}

/// Runs a case with `fault` injected into the calls that write to `to`: a pipe, or a file with
/// what stands in it.
fn with_fault(case: &str, fault: &str, to: &Output) -> Traced {
    let child = Child::new(case).env("LOG_STALL", "");
    let path = child.scratch().join("log.jsonl");
    let trace = child.scratch().join("trace");
    let [path, trace] = [&path, &trace].map(|path| path.to_str().unwrap().to_owned());
    let mut strace = vec!["strace", "-f", "-o", &trace];
    let call = match to {
        Output::Pipe => "pwritev2",
        Output::File(_) => "write",
    };
    let inject = format!("inject={call}:{fault}");
    strace.extend(["-e", &inject]);
    let child = match to {
        Output::Pipe => child,
        Output::File(before) => {
            fs::write(&path, before).unwrap();
            strace.extend(["-P", &path]);
            child.env("LOG_OUTPUT", &path)
        }
    };
    let ended = child.under(&strace).run().ok();
    let bytes = match to {
        Output::Pipe => ended.stdout.clone(),
        Output::File(_) => fs::read(&path).unwrap(),
    };
    let (lines, torn) = sorted(&bytes);
    let trace = fs::read_to_string(&trace).unwrap();
    Traced {
        numbers: numbers(&lines),
        torn,
        injected: trace.matches("(INJECTED)").count(),
        ended,
    }
}

enum Output {
    Pipe,
    File(&'static str),
}

const OUTPUTS: [Output; 2] = [Output::Pipe, Output::File("")];

fn has_strace() -> bool {
    has("strace", &["-o", "/dev/null", "true"])
}

#[test]
fn a_call_that_is_interrupted_is_made_again() {
    if !has_strace() {
        return;
    }
    for to in OUTPUTS {
        let traced = with_fault("twenty", "error=EINTR:when=1+2", &to);
        assert_eq!(traced.ended.stats(), [20, 20, 0, 0]);
        assert_eq!(traced.numbers, (0..20).collect::<Vec<_>>());
        assert_eq!((traced.torn, traced.injected), (0, 20));
    }
}

#[test]
fn a_call_that_is_interrupted_after_a_torn_line_still_parts_the_two() {
    if !has_strace() {
        return;
    }
    let torn = Output::File("{\"timestamp\":\"2026-11-23T14:26");
    let traced = with_fault("twenty", "error=EINTR:when=1", &torn);
    assert_eq!(traced.ended.stats(), [20, 20, 0, 0]);
    assert_eq!(traced.numbers, (0..20).collect::<Vec<_>>());
    assert_eq!((traced.torn, traced.injected), (1, 1));
}

#[test]
fn a_call_that_fails_costs_its_line_and_no_other() {
    if !has_strace() {
        return;
    }
    for error in ["ENOSPC", "EIO", "EDQUOT", "EBADF"] {
        for to in OUTPUTS {
            let traced = with_fault("twenty", &format!("error={error}:when=3+4"), &to);
            assert_eq!(traced.ended.stats(), [20, 15, 0, 5], "{error}");
            let others = (0..20).filter(|number| number % 4 != 2);
            assert_eq!(traced.numbers, others.collect::<Vec<_>>(), "{error}");
            assert_eq!((traced.torn, traced.injected), (0, 5), "{error}");
        }
    }
}

#[test]
fn a_call_without_room_now_and_then_is_made_again() {
    if !has_strace() {
        return;
    }
    let traced = with_fault("twenty", "error=EAGAIN:when=3+4", &Output::Pipe);
    assert_eq!(traced.ended.stats(), [20, 20, 0, 0]);
    assert_eq!(traced.numbers, (0..20).collect::<Vec<_>>());
    assert!(traced.injected >= 5);
}

#[test]
fn a_call_that_the_system_does_not_have_is_done_without() {
    if !has_strace() {
        return;
    }
    // An old kernel; a container's kernel; a container's filter of system calls.
    for error in ["ENOSYS", "EOPNOTSUPP", "EINVAL", "EPERM"] {
        let traced = with_fault("twenty", &format!("error={error}"), &Output::Pipe);
        assert_eq!(traced.ended.stats(), [20, 20, 0, 0], "{error}");
        assert_eq!(traced.numbers, (0..20).collect::<Vec<_>>(), "{error}");
        assert!(traced.injected > 0);
    }
}

#[test]
fn a_slow_disk_costs_no_line_however_long_threads_wait_for_their_turn() {
    if !has_strace() {
        return;
    }
    // The last thread waits for two seconds: longer than a stall, were this one.
    let mut traced = with_fault("eight", "delay_enter=300000", &Output::File(""));
    assert_eq!(traced.ended.stats(), [8, 8, 0, 0]);
    traced.numbers.sort_unstable();
    assert_eq!(traced.numbers, (0..8).collect::<Vec<_>>());
}

//! Ending: when a log call returns, its line is in the kernel.

use crate::child::{Child, To, in_order, pipe, said, scratch, tell_stats};
use crate::support::{self, figures::holds};
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;
use tracing::info;
use tracing_jsonl::init_json_logging;

const COUNT: u64 = 5_000;

fn events() {
    let _logging = init_json_logging();
    for number in 0..COUNT {
        info!(number, "an event");
    }
}

pub(crate) fn exits() {
    events();
    std::process::exit(42);
}

pub(crate) fn aborts() {
    events();
    std::process::abort();
}

pub(crate) fn returns() {
    events();
}

fn assert_all(stdout: &[u8]) {
    let lines = support::lines(stdout);
    assert_eq!(lines.len() as u64, COUNT);
    assert_eq!(lines[lines.len() - 1]["fields"]["number"], COUNT - 1);
}

pub(crate) fn every_line_arrives_before_exit() {
    let ended = Child::of_main("exits").run();
    assert_eq!(ended.status.code(), Some(42));
    assert_all(&ended.stdout);
}

pub(crate) fn every_line_arrives_before_abort() {
    let ended = Child::of_main("aborts").run();
    assert!(ended.status.signal().is_some(), "{}", ended.status);
    assert_all(&ended.stdout);
}

pub(crate) fn every_line_arrives_before_main_returns() {
    assert_all(&Child::of_main("returns").run().ok().stdout);
}

/// Writes down after each log call that it has returned, where `kill -9` cannot undo it.
pub(crate) fn acknowledges() {
    let _logging = init_json_logging();
    let threads = (0..2_u64).map(|thread| {
        thread::spawn(move || {
            let counter = File::create(scratch().join(format!("counter-{thread}"))).unwrap();
            for number in 1_u64.. {
                info!(thread, number, "an event");
                counter.write_all_at(&number.to_le_bytes(), 0).unwrap();
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// What a round of `kill -9` left: acknowledged events, those of them that are there, and whether
/// the last line is torn.
fn kill_9(after: Duration) -> (u64, u64, bool) {
    let (mut reader, writer) = pipe();
    let child = Child::of_main("acknowledges").env("LOG_STALL", "60s");
    let running = child.stdout(To::Descriptor(writer)).start();
    let reading = thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let counters = [0, 1].map(|thread| running.scratch().join(format!("counter-{thread}")));
    crate::child::wait_until("both threads", || {
        counters
            .iter()
            .all(|path| fs::metadata(path).is_ok_and(|file| file.len() == 8))
    });
    thread::sleep(after);
    rustix::process::kill_process(running.id(), rustix::process::Signal::KILL).unwrap();
    let ended = running.wait();
    assert_eq!(ended.status.signal(), Some(9));
    let bytes = reading.join().unwrap();

    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = whole.map_or(0, |end| end + 1);
    // Each but the last is read strictly.
    let lines = support::lines(&bytes[..whole]);
    let mut found = in_order(&lines);
    let (mut acknowledged, mut there) = (0, 0);
    for thread in 0..2_u64 {
        let counted = ended.scratch.read(&format!("counter-{thread}"));
        let counted = u64::from_le_bytes(counted.try_into().unwrap());
        acknowledged += counted;
        let numbers = found.remove(&thread).unwrap();
        assert!(
            numbers
                .iter()
                .zip(1..)
                .all(|(found, number)| *found == number)
        );
        there += counted.min(numbers.len() as u64);
    }
    (acknowledged, there, whole < bytes.len())
}

pub(crate) fn kill_9_takes_no_line_that_was_acknowledged() {
    let runs = if std::env::var_os("LONG").is_some() {
        100
    } else {
        20
    };
    let rounds = (0..runs).map(|run| kill_9(Duration::from_millis(5 + run * 7 % 30)));
    let (mut acknowledged, mut there, mut torn) = (0, 0, 0);
    for round in rounds {
        acknowledged += round.0;
        there += round.1;
        torn += u64::from(round.2);
    }
    assert_eq!(acknowledged - there, 0, "missing of {acknowledged}");
    // Of the killed nobody can ask how they counted: an event is one whose log call returned.
    holds!(
        12,
        [acknowledged, there, 0, 0],
        "{runs} kill -9: {acknowledged} acknowledged, {} missing, {torn} torn (1 per run at most)",
        acknowledged - there
    );
}

struct LogsOnDrop(&'static str);

impl Drop for LogsOnDrop {
    fn drop(&mut self) {
        info!(value = self.0, number = 1, "dropped");
        log::info!("dropped as a record");
        info!(debug = ?vec![Some(self.0)], json = tracing_jsonl::json(&[1, 2]), "dropped again");
    }
}

macro_rules! ten_values {
    ($($name:ident)*) => {
        thread_local! {
            $(static $name: RefCell<Option<LogsOnDrop>> = const { RefCell::new(None) };)*
        }

        fn fill() {
            $($name.with(|value| *value.borrow_mut() = Some(LogsOnDrop(stringify!($name))));)*
        }
    };
}

ten_values!(A B C D E F G H I J);

/// Thread-locals made before the first line on their thread, and after it.
pub(crate) fn destructors() {
    let logging = init_json_logging();
    thread::spawn(|| {
        fill();
        info!("first line");
    })
    .join()
    .unwrap();
    thread::spawn(|| {
        info!("first line");
        fill();
    })
    .join()
    .unwrap();
    // Nothing was logged on this one, nor will be before the destructors.
    thread::spawn(fill).join().unwrap();
    // A span is entered when the thread ends.
    thread::spawn(|| {
        fill();
        let span = tracing::info_span!("request", request_id = "r-1");
        let entered = span.enter();
        info!("first line");
        std::mem::forget(entered);
    })
    .join()
    .unwrap();
    tell_stats(&logging);
}

pub(crate) fn destructors_of_thread_locals_may_log() {
    let ended = Child::of_main("destructors").run().ok();
    let lines = ended.lines();
    let dropped = ["dropped", "dropped as a record", "dropped again"];
    let found = dropped.map(|message| said(&lines, message).len());
    assert_eq!(found, [40; 3]);
    assert_eq!(said(&lines, "first line").len(), 3);
    assert_eq!(ended.stats(), [123, 123, 0, 0]);
    assert_eq!(ended.stderr, "");
    holds!(
        27,
        ended.stats(),
        "10 values on each of 4 threads: {} lines from their destructors, exit 0",
        found.iter().sum::<usize>()
    );
}

pub(crate) fn a_terminal_takes_every_line() {
    let there = std::process::Command::new("script")
        .arg("--version")
        .output();
    if !there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        println!("skipped: there is no script(1) to make a terminal");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let command = [
        "script",
        "-q",
        "-e",
        "-c",
        program.to_str().unwrap(),
        "/dev/null",
    ];
    let ended = Child::of_main("returns")
        .env("LOG_STALL", "60s")
        .instead(&command)
        .run()
        .ok();
    // A terminal makes two characters of a newline.
    let text = String::from_utf8(ended.stdout)
        .unwrap()
        .replace("\r\n", "\n");
    assert_all(text.as_bytes());
}

//! Runs the same cases under tracing-jsonl and its peers, each in a process of its own, and prints
//! the table of the README.
//!
//! ```text
//! cargo run --manifest-path tests/peers/Cargo.toml                # the table
//! cargo run --manifest-path tests/peers/Cargo.toml -- README.md   # is it the README's?
//! ```

mod cases;
#[path = "../../support/strict.rs"]
mod strict;

use cases::{CASES, Case};
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The peers, by the name that the table gives them, with the defaults that their users get.
const PEERS: [&str; 3] = [
    "tracing-jsonl",
    "tracing-subscriber `fmt().json()`",
    "json-subscriber",
];

fn install(peer: &str) {
    match peer {
        "tracing-jsonl" => {
            // Without the line that our hook writes for a panic of the program's own.
            let panics = tracing_jsonl::Panics::Off;
            let _ = tracing_jsonl::Logging::builder()
                .from_env()
                .panics(panics)
                .init();
        }
        "json-subscriber" => json_subscriber::fmt().with_max_level(level()).init(),
        _ => tracing_subscriber::fmt()
            .json()
            .with_max_level(level())
            .init(),
    }
}

fn level() -> tracing_subscriber::filter::LevelFilter {
    let level = std::env::var("LOG_LEVEL").unwrap_or_default();
    level
        .parse()
        .unwrap_or(tracing_subscriber::filter::LevelFilter::INFO)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [peer, case] = &arguments[..] {
        install(peer);
        if let Some(case) = CASES.iter().find(|one| one.name == case) {
            (case.run)();
        }
        return ExitCode::SUCCESS;
    }
    let table = table();
    print!("{table}");
    let Some(path) = arguments.first() else {
        return ExitCode::SUCCESS;
    };
    match std::fs::read_to_string(path) {
        Ok(readme) if readme.contains(&table) => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("{path} has another table");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn table() -> String {
    let mut table = format!("| | {} |\n|---|---|---|---|\n", PEERS.join(" | "));
    for case in CASES {
        let cells = PEERS.map(|peer| outcome(peer, case));
        table.push_str(&format!("| {} | {} |\n", case.name, cells.join(" | ")));
    }
    table
}

/// What the case showed: `yes`, or what went wrong.
fn outcome(peer: &str, case: &Case) -> String {
    let Ok(program) = std::env::current_exe() else {
        return "not run".to_owned();
    };
    let child = Command::new(program)
        .args([peer, case.name])
        .env("LOG_LEVEL", case.level)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return "not run".to_owned();
    };
    let Some(mut stdout) = child.stdout.take() else {
        return "not run".to_owned();
    };
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let end = Instant::now() + Duration::from_secs(10);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let bytes = reader.join().unwrap_or_default();
    match status {
        None => "**hangs**".to_owned(),
        Some(status) if !status.success() => "**panics**".to_owned(),
        Some(_) => (case.read)(&bytes).unwrap_or_else(|problem| problem.to_owned()),
    }
}

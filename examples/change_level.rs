//! A service whose level changes while it runs. Start it, and note the pid it prints:
//!
//! ```text
//! cargo run --example change_level
//! ```
//!
//! Then type in another terminal
//!
//! ```text
//! kill -USR1 PID    # debug lines appear, for ten minutes at most
//! kill -USR2 PID    # back to the configured level
//! kill PID          # the end
//! ```
//!
//! Each change is a line of its own:
//!
//! ```json
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"log level changed","target":"tracing_jsonl","fields":{"from":"info","to":"debug","by":"signal","until":"2026-11-23T14:36:46.123456Z"}}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"log level changed","target":"tracing_jsonl","fields":{"from":"debug","to":"info","by":"signal"}}
//! ```
//!
//! `-- 5` ends it after five seconds. `-- --set-for` makes it log warnings and errors only for its
//! first second.

use std::time::{Duration, Instant};
use tracing::{debug, error, info, trace, warn};

#[allow(clippy::print_stderr)] // the pid is for whoever watches, not for the log
fn main() -> Result<(), tracing_jsonl::DirectiveError> {
    let logging = tracing_jsonl::init_json_logging();
    eprintln!("pid {}", std::process::id());

    let mut end = None;
    for argument in std::env::args().skip(1) {
        if argument == "--set-for" {
            // The same from code; a service would do so in its admin handler.
            logging.level().set_for("warn", Duration::from_secs(1))?;
        } else if let Ok(seconds) = argument.parse() {
            end = Instant::now().checked_add(Duration::from_secs(seconds));
        }
    }

    let mut round = 0;
    while end.is_none_or(|end| Instant::now() < end) {
        round += 1;
        error!(round, "an error");
        warn!(round, "a warning");
        info!(round, "an information");
        debug!(round, "a detail");
        trace!(round, "a finer detail");
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

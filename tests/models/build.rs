//! Copies the sources that are modelled, with the checkers' primitives in place of the standard
//! library's, and once more for each line of `weakened.rs`. A piece of text that is not found
//! stops the build: what is checked is what the crate has today.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "weakened.rs"]
mod weakened;

type Swaps = &'static [(&'static str, &'static str)];

const TURN: Swaps = &[
    ("use std::sync::atomic::", "use loom::sync::atomic::"),
    ("use std::thread;", "use crate::turn::stand_in::thread;"),
    ("use std::time::{", "use crate::turn::stand_in::{"),
    ("std::hint::spin_loop()", "crate::turn::stand_in::hint()"),
    ("std::process::id()", "crate::turn::stand_in::process::id()"),
    // Neither is possible with loom's atomics.
    ("const fn new", "fn new"),
    (
        "static TICKETS: AtomicU32 = AtomicU32::new(0);",
        "loom::lazy_static! { static ref TICKETS: AtomicU32 = AtomicU32::new(0); }",
    ),
    // One of each hint stands for 64, which tell the checker nothing more.
    ("0..64 =>", "0..2 =>"),
    ("64..128 =>", "2..3 =>"),
    ("attempt - 128", "attempt - 3"),
];

const LEVEL: Swaps = &[
    (" arc_swap::", " crate::stand_in::arc_swap::"),
    ("use std::sync::atomic::", "use shuttle::sync::atomic::"),
    ("use std::sync::{", "use crate::stand_in::sync::{"),
    ("use tracing_core::", "use crate::stand_in::tracing_core::"),
    ("\"level/no_signal.rs\"", "\"no_signal.rs\""),
];

const CHANGE: Swaps = &[
    ("use std::sync::atomic::", "use shuttle::sync::atomic::"),
    ("use std::sync::{", "use crate::stand_in::sync::{"),
    ("use std::time::{", "use crate::stand_in::time::{"),
    ("use tracing_core::", "use crate::stand_in::tracing_core::"),
    (" log::", " crate::stand_in::log::"),
    (
        "static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());",
        "shuttle::lazy_static! { static ref ONE_AT_A_TIME: Mutex<()> = Mutex::new(()); }",
    ),
    ("thread_local!", "shuttle::thread_local!"),
    ("TELLING.get()", "TELLING.with(Cell::get)"),
    ("TELLING.set(true)", "TELLING.with(|it| it.set(true))"),
    ("TELLING.set(false)", "TELLING.with(|it| it.set(false))"),
];

/// Its two statics become one `lazy_static!`.
const TIMER: Swaps = &[
    ("use std::sync::{", "use crate::stand_in::sync::{"),
    ("use std::thread;", "use crate::stand_in::thread;"),
    ("use std::time::", "use crate::stand_in::time::"),
    (
        "static TIMER: Mutex<Timer> = Mutex::new(",
        "shuttle::lazy_static! { static ref TIMER: Mutex<Timer> = Mutex::new(",
    ),
    (
        "static CHANGED: Condvar = Condvar::new();",
        "static ref CHANGED: Condvar = Condvar::new(); }",
    ),
];

/// What is read below the crate's `src`, and what is made of it.
const SOURCES: &[(&str, &str, Swaps)] = &[
    ("sink/turn.rs", "turn.rs", TURN),
    ("level.rs", "level/mod.rs", LEVEL),
    ("level/change.rs", "level/change.rs", CHANGE),
    ("level/timer.rs", "level/timer.rs", TIMER),
    ("level/no_signal.rs", "level/no_signal.rs", &[]),
];

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo says where this is");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    let (here, out) = (Path::new(&here), Path::new(&out));
    for changed in ["build.rs", "weakened.rs", "src/inside", "../../src"] {
        println!("cargo::rerun-if-changed={changed}");
    }

    let mut variants = variant(here, &out.join("real"), None);
    for weakened in weakened::WEAKENED {
        variants += &variant(here, &out.join(weakened.0), Some(weakened));
    }
    write(&out.join("variants.rs"), &variants);
}

/// Writes the sources, the weakened one changed; the text that declares them as modules.
fn variant(here: &Path, out: &Path, weakened: Option<&weakened::Weakened>) -> String {
    let name = out.file_name().and_then(|name| name.to_str());
    let name = name.expect("a variant has a name");
    let is_turn = |path: &str| path == "sink/turn.rs";
    let mut modules = String::new();
    for (from, to, swaps) in SOURCES {
        if weakened.is_some_and(|(_, weakened, ..)| is_turn(weakened) != is_turn(from)) {
            continue;
        }
        let mut text = read(&here.join("../../src").join(from));
        if let Some((_, path, strong, weak)) = weakened
            && path == from
        {
            assert_eq!(text.matches(strong).count(), 1, "{from}: {strong}");
            text = text.replace(strong, weak);
        }
        for (theirs, ours) in *swaps {
            // A weakening may have taken what would be replaced.
            let found = weakened.is_some() || text.contains(theirs);
            assert!(found, "{from} has no {theirs}");
            text = text.replace(theirs, ours);
        }
        for unseen in [
            "std::sync",
            "std::thread",
            "std::time",
            "std::process",
            "std::hint",
        ] {
            let rest = text.replace("std::time::Duration", "");
            assert!(!rest.contains(unseen), "{from}: no checker sees {unseen}");
        }
        let level = format!("crate::variants::{name}::level::");
        let text = text.replace("crate::level::", &level);
        write(&out.join(to), &text);
        if ["turn.rs", "level/mod.rs"].contains(to) {
            let path = out.join(to);
            let path = path.display();
            let module = to.trim_end_matches(".rs").trim_end_matches("/mod");
            let _ = writeln!(modules, "#[path = r\"{path}\"] pub(crate) mod {module};");
        }
    }
    for inside in ["directives.rs", "filter.rs"] {
        let text = read(&here.join("src/inside").join(inside));
        write(&out.join("level").join(inside), &text);
    }
    format!("pub(crate) mod {name} {{ {modules} }}\n")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    let directory = path.parent().expect("a file is in a directory");
    fs::create_dir_all(directory).expect("the directory can be made");
    fs::write(path, text).expect("the copy can be written");
}

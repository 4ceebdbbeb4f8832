#![no_main]

use libfuzzer_sys::fuzz_target;
use tracing_jsonl_fuzz::events::{self, Program};

fuzz_target!(|program: Program| events::run(&program));

//! The targets without a fuzzer: over what is committed, and over inputs that look random and are
//! the same each time. Stable Rust, no arguments: `cargo test --no-default-features`.

use arbitrary::{Arbitrary, Unstructured};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tracing_jsonl_fuzz::{directives, environment, events};

/// How many inputs each target is given besides the committed ones; `SMOKE_RUNS` asks for more.
const RUNS: usize = 4000;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        // Also a panic that the crate would catch and count: the input asks for none of those that
        // come here.
        eprintln!("{info}");
        std::process::exit(101);
    }));
    let asked = std::env::var("SMOKE_RUNS").ok();
    let runs = asked.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    // First, while this process has one thread and no subscriber: each fork is a service.
    smoke("environment", runs / 4, environment::run_with);
    smoke("directives", runs, |input, _| directives::run(input));
    smoke("events", runs, |input, _| {
        if let Ok(program) = events::Program::arbitrary_take_rest(Unstructured::new(input)) {
            events::run(&program);
        }
    });
    ExitCode::SUCCESS
}

fn smoke(target: &str, runs: usize, run: impl Fn(&[u8], bool)) {
    let start = Instant::now();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = Vec::new();
    for directory in ["seeds", "regressions"] {
        inputs.extend(files(&here.join(directory).join(target)));
    }
    let committed = inputs.len();
    assert!(committed > 0, "no seeds for {target}");
    for path in &inputs {
        println!("{target}: {}", path.display());
        run(&fs::read(path).expect("a seed"), true);
    }
    // By turns what is known to lead somewhere, mixed and changed, and just anything.
    let seeds: Vec<Vec<u8>> = inputs
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for index in 0..runs {
        let input = if index % 2 == 0 {
            random.mixed(&seeds)
        } else {
            random.bytes()
        };
        run(&input, false);
    }
    let took = start.elapsed();
    println!("{target}: {committed} committed inputs and {runs} others in {took:.1?}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files
}

/// Xorshift: all that is asked of it is to be the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(1500);
        (0..length).map(|_| self.byte()).collect()
    }

    fn mixed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = Vec::new();
        for _ in 0..=self.below(3) {
            let seed = &seeds[self.below(seeds.len())];
            let start = self.below(seed.len());
            let end = start + self.below(seed.len() - start + 1);
            input.extend_from_slice(&seed[start..end]);
            for _ in 0..self.below(8) {
                input.push(self.byte());
            }
        }
        for _ in 0..self.below(6) {
            let at = self.below(input.len());
            let other = self.byte();
            if let Some(byte) = input.get_mut(at) {
                *byte = other;
            }
        }
        input
    }
}

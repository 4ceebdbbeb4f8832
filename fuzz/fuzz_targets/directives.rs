#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tracing_jsonl_fuzz::directives::run(input));

//! The shortest real program.
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! prints, with the time of day in place of this one:
//!
//! ```json
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"quickstart","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order_id":17}}
//! ```

fn main() {
    let _logging = tracing_jsonl::init_json_logging();
    tracing::info!(
        request_id = "r-7",
        user_id = 42,
        order_id = 17,
        "order placed"
    );
}

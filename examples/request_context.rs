//! Identifiers follow a request through tasks and functions that know nothing of them.
//!
//! ```text
//! cargo run --example request_context
//! ```
//!
//! prints, with the time of day in place of this one:
//!
//! ```json
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"request received","target":"request_context","metadata":{"request_id":"r-7"},"spans":[{"name":"request"}]}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"user authenticated","target":"request_context","metadata":{"request_id":"r-7","user_id":"42"},"spans":[{"name":"request"}]}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"items reserved","target":"request_context","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"items":2},"spans":[{"name":"request"},{"name":"reserve","order_id":17}]}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"card charged","target":"request_context","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"amount":4.5},"spans":[{"name":"request"},{"name":"payment","method":"card"}]}
//! {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"order placed","target":"request_context","metadata":{"request_id":"r-7","user_id":"42"},"fields":{"order":{"id":17,"items":["tea","milk"]}},"spans":[{"name":"request"}]}
//! ```

use serde::Serialize;
use tokio::task::JoinError;
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span, instrument};
use tracing_jsonl::json;

#[derive(Debug, Serialize)]
struct Order {
    id: u32,
    items: Vec<&'static str>,
}

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let _logging = tracing_jsonl::init_json_logging();
    // The ids belong on the outermost span. One that is not known yet is declared as `Empty`.
    let request = info_span!("request", request_id = "r-7", user_id = Empty);
    handle().instrument(request).await
}

async fn handle() -> Result<(), JoinError> {
    info!("request received");

    // From here on every line of this request has a `user_id`, wherever it is logged.
    Span::current().record("user_id", authenticate().await);
    info!("user authenticated");

    let order = Order {
        id: 17,
        items: vec!["tea", "milk"],
    };
    reserve(&order);

    // A task starts outside all spans. This one is given a span, whose parent is the current one.
    let payment = info_span!("payment", method = "card");
    tokio::spawn(pay(4.5).instrument(payment)).await?;

    info!(order = json(&order), "order placed");
    Ok(())
}

async fn authenticate() -> u32 {
    tokio::task::yield_now().await;
    42
}

/// The attribute opens a span for each call; what it is not told to skip becomes a field.
#[instrument(skip(order), fields(order_id = order.id))]
fn reserve(order: &Order) {
    info!(items = order.items.len(), "items reserved");
}

async fn pay(amount: f64) {
    tokio::task::yield_now().await;
    info!(amount, "card charged");
}

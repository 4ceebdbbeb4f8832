//! A small shop behind axum and tower-http, logging as a real service does. The tests start it,
//! send it traffic and signals, and read its log.
//!
//! Handlers repeat in `seen` and `seen_user` what they know of their request. Neither name is an
//! identifier, so that the lines' `metadata` can be checked against them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower_http::trace::TraceLayer;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, error, info, info_span};

/// The tests count on it: besides the main thread, these are all that log.
const WORKERS: usize = 4;

fn main() {
    let logging = tracing_jsonl::init_json_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .expect("the runtime starts");
    runtime.block_on(serve());
    // No task can log any more once the runtime is gone.
    drop(runtime);
    let stats = logging.stats();
    eprintln!(
        "{}",
        json!({
            "emitted": stats.emitted,
            "written": stats.written,
            "dropped": stats.dropped,
            "failed": stats.failed,
            "fallbacks": stats.fallbacks,
            "truncated": stats.truncated,
        })
    );
}

#[derive(Clone)]
struct Shop {
    address: SocketAddr,
    client: Client<HttpConnector, Body>,
    gate: watch::Sender<()>,
}

async fn serve() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let shop = Shop {
        address,
        client: Client::builder(TokioExecutor::new()).build_http(),
        gate: watch::Sender::new(()),
    };
    let router = Router::new()
        .route("/order/{user}", get(order))
        .route("/price", get(price))
        .route("/fail/{user}", get(fail))
        .route("/held/{user}", get(held))
        .route("/gate", post(open_gate))
        .layer(
            TraceLayer::new_for_http().make_span_with(|request: &Request| {
                let id = request_id(request.headers());
                // `tag` stays in the span, and tells whose line a dependency's is.
                info_span!("request", request_id = id, user_id = Empty, tag = id)
            }),
        )
        .with_state(shop);
    eprintln!("{address}");
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
        .expect("the server runs");
}

fn request_id(headers: &axum::http::HeaderMap) -> &str {
    let id = headers.get("x-request-id").map(|id| id.to_str());
    id.and_then(Result::ok).unwrap_or("none")
}

/// The id as the handler sees it: from the request itself, not from the span.
struct Seen(String);

impl<S: Sync> FromRequestParts<S> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request_id(&parts.headers).to_owned()))
    }
}

/// Four lines at info and three at debug, from this task, another one and the `log` crate.
async fn order(State(shop): State<Shop>, Path(user): Path<String>, Seen(seen): Seen) -> String {
    info!(seen, "order received");
    debug!(seen, "reading the user");
    tokio::task::yield_now().await;
    Span::current().record("user_id", &user);
    log::info!(seen = seen.as_str(), seen_user = user.as_str(); "user authenticated");

    let price = shop.price(&seen).await;
    let span = info_span!("charge", price);
    let charge = tokio::spawn(charge(seen.clone(), user.clone()).instrument(span));
    charge.await.expect("the charge does not panic");

    info!(seen, seen_user = user, "order placed");
    debug!(seen, seen_user = user, "order stored");
    price
}

async fn charge(seen: String, seen_user: String) {
    debug!(seen, seen_user, "charging");
    tokio::task::yield_now().await;
    info!(seen, seen_user, "charged");
}

impl Shop {
    /// Asks this same service, so that an HTTP client logs inside requests too.
    async fn price(&self, seen: &str) -> String {
        let request = Request::get(format!("http://{}/price", self.address))
            .header("x-request-id", format!("{seen}.price"))
            .body(Body::empty())
            .expect("a request");
        let response = self.client.request(request).await.expect("an answer");
        let body = to_bytes(Body::new(response.into_body()), 1024).await;
        String::from_utf8(body.expect("a body").to_vec()).expect("text")
    }
}

async fn price(Seen(seen): Seen) -> &'static str {
    info!(seen, "price asked");
    "4.50"
}

async fn fail(Path(user): Path<String>, Seen(seen): Seen) -> StatusCode {
    info!(seen, "not at warn");
    Span::current().record("user_id", &user);
    error!(seen, seen_user = user, "payment refused");
    log::error!(seen = seen.as_str(), seen_user = user.as_str(); "order lost");
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Stays in flight until the gate is opened.
async fn held(State(shop): State<Shop>, Path(user): Path<String>, Seen(seen): Seen) {
    let mut gate = shop.gate.subscribe();
    Span::current().record("user_id", &user);
    debug!(seen, seen_user = user, "before the gate");
    info!(seen, seen_user = user, "held");
    let _ = gate.changed().await;
    debug!(seen, seen_user = user, "behind the gate");
    info!(seen, seen_user = user, "released");
}

async fn open_gate(State(shop): State<Shop>) {
    shop.gate.send_replace(());
}

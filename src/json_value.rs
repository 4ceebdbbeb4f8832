//! `json(&value)`: any `Serialize` type as a field, nested as real JSON, on stable Rust.
//!
//! `tracing` hands a field to a subscriber as a `&dyn Debug`, from which nothing can be got but
//! text. So the value's `Debug` asks the writer it is given: it writes an empty string whose
//! address is a static of ours. Our writer answers by putting its terms in a thread-local, which
//! the very next instruction takes out: nothing of anybody else's runs in between, so a `Debug`
//! that logs through another layer cannot take the answer. Any other writer sees an empty string,
//! and then ordinary text.

mod serialize;
pub(crate) use serialize::not_finite;

use crate::encode::fields::Fields;
use crate::encode::guard::guarded;
use crate::metadata::Rules;
use serde::Serialize;
use std::cell::Cell;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// Records `value` as nested JSON.
///
/// Any `T: Serialize + Debug` will do, references included. Under a subscriber other than
/// [`JsonLayer`](crate::JsonLayer) the field is `value`'s debug format. A value that fails to
/// serialize, or panics, becomes `null`, and its debug format stands in `encode_errors`.
///
/// ```
/// use serde::Serialize;
///
/// #[derive(Debug, Serialize)]
/// struct Order { id: u32, items: Vec<&'static str> }
///
/// # mod doc { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc.rs")); }
/// # use doc::*;
/// # prints(r#"{"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"placed","target":"shop","fields":{"order":{"id":17,"items":["tea"]}}}"#, || {
/// let order = Order { id: 17, items: vec!["tea"] };
/// tracing::info!(target: "shop", order = tracing_jsonl::json(&order), "placed");
/// # });
/// ```
/// ```json
/// {"timestamp":"2026-11-23T14:26:46.123456Z","level":"info","message":"placed","target":"shop","fields":{"order":{"id":17,"items":["tea"]}}}
/// ```
pub fn json<T: Serialize + Debug>(value: T) -> impl tracing::Value {
    tracing::field::debug(Json(value))
}

struct Json<T>(T);

impl<T: Serialize + Debug> Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = hand_over(f, |terms| {
            guarded(|| serialize::encode(&self.0, &terms.rules))
                .unwrap_or_else(|message| Delivery::Failed(format!("panicked: {message}")))
        })?;
        if done { Ok(()) } else { self.0.fmt(f) }
    }
}

/// What a writer that accepts JSON tells a value that offers it.
pub(crate) struct Terms {
    pub(crate) rules: Arc<Rules>,
}

/// What the value gives back.
pub(crate) enum Delivery {
    Json(Encoded),
    Failed(String),
    /// No line has room for the value: the beginning of its JSON.
    TooLong(String),
    /// A `log` record's key-values: fields of the event, not one value.
    KeyValues(Fields),
}

/// A value as JSON.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Paths inside the value (`.ratio`, `[3]`) that hold `null` for a number JSON has no form of.
    pub(crate) not_finite: Vec<(String, &'static str)>,
}

/// Offers `make`'s delivery to the writer behind `f`. False if it wants text instead: it is not
/// ours, or the delivery was a failure.
pub(crate) fn hand_over(
    f: &mut fmt::Formatter<'_>,
    make: impl FnOnce(Terms) -> Delivery,
) -> Result<bool, fmt::Error> {
    f.write_str(signal(&OFFER))?;
    let Ok(Some(terms)) = ACCEPTED.try_with(Cell::take) else {
        return Ok(false);
    };
    let delivery = make(terms);
    let done = !matches!(delivery, Delivery::Failed(_));
    let _ = DELIVERED.try_with(|slot| slot.set(Some(delivery)));
    f.write_str(signal(&DELIVERY))?;
    Ok(done)
}

pub(crate) fn is_offer(text: &str) -> bool {
    std::ptr::eq(text.as_ptr(), signal(&OFFER).as_ptr())
}

pub(crate) fn is_delivery(text: &str) -> bool {
    std::ptr::eq(text.as_ptr(), signal(&DELIVERY).as_ptr())
}

pub(crate) fn accept(terms: Terms) {
    let _ = ACCEPTED.try_with(|slot| slot.set(Some(terms)));
}

/// Takes back terms that nobody picked up.
pub(crate) fn withdraw() {
    let _ = ACCEPTED.try_with(Cell::take);
}

pub(crate) fn collect() -> Option<Delivery> {
    DELIVERED.try_with(Cell::take).ok().flatten()
}

thread_local! {
    static ACCEPTED: Cell<Option<Terms>> = const { Cell::new(None) };
    static DELIVERED: Cell<Option<Delivery>> = const { Cell::new(None) };
}

static OFFER: [u8; 8] = *b"is json?";
static DELIVERY: [u8; 8] = *b"the json";

/// An empty string that points into the middle of `address`, where no other string can end.
fn signal(address: &'static [u8]) -> &'static str {
    std::str::from_utf8(&address[4..4]).unwrap_or_default()
}

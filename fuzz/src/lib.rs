//! What the fuzz targets run, and what they hold the crate to. Each is a function of its input, so
//! that the fuzzer, the smoke test and a debugger call the same.

pub mod directives;
pub mod environment;
pub mod events;

#[path = "../../tests/support/strict.rs"]
mod strict;

use std::any::Any;
use std::panic::resume_unwind;

/// A panic that the input asks for. It passes the panic hook by: a panic that reaches the hook was
/// nobody's plan, also where something catches it on its way.
fn planned_panic(payload: impl Any + Send) -> ! {
    resume_unwind(Box::new(payload))
}

//! Runs code that is not ours (a field's `Debug`, a `Serialize`, a writer) so that its panic ends
//! here, and keeps our own panic hook silent meanwhile.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is inside [`guarded`]: a panic now is data for a line, not a line itself.
pub(crate) fn is_guarded() -> bool {
    GUARDED.get() > 0
}

/// Runs `code`; a panic becomes its message.
pub(crate) fn guarded<R>(code: impl FnOnce() -> R) -> Result<R, String> {
    GUARDED.set(GUARDED.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(code));
    GUARDED.set(GUARDED.get().saturating_sub(1));
    result.map_err(panic_message)
}

/// The text of a panic's payload, which is consumed.
pub(crate) fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => {
                // A payload of another type may panic again when it is dropped: let it leak.
                std::mem::forget(payload);
                "(not text)".to_owned()
            }
        },
    }
}

//! One buffer per thread, taken for a line and given back whatever happens in between.

use crate::encode::Assembly;
use crate::encode::fields::Fields;
use crate::metadata::span::SpanNode;
use std::cell::Cell;
use std::sync::Arc;

/// Events inside the formatting of events, on one thread. A `Debug` that logs itself ends here
/// instead of overflowing the stack.
const MAX_DEPTH: u32 = 8;

/// A buffer that grew above this is given back to the allocator (tokio-rs/tracing#3489).
const KEPT: usize = 32 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) line: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) chain: Vec<Arc<SpanNode>>,
    pub(crate) assembly: Assembly,
}

thread_local! {
    static SPARE: Cell<Option<Box<Buffer>>> = const { Cell::new(None) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A buffer on loan. Dropping it, also while unwinding, clears it for the next line: leftovers of
/// a panic would be glued to that line.
pub(crate) struct Lease {
    /// `None` once it is given back.
    buffer: Option<Box<Buffer>>,
}

impl Lease {
    /// `None` when this thread is already formatting too many events inside each other.
    pub(crate) fn take() -> Option<Self> {
        let depth = DEPTH.get();
        if depth == MAX_DEPTH {
            return None;
        }
        DEPTH.set(depth + 1);
        // `try_with`: a destructor that runs after ours may still log (tokio-rs/tracing#3239).
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        Some(Self {
            buffer: Some(spare.unwrap_or_default()),
        })
    }

    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        self.buffer.get_or_insert_default()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
        let Some(mut buffer) = self.buffer.take() else {
            return;
        };
        buffer.line.clear();
        buffer.line.shrink_to(KEPT);
        buffer.chain.clear();
        buffer.chain.shrink_to(KEPT / size_of::<usize>());
        buffer.fields.clear();
        buffer.fields.shrink_above(KEPT);
        buffer.assembly.shrink_above(KEPT);
        let _ = SPARE.try_with(|spare| spare.set(Some(buffer)));
    }
}

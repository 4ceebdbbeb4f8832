//! Getting one whole line to any `MakeWriter`, whatever the writer does.

use crate::encode::guard::guarded;
use crate::stats::Counters;
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_core::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// A writer, and whether it stands in the middle of a line.
#[derive(Debug)]
pub(crate) struct Delivery<W> {
    make_writer: W,
    torn: AtomicBool,
}

thread_local! {
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

enum Lost {
    /// No room: by rule, not by fault.
    Dropped,
    Failed,
}

impl<W> Delivery<W>
where
    W: for<'a> MakeWriter<'a>,
{
    pub(crate) fn new(make_writer: W) -> Self {
        Self {
            make_writer,
            torn: AtomicBool::new(false),
        }
    }

    /// Writes one line and counts what became of it; true if it was written.
    ///
    /// `line` begins with a newline that is not part of it: it is written too when the line
    /// before was torn, so that one torn line does not spoil two.
    pub(crate) fn deliver(
        &self,
        metadata: Option<&Metadata<'_>>,
        line: &[u8],
        counters: &Counters,
    ) -> bool {
        // A writer that logs would come back to itself, and wait for its own lock.
        if DELIVERING.replace(true) {
            counters.dropped();
            return false;
        }
        // The panic hook stays silent in here for the same reason.
        let delivered = guarded(|| self.write(metadata, line));
        DELIVERING.set(false);
        match delivered {
            Ok(Ok(())) => {
                counters.written();
                return true;
            }
            Ok(Err(Lost::Dropped)) => counters.dropped(),
            Ok(Err(Lost::Failed)) | Err(_) => counters.failed(),
        }
        false
    }

    fn write(&self, metadata: Option<&Metadata<'_>>, line: &[u8]) -> Result<(), Lost> {
        let mut writer = match metadata {
            Some(metadata) => self.make_writer.make_writer_for(metadata),
            None => self.make_writer.make_writer(),
        };
        // Read under the writer's turn, where it has one.
        let torn = self.torn.load(Ordering::Relaxed);
        let bytes = if torn { line } else { &line[1..] };
        let mut progress = Progress {
            torn: &self.torn,
            written: 0,
            length: bytes.len(),
            newline: usize::from(torn),
        };
        while progress.written < bytes.len() {
            match writer.write(&bytes[progress.written..]) {
                Ok(0) => return Err(Lost::Failed),
                Ok(count) => progress.written += count.min(bytes.len() - progress.written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Lost::Dropped);
                }
                Err(_) => return Err(Lost::Failed),
            }
        }
        Ok(())
    }

    pub(crate) fn flush(&self) {
        // As above: a writer that logs would wait for its own lock.
        if DELIVERING.replace(true) {
            return;
        }
        // A stream that cannot be flushed (a pipe, a terminal) is no news (uber-go/zap#328).
        let _ = guarded(|| self.make_writer.make_writer().flush());
        DELIVERING.set(false);
    }
}

/// Notes, also while unwinding, whether a line was left half written.
struct Progress<'a> {
    torn: &'a AtomicBool,
    written: usize,
    length: usize,
    /// Leading bytes that end the torn line before, and belong to no line.
    newline: usize,
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.written == 0 {
            return;
        }
        let torn = self.written > self.newline && self.written < self.length;
        if torn || self.newline > 0 {
            self.torn.store(torn, Ordering::Relaxed);
        }
    }
}

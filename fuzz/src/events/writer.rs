//! A writer that fails as the program says, and knows what it was given.

use crate::planned_panic;
use arbitrary::Arbitrary;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// What goes wrong with one line.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Fault {
    None,
    /// So many bytes at a time.
    Short(u8),
    /// So many bytes, then an error.
    Fails(u16),
    WouldBlock(u16),
    Panics(u16),
    Zero(u16),
    Interrupted(u8),
    /// Claims more than it was given.
    Lies,
    Logs,
    PanicsBefore,
}

/// What the writer was given of one line.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    pub bytes: Vec<u8>,
    pub is_whole: bool,
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<Fault>,
    deliveries: Vec<Delivery>,
    made: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Faulty(Arc<Mutex<State>>);

impl Faulty {
    pub fn new(faults: &[Fault]) -> Self {
        Self(Arc::new(Mutex::new(State {
            faults: faults.to_vec(),
            ..State::default()
        })))
    }

    /// What came since the last call.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.lock().deliveries)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MakeWriter<'_> for Faulty {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        let fault = {
            let mut state = self.lock();
            state.made += 1;
            let made = state.made;
            state.deliveries.push(Delivery::default());
            state.faults.get(made - 1).copied().unwrap_or(Fault::None)
        };
        if let Fault::PanicsBefore = fault {
            planned_panic("no writer");
        }
        Line {
            writer: self.clone(),
            fault,
            calls: 0,
        }
    }
}

pub struct Line {
    writer: Faulty,
    fault: Fault,
    calls: u8,
}

impl Line {
    /// The fault struck before, or strikes after so many bytes.
    fn up_to(&mut self, bytes: &[u8], limit: u16) -> Option<usize> {
        self.calls = self.calls.saturating_add(1);
        if self.calls > 1 || limit == 0 {
            return None;
        }
        Some(self.take(bytes, limit.into()))
    }

    fn take(&mut self, bytes: &[u8], limit: usize) -> usize {
        let count = bytes.len().min(limit);
        let mut state = self.writer.lock();
        if let Some(delivery) = state.deliveries.last_mut() {
            delivery.bytes.extend_from_slice(&bytes[..count]);
            delivery.is_whole = count == bytes.len();
        }
        count
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match self.fault {
            Fault::Short(limit) => self.take(bytes, usize::from(limit).max(1)),
            Fault::Fails(limit) => self
                .up_to(bytes, limit)
                .ok_or_else(|| io::Error::other("the disk is full"))?,
            Fault::WouldBlock(limit) => self.up_to(bytes, limit).ok_or(ErrorKind::WouldBlock)?,
            Fault::Zero(limit) => self.up_to(bytes, limit).unwrap_or(0),
            Fault::Panics(limit) => match self.up_to(bytes, limit) {
                Some(taken) => taken,
                None => planned_panic(format!("after {limit} bytes")),
            },
            Fault::Interrupted(times) if self.calls < times => {
                self.calls += 1;
                return Err(ErrorKind::Interrupted.into());
            }
            Fault::Lies => {
                self.take(bytes, bytes.len());
                usize::MAX
            }
            Fault::Logs => {
                tracing::warn!("a line about the line");
                self.take(bytes, bytes.len())
            }
            Fault::None | Fault::PanicsBefore | Fault::Interrupted(_) => {
                self.take(bytes, bytes.len())
            }
        };
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

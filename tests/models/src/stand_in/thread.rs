//! `std::thread`, as far as the sources start threads.

use super::clock;
use std::io;

pub(crate) struct Builder;

impl Builder {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn name(self, _: String) -> Self {
        self
    }

    pub(crate) fn spawn(self, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        clock::add_helper();
        shuttle::thread::spawn(|| clock::help(run));
        Ok(())
    }
}

//! Where there are no admin signals, or they are not wanted.

use crate::level::LevelHandle;
use std::io;
use std::time::Duration;

pub(crate) struct Signals;

#[allow(clippy::unnecessary_wraps, clippy::unused_self)]
impl Signals {
    pub(crate) fn prepare(_: &LevelHandle, _: &str, _: Duration) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn handle(self) -> io::Result<()> {
        Ok(())
    }
}

//! Where lines go: a descriptor itself, with no lock of `std`'s and no buffer in between.

pub(crate) mod delivery;
#[cfg(unix)]
mod descriptor;
mod file;
#[cfg(unix)]
mod turn;

use crate::sink::file::LogFile;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

#[cfg(unix)]
use crate::sink::{descriptor::Channel, turn::Taken};
#[cfg(unix)]
use rustix::fd::BorrowedFd;

/// Standard output, standard error or a file; one `write(2)` per line.
///
/// When a log call returns, its line is in the kernel or is counted as lost. Lines of several
/// threads never mix, whatever their length. A reader that stops reading holds up log calls for
/// at most the [stall](Sink::with_stall) in one episode; then lines are dropped at once, counted,
/// and reported by one line when there is room again.
///
/// A kernel may still block: in a write to a terminal or of more than a pipe takes in one piece, on
/// systems other than Linux and where `/proc/self/fd` cannot be opened; and on a file system that
/// hangs.
///
/// ```
/// use tracing_jsonl::{JsonLayer, Sink};
/// use tracing_subscriber::prelude::*;
///
/// let layer = JsonLayer::new(Sink::stderr());
/// let subscriber = tracing_subscriber::registry().with(layer);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a sink does nothing until a layer has it"]
pub struct Sink {
    target: Target,
    stall: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Target {
    Stdout,
    Stderr,
    File(Arc<LogFile>),
}

/// How long a sink without room may hold up log calls in one episode, unless set otherwise.
pub(crate) const STALL: Duration = Duration::from_secs(1);

#[cfg(unix)]
static STDOUT: Channel = Channel::new();
#[cfg(unix)]
static STDERR: Channel = Channel::new();

impl Sink {
    /// File descriptor 1, and whatever it becomes by a later `dup2`.
    pub fn stdout() -> Self {
        Self::new(Target::Stdout)
    }

    /// File descriptor 2.
    pub fn stderr() -> Self {
        Self::new(Target::Stderr)
    }

    /// A file, made if it does not exist, and appended to. Once a second it is opened again if
    /// something else stands at `path`, as `logrotate` leaves it.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("doc-{}.jsonl", std::process::id()));
    /// let sink = tracing_jsonl::Sink::file(&path)?;
    /// # std::fs::remove_file(path)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What opening the file gives.
    pub fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self::new(Target::File(Arc::new(LogFile::open(
            path.into(),
        )?))))
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            stall: Some(STALL),
        }
    }

    /// Sets how long a sink without room may hold up log calls in one episode; one second unless
    /// set. `None` waits for ever, and loses nothing to a slow reader.
    pub fn with_stall(mut self, stall: impl Into<Option<Duration>>) -> Self {
        self.stall = stall.into();
        self
    }

    /// Opens a file sink's path again now. Other sinks have nothing to open.
    ///
    /// # Errors
    ///
    /// What opening the file gives; the file in use stays in use then.
    pub fn reopen(&self) -> io::Result<()> {
        match &self.target {
            Target::File(file) => {
                #[cfg(unix)]
                let _turn = file.channel.take_turn(self.stall);
                file.reopen()
            }
            Target::Stdout | Target::Stderr => Ok(()),
        }
    }

    #[cfg(unix)]
    fn channel(&self) -> &Channel {
        match &self.target {
            Target::Stdout => &STDOUT,
            Target::Stderr => &STDERR,
            Target::File(file) => &file.channel,
        }
    }
}

/// One line's turn at a [`Sink`].
#[derive(Debug)]
pub struct SinkWriter<'a> {
    sink: &'a Sink,
    /// `None` if the turn did not come in time.
    #[cfg(unix)]
    turn: Option<Taken<'a>>,
    #[cfg(unix)]
    has_begun: bool,
    #[cfg(unix)]
    file: Option<arc_swap::Guard<Arc<std::fs::File>>>,
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = SinkWriter<'a>;

    #[cfg(unix)]
    fn make_writer(&'a self) -> SinkWriter<'a> {
        SinkWriter {
            sink: self,
            turn: self.channel().take_turn(self.stall),
            has_begun: false,
            file: None,
        }
    }

    #[cfg(not(unix))]
    fn make_writer(&'a self) -> SinkWriter<'a> {
        SinkWriter { sink: self }
    }
}

#[cfg(unix)]
impl io::Write for SinkWriter<'_> {
    /// `WouldBlock` is the answer of a sink that had no room in time.
    ///
    /// A line that follows a torn one, whoever wrote that, begins with a newline; any other does
    /// not.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use std::os::fd::AsFd;
        if self.turn.is_none() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match &self.sink.target {
            Target::Stdout => self.write_to(rustix::stdio::stdout(), bytes),
            Target::Stderr => self.write_to(rustix::stdio::stderr(), bytes),
            Target::File(file) => {
                // One file for all of the line, though it may be rotated meanwhile.
                let open = self.file.take().unwrap_or_else(|| file.current());
                let written = self.write_to(open.as_fd(), bytes);
                self.file = Some(open);
                written
            }
        }
    }

    /// Nothing is held back, so there is nothing to flush.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl SinkWriter<'_> {
    fn write_to(&mut self, descriptor: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        let channel = self.sink.channel();
        let write = |bytes: &[u8]| channel.write(descriptor, bytes, self.sink.stall);
        if std::mem::replace(&mut self.has_begun, true) {
            return write(bytes);
        }
        match bytes {
            [b'\n', line @ ..] if !line.is_empty() && !channel.is_torn() => Ok(1 + write(line)?),
            [b'\n', ..] => write(bytes),
            _ if channel.is_torn() => {
                let mut line = Vec::with_capacity(bytes.len() + 1);
                line.push(b'\n');
                line.extend_from_slice(bytes);
                match write(&line)? {
                    1 => write(bytes),
                    written => Ok(written.saturating_sub(1)),
                }
            }
            _ => write(bytes),
        }
    }
}

#[cfg(not(unix))]
impl io::Write for SinkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.sink.target {
            // Whole, under one lock: the rest of a short write would come under another.
            Target::Stdout => io::stdout().write_all(bytes).map(|()| bytes.len()),
            Target::Stderr => io::stderr().write_all(bytes).map(|()| bytes.len()),
            Target::File(file) => (&**file.current()).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.sink.target {
            Target::Stdout => io::stdout().flush(),
            Target::Stderr | Target::File(_) => Ok(()),
        }
    }
}

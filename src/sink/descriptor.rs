//! Writing to a descriptor without ever waiting longer than allowed.
//!
//! Standard output is normally a *blocking* pipe: behind a reader that stopped, a plain write
//! stops the thread for ever, and `O_NONBLOCK` cannot be set because other processes share it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::sink::STALL;
use crate::sink::turn::{Taken, Turn};

/// What is known of one descriptor, by all who write to it.
#[derive(Debug)]
pub(crate) struct Channel {
    turn: Turn,
    way: AtomicU8,
    /// Bytes since the descriptor's kind was looked up.
    unseen: AtomicUsize,
    /// When the current episode without room began, in nanoseconds; 0 while there is none.
    blocked: AtomicU64,
    /// Counts writes that came to an end, for those who wait for their turn to see that it will come.
    writes: AtomicUsize,
    /// Whether the last byte written, by whoever, ended no line.
    torn: AtomicBool,
}

/// How to write without blocking.
const UNKNOWN: u8 = 0;
/// One `pwritev2` with `RWF_NOWAIT`: pipes, sockets, `/dev/null`.
const NOWAIT: u8 = 1;
/// A plain write: regular files, where that flag is refused and nothing stalls.
const PLAIN: u8 = 2;
/// `poll`, then a write that does not block: terminals, other systems.
const POLL: u8 = 3;

/// The descriptor may be another file after a `dup2`: its kind is looked up after this many bytes,
/// fewer than fill a pipe.
const LOOK_AFTER: usize = 32 * 1024;

impl Channel {
    pub(crate) const fn new() -> Self {
        Self {
            turn: Turn::new(),
            way: AtomicU8::new(UNKNOWN),
            unseen: AtomicUsize::new(0),
            blocked: AtomicU64::new(0),
            writes: AtomicUsize::new(0),
            torn: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }

    pub(crate) fn set_torn(&self, torn: bool) {
        if self.is_torn() != torn {
            self.torn.store(torn, Ordering::Relaxed);
        }
    }

    /// Takes the turn to write a line. `None` if the sink has no room for as long as it may have
    /// none, or if another writer does not come to its end.
    pub(crate) fn take_turn(&self, stall: Option<Duration>) -> Option<Taken<'_>> {
        let mut unchanged: Option<(usize, u64)> = None;
        self.turn.take(|| {
            let Some(stall) = stall else {
                return false;
            };
            let now = monotonic();
            let blocked = self.blocked.load(Ordering::Relaxed);
            if blocked != 0 {
                return now.saturating_sub(blocked) >= nanos(stall);
            }
            // Others have their turns, which is no stall however slow the reader; a writer stuck in
            // the kernel is one.
            let writes = self.writes.load(Ordering::Relaxed);
            let began = match unchanged {
                Some((same, since)) if same == writes => since,
                _ => unchanged.insert((writes, now)).1,
            };
            let stuck = now.saturating_sub(began) >= nanos(stall.max(STALL));
            if stuck {
                self.blocked.store(began, Ordering::Relaxed);
            }
            stuck
        })
    }

    /// Writes as much of `bytes` as there is room for, waiting for room within the episode's
    /// `stall`. `WouldBlock` when there was none.
    pub(crate) fn write(
        &self,
        descriptor: BorrowedFd<'_>,
        bytes: &[u8],
        stall: Option<Duration>,
    ) -> io::Result<usize> {
        loop {
            match self.try_write(descriptor, bytes) {
                Err(Errno::AGAIN) => {
                    let Some(left) = self.time_left(stall) else {
                        return Err(io::ErrorKind::WouldBlock.into());
                    };
                    wait_for_room(descriptor, left);
                }
                // Here, not by the caller, who has a newline before the line no second time.
                Err(Errno::INTR) => {}
                result => {
                    // Room, or a fault: no episode without room in either case.
                    if self.blocked.load(Ordering::Relaxed) != 0 {
                        self.blocked.store(0, Ordering::Relaxed);
                    }
                    let writes = self.writes.load(Ordering::Relaxed).wrapping_add(1);
                    self.writes.store(writes, Ordering::Relaxed);
                    let written = result?;
                    if let Some(last) = bytes[..written].last() {
                        self.set_torn(*last != b'\n');
                    }
                    return Ok(written);
                }
            }
        }
    }

    /// What is left of the episode's time, which begins now if there is none under way. `None`
    /// when it is used up; the inner `None` is no limit.
    #[allow(clippy::option_option)]
    fn time_left(&self, stall: Option<Duration>) -> Option<Option<Duration>> {
        let Some(stall) = stall else {
            return Some(None);
        };
        let now = monotonic();
        let began =
            match self
                .blocked
                .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => now,
                Err(began) => began,
            };
        let waited = Duration::from_nanos(now.saturating_sub(began));
        let left = stall.checked_sub(waited).filter(|left| !left.is_zero());
        left.map(Some)
    }

    fn try_write(&self, descriptor: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
        let unseen = self.unseen.load(Ordering::Relaxed) + bytes.len();
        self.unseen.store(unseen, Ordering::Relaxed);
        let mut way = self.way.load(Ordering::Relaxed);
        if way == UNKNOWN || unseen >= LOOK_AFTER {
            self.unseen.store(0, Ordering::Relaxed);
            way = look(descriptor);
            self.way.store(way, Ordering::Relaxed);
        }
        if way == NOWAIT {
            match write_nowait(descriptor, bytes) {
                // Some containers' filters of system calls forbid it.
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                    self.way.store(POLL, Ordering::Relaxed);
                    way = POLL;
                }
                result => return result,
            }
        }
        if way == POLL {
            return write_polled(descriptor, bytes);
        }
        rustix::io::write(descriptor, bytes)
    }
}

fn look(descriptor: BorrowedFd<'_>) -> u8 {
    match fstat(descriptor) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => PLAIN,
        _ if cfg!(target_os = "linux") => NOWAIT,
        _ => POLL,
    }
}

#[cfg(target_os = "linux")]
fn write_nowait(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    // An offset of -1 is the file's own position.
    let slices = [io::IoSlice::new(bytes)];
    pwritev2(descriptor, &slices, u64::MAX, ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn write_nowait(_descriptor: BorrowedFd<'_>, _bytes: &[u8]) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

/// What a pipe with room takes without blocking.
const PIECE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

fn write_polled(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    if !has_room(descriptor) {
        return Err(Errno::AGAIN);
    }
    if let Ok(apart) = open_apart(descriptor) {
        return rustix::io::write(apart, bytes);
    }
    rustix::io::write(descriptor, &bytes[..bytes.len().min(PIECE)])
}

/// Opens the same pipe or terminal anew, where it may be told not to block: a terminal with room
/// for part of a line waits for the rest. Not kept: the descriptor may become another file, and a
/// pipe would stay open.
#[cfg(target_os = "linux")]
fn open_apart(descriptor: BorrowedFd<'_>) -> Result<rustix::fd::OwnedFd, Errno> {
    use rustix::fd::AsRawFd;
    use rustix::fs::{Mode, OFlags};
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

#[cfg(not(target_os = "linux"))]
fn open_apart(_descriptor: BorrowedFd<'_>) -> Result<rustix::fd::OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

fn has_room(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
    // An error here is found again, and named, by the write.
    !matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
}

fn wait_for_room(descriptor: BorrowedFd<'_>, left: Option<Duration>) {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    // Interrupted, timed out or ready: the caller tries to write again and looks at the clock.
    let _ = poll(&mut polled, timeout.as_ref());
}

/// The system's own clock, never 0. Not the time since a first use: a child forked in the midst of
/// that would wait for it for ever.
fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).map_or(1, |now| nanos(now).max(1))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

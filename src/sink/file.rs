//! A file that is appended to, and opened again when it was rotated away.

use arc_swap::ArcSwap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
#[cfg(unix)]
use std::{
    io::{Read, Seek, SeekFrom},
    thread,
    time::Duration,
};

#[cfg(unix)]
use crate::sink::descriptor::Channel;

#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: ArcSwap<File>,
    opened: Instant,
    /// Whole seconds after `opened` at which the path was last looked at.
    looked: AtomicU64,
    #[cfg(unix)]
    pub(crate) channel: Channel,
}

impl LogFile {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let file = Self {
            file: ArcSwap::from_pointee(append(&path)?),
            path,
            opened: Instant::now(),
            looked: AtomicU64::new(0),
            #[cfg(unix)]
            channel: Channel::new(),
        };
        file.note_ending();
        Ok(file)
    }

    pub(crate) fn reopen(&self) -> io::Result<()> {
        self.file.store(Arc::new(append(&self.path)?));
        self.note_ending();
        Ok(())
    }

    /// A process that died may have left half a line.
    fn note_ending(&self) {
        #[cfg(unix)]
        self.channel
            .set_torn(is_torn(&self.path, &self.file.load()).unwrap_or(false));
    }

    /// The file to write to now.
    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<File>> {
        let second = self.opened.elapsed().as_secs();
        if self.looked.load(Ordering::Relaxed) != second {
            self.looked.store(second, Ordering::Relaxed);
            if self.was_moved() {
                // Better the old file than none: a directory may be back in a second.
                let _ = self.reopen();
            }
        }
        self.file.load()
    }

    #[cfg(unix)]
    fn was_moved(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Ok(ours) = self.file.load().metadata() else {
            return true;
        };
        match std::fs::metadata(&self.path) {
            Ok(there) => (there.dev(), there.ino()) != (ours.dev(), ours.ino()),
            Err(_) => true,
        }
    }

    #[cfg(not(unix))]
    fn was_moved(&self) -> bool {
        !self.path.exists()
    }
}

/// Whether the file ends in the middle of a line that nobody is writing now.
#[cfg(unix)]
fn is_torn(path: &Path, writable: &File) -> io::Result<bool> {
    // Opening anything else for reading could wait, or take lines from their reader.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    let mut before = None;
    for _ in 0..5 {
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(length - 1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last == *b"\n" || before == Some(length) {
            return Ok(last != *b"\n");
        }
        // Another process may be at it: a long write is seen in parts.
        before = Some(length);
        wait_for_writer(writable);
    }
    Ok(false)
}

/// Waits until a write that another process has begun is at its end.
#[cfg(unix)]
fn wait_for_writer(file: &File) {
    // Takes the lock that a write holds, and allocates nothing: the file is not empty.
    #[cfg(target_os = "linux")]
    if rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, 1).is_ok() {
        return;
    }
    let _ = file;
    thread::sleep(Duration::from_millis(20));
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe without a reader is an error: waiting for one would hold up the service.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

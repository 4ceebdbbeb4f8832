//! What the level's sources ask of the standard library and of other crates, over shuttle's
//! primitives. Each execution starts with all of it anew.

pub(crate) mod clock;
pub(crate) mod sync;
pub(crate) mod thread;
pub(crate) mod tracing_core;

pub(crate) mod time {
    pub(crate) use super::clock::{Instant, SystemTime};
    pub(crate) use std::time::Duration;
}

pub(crate) mod arc_swap {
    use super::clock::{Instant, START};
    use super::sync::Arc;
    use shuttle::sync::{Mutex, MutexGuard};

    /// Remembers all that was ever stored, and when.
    pub(crate) struct ArcSwap<T> {
        stored: Mutex<Vec<(Arc<T>, Instant)>>,
    }

    pub(crate) type Guard<T> = T;

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            let first = (Arc::new(value), START);
            Self {
                stored: Mutex::new(vec![first]),
            }
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            self.load_full()
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            let stored = self.stored();
            let (last, _) = stored.last().expect("there is always one");
            last.clone()
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            let mut stored = self.stored();
            stored.push((value, Instant::now()));
        }

        pub(crate) fn history(&self) -> Vec<(Arc<T>, Instant)> {
            self.stored().clone()
        }

        fn stored(&self) -> MutexGuard<'_, Vec<(Arc<T>, Instant)>> {
            self.stored.lock().expect("nobody panics with it")
        }
    }
}

pub(crate) mod log {
    use shuttle::sync::atomic::{AtomicU8, Ordering};

    #[derive(Clone, Copy)]
    pub(crate) enum LevelFilter {
        Off,
        Error,
        Warn,
        Info,
        Debug,
        Trace,
    }

    shuttle::lazy_static! {
        static ref MAX: AtomicU8 = AtomicU8::new(LevelFilter::Off as u8);
    }

    pub(crate) fn set_max_level(level: LevelFilter) {
        MAX.store(level as u8, Ordering::SeqCst);
    }

    pub(crate) fn max_level() -> super::tracing_core::LevelFilter {
        let max = MAX.load(Ordering::SeqCst);
        super::tracing_core::LevelFilter::ALL[usize::from(max)]
    }
}

pub(crate) mod error {
    #[derive(Debug)]
    pub(crate) struct DirectiveError;

    impl DirectiveError {
        pub(crate) fn new(_: &str, _: String, _: &str) -> Self {
            Self
        }
    }
}

pub(crate) mod metadata {
    pub(crate) const IDENTIFIERS: [&str; 0] = [];

    pub(crate) struct Rules;

    pub(crate) mod span {
        pub(crate) struct SpanNode;
    }
}

pub(crate) mod encode {
    pub(crate) mod guard {
        /// Lets panics pass: here, each is a finding.
        pub(crate) fn guarded<R>(code: impl FnOnce() -> R) -> Result<R, String> {
            Ok(code())
        }
    }
}

pub(crate) mod report {
    use super::time::SystemTime;
    use super::tracing_core::Level;

    pub(crate) trait Report: Send + Sync {
        fn report(&self, fill: &mut dyn FnMut(&mut ReportLine));
    }

    /// A line about a change, as it was told.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct ReportLine {
        pub(crate) texts: Vec<(String, String)>,
        pub(crate) until: Option<SystemTime>,
    }

    impl ReportLine {
        pub(crate) fn say(&mut self, _: Level, _: &str) {}

        pub(crate) fn text(&mut self, key: &str, text: &str) {
            self.texts.push((key.to_owned(), text.to_owned()));
        }

        pub(crate) fn time(&mut self, _: &str, time: SystemTime) {
            self.until = Some(time);
        }

        pub(crate) fn get(&self, key: &str) -> &str {
            let found = self.texts.iter().find(|(name, _)| name == key);
            found.map_or("", |(_, text)| text)
        }
    }
}

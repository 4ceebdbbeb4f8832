//! Changes of the level, under shuttle: random schedules, and those with few preemptions (PCT),
//! always the same ones.
//!
//! The clock moves only when a model moves it: after all threads are done, where nothing may
//! depend on a wait that runs out, or at any moment, where nothing may depend on being quick.

mod caches;
mod expiry;
mod lines;
mod timer;
mod weakened;

use crate::report::{Report, ReportLine};
use crate::stand_in::clock::{self, Instant};
use crate::stand_in::tracing_core::{Callsite, Dispatch, Level, LevelFilter, Metadata, Subscriber};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::sync::Arc;
use std::time::Duration;

/// `LevelHandle`, weakened or not.
pub(crate) trait Handle: Clone + Send + Sync + 'static {
    fn new(directives: &str) -> Self;
    fn set(&self, directives: &str);
    fn set_for(&self, directives: &str, time: Duration);
    fn reset(&self);
    fn current(&self) -> String;
    fn allows(&self, level: Level) -> bool;
    fn max_level(&self) -> LevelFilter;
    fn join(&self, report: &Arc<dyn Report>);
    fn lead_log(&self);
    /// All that was ever in force, from the configured on, and since when.
    fn stored(&self) -> Vec<(String, Instant)>;
    /// The timer.
    fn at(time: Instant, task: impl FnOnce() + Send + 'static);
}

type Real = crate::variants::real::level::LevelHandle;

const SECOND: Duration = Duration::from_secs(1);

/// Runs `model` under many schedules, ten times as many with `LONG`.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    const SEED: u64 = 0x006C_6576_656C;
    let long = if std::env::var_os("LONG").is_some() {
        10
    } else {
        1
    };
    let schedules = 4_000 * long;
    let mut config = Config::new();
    // Of relaxed atomics, which are taken as sequentially consistent here.
    config.silence_warnings = true;
    let model = Arc::new(move || {
        model();
        clock::end();
    });
    let shared = model.clone();
    let random = RandomScheduler::new_from_seed(SEED, schedules);
    let random = Runner::new(random, config.clone()).run(move || shared());
    let few = PctScheduler::new_from_seed(SEED, 4, schedules);
    let few = Runner::new(few, config).run(move || model());
    println!("{random} random schedules, {few} with at most 3 preemptions");
}

/// Threads of a model.
#[derive(Default)]
struct Threads(Vec<shuttle::thread::JoinHandle<()>>);

impl Threads {
    fn spawn(&mut self, run: impl FnOnce() + Send + 'static) {
        self.0.push(shuttle::thread::spawn(run));
    }

    fn join(self) {
        for thread in self.0 {
            thread.join().unwrap();
        }
    }
}

/// A subscriber with the handle's filter.
struct Filtered<H>(H);

impl<H: Handle> Subscriber for Filtered<H> {
    fn register_callsite(&self, metadata: &Metadata<'_>) -> bool {
        self.0.allows(*metadata.level())
    }

    fn max_level_hint(&self) -> LevelFilter {
        self.0.max_level()
    }
}

/// What the log says of changes.
#[derive(Default)]
struct Book {
    lines: shuttle::sync::Mutex<Vec<ReportLine>>,
    /// What the writer does besides, once.
    aside: shuttle::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Report for Book {
    fn report(&self, fill: &mut dyn FnMut(&mut ReportLine)) {
        let mut line = ReportLine::default();
        fill(&mut line);
        let aside = self.aside.lock().unwrap().take();
        if let Some(aside) = aside {
            aside();
        }
        self.lines.lock().unwrap().push(line);
    }
}

/// A service: a handle, its filter, callsites, a log.
struct Scene<H> {
    handle: H,
    sites: Vec<Arc<Callsite>>,
    book: Arc<Book>,
    dispatch: Dispatch,
}

impl<H: Handle> Scene<H> {
    /// At `info`. Nothing is installed, and no callsite was hit.
    fn new() -> Arc<Self> {
        let handle = H::new("info");
        let book = Arc::new(Book::default());
        let report: Arc<dyn Report> = book.clone();
        handle.join(&report);
        let levels = [Level::ERROR, Level::INFO, Level::DEBUG, Level::TRACE];
        Arc::new(Self {
            sites: levels.into_iter().map(Callsite::new).collect(),
            book,
            dispatch: Dispatch::new(Filtered(handle.clone())),
            handle,
        })
    }

    /// With a global subscriber that leads `log`, and callsites that were hit.
    fn under_way() -> Arc<Self> {
        let scene = Self::new();
        scene.dispatch.clone().set_global_default();
        scene.handle.lead_log();
        scene.hit_all();
        scene
    }

    fn hit_all(&self) {
        self.sites.iter().for_each(Callsite::hit);
    }

    /// The names of what was in force, from the first that was not configured on.
    fn changes(&self) -> Vec<String> {
        let stored = self.handle.stored().into_iter().skip(1);
        stored.map(|(text, _)| text).collect()
    }

    fn lines(&self) -> Vec<ReportLine> {
        self.book.lines.lock().unwrap().clone()
    }

    /// One line for each change, in their order; the last names what is in force.
    fn assert_lines(&self) {
        let stored = self.handle.stored();
        let expected: Vec<_> = stored
            .windows(2)
            .map(|two| (&*two[0].0, &*two[1].0))
            .collect();
        let lines = self.lines();
        let told = lines.iter().map(|line| (line.get("from"), line.get("to")));
        assert_eq!(told.collect::<Vec<_>>(), expected, "lines of changes");
        if let Some(last) = lines.last() {
            assert_eq!(last.get("to"), self.handle.current(), "the last line");
        }
    }

    /// Every callsite, the maximum of `tracing` and that of `log` are as the level in force has
    /// them.
    fn assert_caches(&self) {
        let current = self.handle.current();
        for site in self.sites.iter().filter(|site| site.is_registered()) {
            let level = site.level();
            let allowed = self.handle.allows(level);
            assert_eq!(
                site.cached(),
                Some(allowed),
                "a callsite of {level:?} at {current}"
            );
        }
        let max = LevelFilter::current();
        assert_eq!(
            max,
            self.handle.max_level(),
            "tracing's maximum at {current}"
        );
    }

    fn assert_log(&self) {
        let current = self.handle.current();
        let mut allowed = LevelFilter::ALL.into_iter().rev();
        let expected = allowed.find(|level| self.handle.allows(Level(*level)));
        let max = crate::stand_in::log::max_level();
        assert_eq!(Some(max), expected, "log's maximum at {current}");
    }
}

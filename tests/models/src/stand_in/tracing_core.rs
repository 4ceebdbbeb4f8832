//! The part of tracing-core 0.1.36 that caches what filters say, step for step as it stands in its
//! `callsite.rs` and `dispatcher.rs`, and nothing else of it.

use shuttle::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use shuttle::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::cell::RefCell;
use std::sync::{Arc, Weak};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::upper_case_acronyms)]
pub(crate) enum LevelFilter {
    OFF,
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE,
}

impl LevelFilter {
    pub(crate) const ALL: [Self; 6] = [
        Self::OFF,
        Self::ERROR,
        Self::WARN,
        Self::INFO,
        Self::DEBUG,
        Self::TRACE,
    ];

    pub(crate) fn current() -> Self {
        Self::ALL[usize::from(MAX_LEVEL.load(Ordering::SeqCst))]
    }
}

/// One that is not `OFF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) LevelFilter);

impl Level {
    pub(crate) const ERROR: Self = Self(LevelFilter::ERROR);
    pub(crate) const INFO: Self = Self(LevelFilter::INFO);
    pub(crate) const DEBUG: Self = Self(LevelFilter::DEBUG);
    pub(crate) const TRACE: Self = Self(LevelFilter::TRACE);
}

#[derive(Debug)]
pub(crate) struct Metadata<'a> {
    target: &'a str,
    level: Level,
}

impl<'a> Metadata<'a> {
    pub(crate) fn target(&self) -> &'a str {
        self.target
    }

    pub(crate) fn level(&self) -> &Level {
        &self.level
    }
}

const NEVER: u8 = 0;
const SOMETIMES: u8 = 1;
const ALWAYS: u8 = 2;
const UNKNOWN: u8 = 0xFF;

pub(crate) trait Subscriber: Send + Sync {
    /// Whether it is interested, always or never.
    fn register_callsite(&self, metadata: &Metadata<'_>) -> bool;
    fn max_level_hint(&self) -> LevelFilter;
}

pub(crate) mod subscriber {
    use super::{LevelFilter, Metadata, Subscriber};

    pub(crate) struct NoSubscriber;

    impl NoSubscriber {
        pub(crate) fn new() -> Self {
            Self
        }
    }

    impl Subscriber for NoSubscriber {
        fn register_callsite(&self, _: &Metadata<'_>) -> bool {
            false
        }

        fn max_level_hint(&self) -> LevelFilter {
            LevelFilter::OFF
        }
    }
}

shuttle::lazy_static! {
    static ref MAX_LEVEL: AtomicU8 = AtomicU8::new(LevelFilter::OFF as u8);
    static ref CALLSITES: Mutex<Vec<Arc<Callsite>>> = Mutex::new(Vec::new());
    static ref HAS_JUST_ONE: AtomicBool = AtomicBool::new(true);
    static ref DISPATCHERS: RwLock<Vec<Weak<dyn Subscriber>>> = RwLock::new(Vec::new());
    static ref GLOBAL: Mutex<Option<Dispatch>> = Mutex::new(None);
}

shuttle::thread_local! {
    static SCOPED: RefCell<Option<Dispatch>> = RefCell::new(None);
}

#[derive(Clone)]
pub(crate) struct Dispatch(Arc<dyn Subscriber>);

impl Dispatch {
    pub(crate) fn new(subscriber: impl Subscriber + 'static) -> Self {
        let dispatch = Self(Arc::new(subscriber));
        let mut dispatchers = DISPATCHERS.write().unwrap();
        dispatchers.retain(|one| one.strong_count() > 0);
        dispatchers.push(Arc::downgrade(&dispatch.0));
        HAS_JUST_ONE.store(dispatchers.len() <= 1, Ordering::SeqCst);
        rebuild(&Rebuilder::Write(dispatchers));
        dispatch
    }

    pub(crate) fn set_global_default(self) {
        *GLOBAL.lock().unwrap() = Some(self);
    }

    /// On this thread, from now on.
    pub(crate) fn set_default(self) {
        SCOPED.with(|scoped| *scoped.borrow_mut() = Some(self));
    }

    fn current() -> Self {
        let scoped = SCOPED.with(|scoped| scoped.borrow().clone());
        let current = scoped.or_else(|| GLOBAL.lock().unwrap().clone());
        current.unwrap_or_else(|| Self(Arc::new(subscriber::NoSubscriber)))
    }
}

enum Rebuilder<'a> {
    JustOne,
    Read(RwLockReadGuard<'a, Vec<Weak<dyn Subscriber>>>),
    Write(RwLockWriteGuard<'a, Vec<Weak<dyn Subscriber>>>),
}

impl Rebuilder<'_> {
    fn new() -> Self {
        if HAS_JUST_ONE.load(Ordering::SeqCst) {
            return Self::JustOne;
        }
        Self::Read(DISPATCHERS.read().unwrap())
    }

    fn for_each(&self, mut f: impl FnMut(&dyn Subscriber)) {
        let all = match self {
            Self::JustOne => return f(&*Dispatch::current().0),
            Self::Read(all) => &**all,
            Self::Write(all) => &**all,
        };
        all.iter()
            .filter_map(Weak::upgrade)
            .for_each(|one| f(&*one));
    }
}

pub(crate) mod callsite {
    pub(crate) fn rebuild_interest_cache() {
        super::rebuild(&super::Rebuilder::new());
    }
}

fn rebuild(dispatchers: &Rebuilder<'_>) {
    let mut max_level = LevelFilter::OFF;
    dispatchers.for_each(|one| max_level = max_level.max(one.max_level_hint()));
    // The list's head is read once: what is put before it meanwhile is not seen.
    let callsites = CALLSITES.lock().unwrap().clone();
    for callsite in callsites {
        callsite.rebuild(dispatchers);
    }
    MAX_LEVEL.store(max_level as u8, Ordering::SeqCst);
}

/// An event's or a span's place in the code.
pub(crate) struct Callsite {
    metadata: Metadata<'static>,
    interest: AtomicU8,
    registered: AtomicBool,
}

impl Callsite {
    pub(crate) fn new(level: Level) -> Arc<Self> {
        Arc::new(Self {
            metadata: Metadata {
                target: "service",
                level,
            },
            interest: AtomicU8::new(UNKNOWN),
            registered: AtomicBool::new(false),
        })
    }

    fn rebuild(&self, dispatchers: &Rebuilder<'_>) {
        let mut interest = None;
        dispatchers.for_each(|one| {
            let one = if one.register_callsite(&self.metadata) {
                ALWAYS
            } else {
                NEVER
            };
            interest = match interest {
                None => Some(one),
                Some(other) if other == one => Some(one),
                Some(_) => Some(SOMETIMES),
            };
        });
        let interest = interest.unwrap_or(NEVER);
        self.interest.store(interest, Ordering::SeqCst);
    }

    /// What `info!` and its like do before anything else.
    pub(crate) fn hit(self: &Arc<Self>) {
        if self.metadata.level.0 > LevelFilter::current() {
            return;
        }
        if self.interest.load(Ordering::Relaxed) == UNKNOWN
            && !self.registered.swap(true, Ordering::SeqCst)
        {
            CALLSITES.lock().unwrap().insert(0, self.clone());
            self.rebuild(&Rebuilder::new());
        }
    }

    pub(crate) fn level(&self) -> Level {
        self.metadata.level
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.registered.load(Ordering::SeqCst)
    }

    /// Whether it is on, if that is known without asking.
    pub(crate) fn cached(&self) -> Option<bool> {
        match self.interest.load(Ordering::SeqCst) {
            NEVER => Some(false),
            ALWAYS => Some(true),
            _ => None,
        }
    }
}

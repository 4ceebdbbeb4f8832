//! In the place of the filter, which has no state of its own to race for: what the models see of
//! a handle.

use crate::level::Handle;
use crate::report::Report;
use crate::stand_in::clock::Instant;
use crate::stand_in::sync::{Arc, Weak};
use crate::stand_in::tracing_core::{Level, LevelFilter};
use std::time::Duration;

pub(crate) struct EventFilter;

impl EventFilter {
    pub(crate) fn new(_: super::LevelHandle) -> Self {
        Self
    }
}

impl Handle for super::LevelHandle {
    fn new(directives: &str) -> Self {
        Self::new(directives).unwrap()
    }

    fn set(&self, directives: &str) {
        self.set(directives).unwrap();
    }

    fn set_for(&self, directives: &str, time: Duration) {
        self.set_for(directives, time).unwrap();
    }

    fn reset(&self) {
        self.reset();
    }

    fn current(&self) -> String {
        self.current()
    }

    fn allows(&self, level: Level) -> bool {
        self.directives().allows("service", level)
    }

    fn max_level(&self) -> LevelFilter {
        self.max_level()
    }

    fn join(&self, report: &Arc<dyn Report>) {
        self.join(Arc::downgrade(report));
    }

    fn lead_log(&self) {
        self.lead_log();
    }

    fn stored(&self) -> Vec<(String, Instant)> {
        let stored = self.shared.current.history().into_iter();
        stored
            .map(|(one, at)| (one.text().to_owned(), at))
            .collect()
    }

    fn at(time: Instant, task: impl FnOnce() + Send + 'static) {
        super::timer::at(time, task).unwrap();
    }
}

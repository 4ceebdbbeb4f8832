//! Changes at the same time, and the lines about them.

use super::{Handle, Real, Scene, Threads, explore};
use crate::stand_in::clock;
use std::sync::Arc;

impl<H: Handle> Scene<H> {
    /// Changes the level. By then there is a line about it, and no callsite is as it was before.
    fn set_and_look(&self, directives: &str) {
        self.handle.set(directives);
        let told = self.lines().iter().any(|line| line.get("to") == directives);
        assert!(told, "{directives} has no line when `set` returns");
        for site in &self.sites {
            let Some(cached) = site.cached() else {
                continue;
            };
            let changes = self.changes();
            let mut since = changes.iter().skip_while(|one| *one != directives);
            let level = site.level();
            let is_of_since = since.any(|one| H::new(one).allows(level) == cached);
            assert!(
                is_of_since,
                "{level:?} is as before {directives}: {changes:?}"
            );
        }
    }
}

/// The clock stands still: nobody goes on because a wait ran out.
pub(super) fn changes_at_once<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        let mut threads = Threads::default();
        for directives in ["debug/a", "error/b", "trace/c"] {
            let scene = scene.clone();
            threads.spawn(move || scene.set_and_look(directives));
        }
        threads.join();
        scene.assert_lines();
        scene.assert_caches();
        scene.assert_log();
        clock::run_until(None);
        scene.assert_lines();
        scene.assert_caches();
        scene.assert_log();
    });
}

/// A writer that changes the level as it writes of a change.
pub(super) fn a_writer_changes_the_level<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        let handle = scene.handle.clone();
        let aside = move || handle.set("error/writer");
        *scene.book.aside.lock().unwrap() = Some(Box::new(aside));
        let mut threads = Threads::default();
        for directives in ["debug/a", "trace/b"] {
            let scene = Arc::clone(&scene);
            threads.spawn(move || scene.handle.set(directives));
        }
        threads.join();
        scene.assert_lines();
        scene.assert_caches();
        clock::run_until(None);
        scene.assert_lines();
        scene.assert_caches();
        *scene.book.aside.lock().unwrap() = None;
    });
}

#[test]
fn changes_at_once_are_told_in_order_and_cached_as_the_last() {
    changes_at_once::<Real>();
}

#[test]
fn a_writer_that_changes_the_level_stops_nobody() {
    a_writer_changes_the_level::<Real>();
}

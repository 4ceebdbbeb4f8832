//! Levels with a time limit.

use super::{Handle, Real, SECOND, Scene, Threads, explore};
use crate::stand_in::clock::{self, Instant};
use std::collections::BTreeMap;
use std::time::Duration;

/// The earliest ends of levels with a limit, by their texts.
type Ends = BTreeMap<&'static str, Instant>;

impl<H: Handle> Scene<H> {
    /// A limit ends its own level, none before its time, and it does so unless another change
    /// came first.
    fn assert_ends(&self, ends: &Ends) {
        let stored = self.handle.stored();
        let lines = self.lines();
        for (line, (_, at)) in lines.iter().zip(&stored[1..]) {
            if line.get("by") == "expiry" {
                let ended = line.get("from");
                let end = ends.get(ended);
                assert!(
                    end.is_some_and(|end| end <= at),
                    "{ended} is undone: {lines:?}"
                );
                assert_eq!(
                    line.get("to"),
                    "info",
                    "limits lead to the configured level"
                );
            }
        }
        let current = self.handle.current();
        assert!(!ends.contains_key(&*current), "{current} never ends");
        let chosen = lines.iter().rfind(|line| line.get("by") == "api");
        let chosen = chosen.map_or("info", |line| line.get("to"));
        if !ends.contains_key(chosen) {
            assert_eq!(current, chosen, "the last change holds");
        }
    }
}

/// The clock moves at any moment.
pub(super) fn limits_and_changes_race<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        let mut threads = Threads::default();
        let ends = shuttle::sync::Mutex::new(Ends::new());
        let ends = std::sync::Arc::new(ends);
        for (directives, limit) in [("debug/a", 10), ("trace/b", 5)] {
            let (scene, ends) = (scene.clone(), ends.clone());
            threads.spawn(move || {
                let end = Instant::now() + SECOND * limit;
                ends.lock().unwrap().insert(directives, end);
                scene.handle.set_for(directives, SECOND * limit);
            });
        }
        let changing = scene.clone();
        threads.spawn(move || changing.handle.set("error/c"));
        threads.spawn(|| (0..4).for_each(|_| clock::advance(SECOND * 3)));
        threads.join();
        clock::run_until(None);
        scene.assert_lines();
        scene.assert_caches();
        scene.assert_log();
        scene.assert_ends(&ends.lock().unwrap());
    });
}

/// One that is set again before its end, at which the clock may just arrive.
pub(super) fn a_limit_is_renewed<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        let mut threads = Threads::default();
        let end = std::sync::Arc::new(shuttle::sync::Mutex::new(clock::START));
        let (renewing, renewed) = (scene.clone(), end.clone());
        threads.spawn(move || {
            renewing.handle.set_for("debug", SECOND * 5);
            let end = Instant::now() + SECOND * 20;
            renewing.handle.set_for("debug", SECOND * 20);
            *renewed.lock().unwrap() = end;
            let current = renewing.handle.current();
            assert!(
                current == "debug" || Instant::now() >= end,
                "the renewal is undone"
            );
        });
        threads.spawn(|| (0..3).for_each(|_| clock::advance(SECOND * 2)));
        threads.join();
        let end = *end.lock().unwrap();
        clock::run_until(Some(end - Duration::from_millis(1)));
        assert_eq!(scene.handle.current(), "debug", "until the renewal's end");
        clock::run_until(None);
        assert_eq!(scene.handle.current(), "info", "after its end");
        scene.assert_lines();
        scene.assert_caches();
    });
}

/// A long limit and a short one, in either order: what is in force ends at its time to the moment.
pub(super) fn limits_end_in_time<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        let mut threads = Threads::default();
        let limits = [("debug", 100), ("trace", 10)];
        for (directives, limit) in limits {
            let scene = scene.clone();
            threads.spawn(move || scene.handle.set_for(directives, SECOND * limit));
        }
        threads.join();
        let current = scene.handle.current();
        let (_, limit) = limits.into_iter().find(|(one, _)| *one == current).unwrap();
        let end = clock::START + SECOND * limit;
        assert_eq!(
            scene.lines()[1].until,
            Some(end),
            "what the line says of the end"
        );
        clock::run_until(Some(end - Duration::from_millis(1)));
        assert_eq!(scene.handle.current(), current, "until its end");
        clock::run_until(Some(end));
        assert_eq!(scene.handle.current(), "info", "at its end");
        clock::run_until(None);
        assert_eq!(scene.changes().len(), 3, "two changes and an end");
        scene.assert_lines();
        scene.assert_caches();
    });
}

/// A reset that takes the limit away, or comes too late for that.
pub(super) fn a_reset_meets_the_end<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::under_way();
        scene.handle.set_for("debug", SECOND * 5);
        let mut threads = Threads::default();
        let resetting = scene.clone();
        threads.spawn(move || resetting.handle.reset());
        threads.spawn(|| (0..2).for_each(|_| clock::advance(SECOND * 3)));
        threads.join();
        clock::run_until(None);
        assert_eq!(scene.changes(), ["debug", "info"], "it ends once");
        scene.assert_lines();
        scene.assert_caches();
    });
}

#[test]
fn an_old_limit_never_undoes_a_newer_change() {
    limits_and_changes_race::<Real>();
}

#[test]
fn a_renewed_limit_holds_until_its_new_end() {
    a_limit_is_renewed::<Real>();
}

#[test]
fn limits_end_at_their_time_in_whatever_order_they_are_set() {
    limits_end_in_time::<Real>();
}

#[test]
fn a_reset_and_the_end_of_a_limit_make_one_change() {
    a_reset_meets_the_end::<Real>();
}

//! What `tracing` and `log` remember of the level, where a change meets something else.

use super::{Handle, Real, SECOND, Scene, Threads, explore};
use crate::stand_in::clock;
use crate::stand_in::tracing_core::Callsite;
use std::time::Duration;

/// A first hit that overlaps the first change caches the old answer after the new one. A look
/// soon after finds it, or one later, if the thread stood still for that long.
pub(super) fn first_hits_meet_the_first_change<H: Handle>(stands_still: Duration) {
    explore(move || {
        let scene = Scene::<H>::new();
        scene.dispatch.clone().set_global_default();
        let mut threads = Threads::default();
        for site in &scene.sites[..2] {
            let site = site.clone();
            threads.spawn(move || Callsite::hit(&site));
        }
        let changing = scene.clone();
        threads.spawn(move || changing.handle.set("off"));
        if !stands_still.is_zero() {
            threads.spawn(move || clock::run_until(Some(clock::START + stands_still)));
        }
        threads.join();
        clock::run_until(None);
        scene.assert_caches();
        scene.assert_lines();
    });
}

/// The threads that change the level, and the timer's, have no subscriber: only the main one does.
pub(super) fn others_have_no_subscriber<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::new();
        scene.dispatch.clone().set_default();
        scene.hit_all();
        let mut threads = Threads::default();
        let changing = scene.clone();
        threads.spawn(move || changing.handle.set_for("debug", SECOND * 10));
        threads.join();
        scene.assert_caches();
        clock::run_until(None);
        scene.assert_caches();
        assert_eq!(scene.handle.current(), "info", "the limit has passed");
    });
}

/// A layer takes `log` over as the level changes.
pub(super) fn log_is_taken_over<H: Handle>() {
    explore(|| {
        let scene = Scene::<H>::new();
        scene.dispatch.clone().set_global_default();
        let mut threads = Threads::default();
        let leading = scene.clone();
        threads.spawn(move || leading.handle.lead_log());
        for directives in ["debug", "error"] {
            let scene = scene.clone();
            threads.spawn(move || scene.handle.set(directives));
        }
        threads.join();
        clock::run_until(None);
        scene.assert_log();
    });
}

#[test]
fn a_first_hit_during_the_first_change_is_corrected() {
    first_hits_meet_the_first_change::<Real>(Duration::ZERO);
}

#[test]
fn a_first_hit_that_stood_still_for_long_is_corrected() {
    first_hits_meet_the_first_change::<Real>(Duration::from_millis(500));
}

#[test]
fn a_change_from_a_thread_without_the_subscriber_reaches_it() {
    others_have_no_subscriber::<Real>();
}

#[test]
fn log_follows_a_change_during_which_it_is_taken_over() {
    log_is_taken_over::<Real>();
}

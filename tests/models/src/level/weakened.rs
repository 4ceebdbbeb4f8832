//! The models fail where they should.

use super::{caches, expiry, lines, timer};
use crate::variants;
use std::time::Duration;

macro_rules! caught {
    ($($variant:ident: $expected:literal, $module:ident::$model:ident($($arguments:tt)*);)*) => {$(
        #[test]
        #[should_panic(expected = $expected)]
        fn $variant() {
            $module::$model::<variants::$variant::level::LevelHandle>($($arguments)*);
        }
    )*};
}

caught! {
    applies_two_at_once: "log's maximum", lines::changes_at_once();
    applies_later: "is as before", lines::changes_at_once();
    stores_unlocked: "lines of changes", lines::changes_at_once();
    leaves_log_alone: "log's maximum", lines::changes_at_once();
    tells_two_at_once: "has no line", lines::changes_at_once();
    tells_the_newest_first: "lines of changes", lines::changes_at_once();
    does_not_wait_for_its_line: "has no line", lines::changes_at_once();
    wakes_one_of_those_who_wait: "deadlock", lines::changes_at_once();
    waits_for_its_own_line: "deadlock", lines::a_writer_changes_the_level();
    asks_once: "a callsite of", caches::first_hits_meet_the_first_change(Duration::ZERO);
    asks_again_but_once: "a callsite of",
        caches::first_hits_meet_the_first_change(Duration::from_millis(500));
    asks_the_current_subscriber: "a callsite of", caches::others_have_no_subscriber();
    ends_whatever_is_in_force: "is undone", expiry::limits_and_changes_race();
    keeps_an_old_limit: "is undone", expiry::limits_and_changes_race();
    ends_renewals_early: "renewal", expiry::a_limit_is_renewed();
    has_no_shorter_timer: "at its end", expiry::limits_end_in_time();
    forgets_to_set_the_timer_again: "at its end", expiry::limits_end_in_time();
    adds_silently: "tasks and when", timer::tasks_run_in_time();
    starts_a_thread_each_time: "threads were", timer::tasks_run_in_time();
}

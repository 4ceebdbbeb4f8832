//! What needs a process whose main thread and whose standard output are its own: the start, the
//! end, panics of the main thread. Has its own `main`, and runs itself again as a child.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

#[cfg(unix)]
#[path = "support/child.rs"]
mod child;
#[cfg(unix)]
#[path = "process/end.rs"]
mod end;
#[cfg(unix)]
#[path = "process/panicking.rs"]
mod panicking;
#[cfg(unix)]
#[path = "process/signals_in_a_row.rs"]
mod signals_in_a_row;
#[cfg(unix)]
#[path = "process/start.rs"]
mod start;
#[cfg(unix)]
mod support;

/// Functions with their names.
#[cfg(unix)]
macro_rules! cases {
    ($($module:ident :: { $($case:ident),* $(,)? })*) => {
        &[$($((stringify!($case), $module::$case as fn())),*),*]
    };
}

#[cfg(unix)]
const CHILDREN: &[child::Case] = cases! {
    start::{ nothing_kept, twice, twice_strictly, foreign_logger, foreign_subscriber, no_stdout, no_signals, no_signals_strictly }
    end::{ exits, aborts, returns, acknowledges, destructors }
    panicking::{
        main_thread, drop_logs_while_unwinding, debug_panics_while_unwinding, caught_on_main,
        hook_logs, message_panics,
    }
    signals_in_a_row::{ last_wins, a_thousand, short_lived, storm }
};

#[cfg(unix)]
const TESTS: &[child::Case] = cases! {
    start::{
        nothing_has_to_be_kept_alive,
        a_second_start_panics_and_leaves_the_first_as_it_was,
        a_second_strict_start_is_an_error_and_leaves_the_first_as_it_was,
        another_logger_for_the_log_crate_is_a_warning_and_no_more,
        another_subscriber_is_left_as_it_was,
        a_standard_output_that_is_closed_from_the_start_harms_nothing,
        where_signals_cannot_be_handled_logging_starts_and_says_so,
        where_signals_cannot_be_handled_the_strict_form_installs_nothing,
    }
    end::{
        every_line_arrives_before_exit,
        every_line_arrives_before_abort,
        every_line_arrives_before_main_returns,
        kill_9_takes_no_line_that_was_acknowledged,
        destructors_of_thread_locals_may_log,
        a_terminal_takes_every_line,
    }
    panicking::{
        a_panic_of_the_main_thread_is_one_line_and_ends_the_process_as_ever,
        a_panic_of_the_main_thread_with_output_broken_ends_the_process_as_ever,
        a_drop_may_log_while_unwinding,
        a_debug_that_panics_while_unwinding_does_not_abort,
        a_panic_that_is_caught_is_a_line_too,
        a_panic_hook_that_logs_does_no_harm_with_output_broken,
        a_panic_whose_message_panics_ends_the_process_as_it_does_without_us,
    }
    signals_in_a_row::{
        of_two_signals_the_last_one_sent_wins,
        a_thousand_signals_leave_the_process_alive_and_in_the_right_state,
        change_lines_tell_one_story_when_signals_and_expiry_meet,
        a_storm_of_signals_costs_no_line_of_100_000,
    }
};

#[cfg(unix)]
fn main() {
    child::serve(CHILDREN);
    // As libtest has it: a name, or part of one, chooses.
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let wanted = wanted.unwrap_or_default();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in TESTS.iter().filter(|(name, _)| name.contains(&wanted)) {
        let went = std::panic::catch_unwind(test);
        println!(
            "test {name} ... {}",
            if went.is_ok() { "ok" } else { "FAILED" }
        );
        *if went.is_ok() {
            &mut passed
        } else {
            &mut failed
        } += 1;
    }
    println!("{passed} passed, {failed} failed");
    std::process::exit(i32::from(failed > 0));
}

#[cfg(not(unix))]
fn main() {}

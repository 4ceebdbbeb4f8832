//! The turn to write, under loom: every order of two or three threads' steps up to a number of
//! preemptions, and every value that a relaxed load may see.

pub(crate) mod stand_in;

use crate::variants;
use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::{self, JoinHandle};
use stand_in::process;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// `Turn`, weakened or not.
trait Lock: Send + Sync + 'static {
    type Taken<'a>;

    fn new() -> Self;
    fn take(&self, give_up: impl FnMut() -> bool) -> Option<Self::Taken<'_>>;
}

macro_rules! locks {
    ($($variant:ident)*) => {$(
        impl Lock for variants::$variant::turn::Turn {
            type Taken<'a> = variants::$variant::turn::Taken<'a>;

            fn new() -> Self {
                Self::new()
            }

            fn take(&self, give_up: impl FnMut() -> bool) -> Option<Self::Taken<'_>> {
                self.take(give_up)
            }
        }
    )*};
}

/// A sink: what is written under the turn.
struct Sink<L> {
    turn: L,
    lines: UnsafeCell<usize>,
    /// As the channel's: relaxed, and read by the next writer.
    torn: AtomicBool,
}

// The turn is what makes this true, and loom says if it does not.
unsafe impl<L: Sync> Sync for Sink<L> {}
unsafe impl<L: Send> Send for Sink<L> {}

impl<L: Lock> Sink<L> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            turn: L::new(),
            lines: UnsafeCell::new(0),
            torn: AtomicBool::new(false),
        })
    }

    fn write(&self) {
        let taken = self.turn.take(|| false);
        self.line();
        drop(taken);
    }

    /// loom fails where two write at once, or where one does not see what the one before did.
    fn line(&self) {
        assert!(!self.torn.load(Ordering::Relaxed), "half of a line is seen");
        self.torn.store(true, Ordering::Relaxed);
        self.lines.with_mut(|lines| unsafe { *lines += 1 });
        self.torn.store(false, Ordering::Relaxed);
    }

    fn assert_lines(&self, expected: usize) {
        self.write();
        self.lines
            .with(|lines| assert_eq!(unsafe { *lines }, expected + 1));
    }
}

/// A thread of the process `id`.
fn spawn_in(id: u32, run: impl FnOnce() + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        process::set_id(id);
        run();
    })
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Tries the orders with at most so many `preemptions`, more with `LONG`.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let long = usize::from(std::env::var_os("LONG").is_some());
    let orders = std::sync::Arc::new(AtomicUsize::new(0));
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions + long);
    builder.max_branches = 1_000;
    let counted = orders.clone();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    println!("{} orders", orders.load(Relaxed));
}

/// Threads of one process.
fn threads_take_turns<L: Lock>(threads: usize, lines: usize, preemptions: usize) {
    explore(preemptions, move || {
        let sink = Sink::<L>::new();
        let write = |_| {
            let sink = sink.clone();
            thread::spawn(move || (0..lines).for_each(|_| sink.write()))
        };
        join((0..threads).map(write).collect::<Vec<_>>());
        sink.assert_lines(threads * lines);
    });
}

/// A child forked while a thread of its parent wrote: that thread is in the lock, and nowhere else.
fn a_child_takes_over<L: Lock>(preemptions: usize) {
    explore(preemptions, || {
        let sink = Sink::<L>::new();
        std::mem::forget(sink.turn.take(|| false));
        let write = |_| {
            let sink = sink.clone();
            spawn_in(2, move || sink.write())
        };
        join((0..2).map(write).collect::<Vec<_>>());
        process::set_id(2);
        sink.assert_lines(2);
    });
}

/// A thread that forks while it has the turn, and gives it back in the child, whose other threads
/// take it over meanwhile.
fn a_fork_in_a_turn<L: Lock>(preemptions: usize) {
    explore(preemptions, || {
        let sink = Sink::<L>::new();
        let taken = sink.turn.take(|| false);
        process::set_id(2);
        let write = |_| {
            let sink = sink.clone();
            spawn_in(2, move || sink.write())
        };
        let threads: Vec<_> = (0..2).map(write).collect();
        drop(taken);
        join(threads);
        sink.assert_lines(2);
    });
}

/// The same two forks deep, where the grandchild got its grandparent's process id.
fn a_recycled_process_id<L: Lock>(preemptions: usize) {
    explore(preemptions, || {
        let sink = Sink::<L>::new();
        let taken = sink.turn.take(|| false);
        process::set_id(2);
        sink.write();
        process::set_id(1);
        let write = |_| {
            let sink = sink.clone();
            spawn_in(1, move || sink.write())
        };
        let threads: Vec<_> = (0..2).map(write).collect();
        drop(taken);
        join(threads);
        sink.assert_lines(3);
    });
}

/// One that does not wait for long, while others do.
fn one_gives_up<L: Lock>(preemptions: usize) {
    explore(preemptions, || {
        let sink = Sink::<L>::new();
        let taken = sink.turn.take(|| false);
        assert!(sink.turn.take(|| true).is_none(), "two have the turn");
        let write = {
            let sink = sink.clone();
            thread::spawn(move || sink.write())
        };
        let try_to = {
            let sink = sink.clone();
            thread::spawn(move || {
                if let Some(taken) = sink.turn.take(|| true) {
                    sink.line();
                    drop(taken);
                }
            })
        };
        sink.line();
        drop(taken);
        join([write, try_to]);
        // It is free: nobody waits for it.
        assert!(sink.turn.take(|| true).is_some(), "the turn is lost");
    });
}

type Real = variants::real::turn::Turn;

locks!(real);

#[test]
fn two_threads_write_one_line_at_a_time() {
    threads_take_turns::<Real>(2, 2, 4);
}

#[test]
fn three_threads_write_one_line_at_a_time() {
    threads_take_turns::<Real>(3, 1, 3);
}

#[test]
fn a_forked_child_takes_the_turn_over_once() {
    a_child_takes_over::<Real>(3);
}

#[test]
fn who_forked_in_a_turn_ends_nobody_elses() {
    a_fork_in_a_turn::<Real>(3);
}

#[test]
fn a_process_id_used_again_ends_nobody_elses_turn() {
    a_recycled_process_id::<Real>(3);
}

#[test]
fn who_gives_up_leaves_the_turn_as_it_was() {
    one_gives_up::<Real>(3);
}

/// The models fail where they should.
mod weakened {
    use super::*;

    locks! {
        takes_without_acquire gives_back_without_release gives_back_without_a_look_at_the_ticket
        gives_back_nothing shares_tickets takes_over_without_a_comparison takes_over_from_its_own
        never_takes_over never_gives_up
    }

    macro_rules! caught {
        ($($variant:ident: $expected:literal, $model:ident($($arguments:tt)*);)*) => {$(
            #[test]
            #[should_panic(expected = $expected)]
            fn $variant() {
                $model::<variants::$variant::turn::Turn>($($arguments)*);
            }
        )*};
    }

    caught! {
        takes_without_acquire: "Causality violation", threads_take_turns(2, 1, 2);
        gives_back_without_release: "Causality violation", threads_take_turns(2, 1, 2);
        gives_back_nothing: "exceeded", threads_take_turns(2, 1, 2);
        takes_over_from_its_own: "Causality", threads_take_turns(2, 1, 2);
        takes_over_without_a_comparison: "Causality", a_child_takes_over(2);
        never_takes_over: "exceeded", a_child_takes_over(2);
        gives_back_without_a_look_at_the_ticket: "Causality", a_fork_in_a_turn(2);
        shares_tickets: "Causality", a_recycled_process_id(2);
        never_gives_up: "exceeded", one_gives_up(2);
    }
}

//! Spans opened, entered, left, recorded in and dropped in any order, on one thread or two.

use proptest::prelude::*;
use std::cell::Cell;

use crate::programs::{Step, program};
use crate::support::figures::holds;
use crate::threads::Lockstep;
use crate::world::World;
use crate::{SPANS, SPANS_OF_TWO_THREADS, check};

/// Does what `program` says, and compares each line with the model's; gives the counts.
fn outcome(program: Vec<Step>, other: Option<&Lockstep>) -> Result<[u64; 4], TestCaseError> {
    let mut world = World::new(other);
    for (thread, op) in program {
        world.step(thread, op);
    }
    world.end(if other.is_some() { 2 } else { 1 });
    for (lines, expected) in world.lines() {
        prop_assert_eq!(&lines[..], expected);
    }
    Ok(world.counts())
}

#[test]
fn a_line_says_of_its_spans_what_a_plain_model_of_them_says() {
    let (programs, totals) = (Cell::new(0), Cell::new([0; 4]));
    check!(SPANS, program(1), |program| {
        let counts = outcome(program, None)?;
        let total = totals.get();
        totals.set(std::array::from_fn(|index| total[index] + counts[index]));
        programs.set(programs.get() + 1);
        Ok(())
    });
    let programs = programs.get();
    holds!(
        41,
        totals.get(),
        "{programs} programs of spans, 0 lines other than the model's"
    );
}

#[test]
fn a_line_says_the_same_where_two_threads_share_their_spans() {
    let other = Lockstep::new();
    check!(SPANS_OF_TWO_THREADS, program(2), |program| {
        outcome(program, Some(&other)).map(drop)
    });
}

//! What a program does, done: through the calls that `Span` and the macros make, on this thread or
//! on one that moves in step with it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use tracing::dispatcher::with_default;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event};

use crate::given::Given;
use crate::programs::Kind;
use crate::sites::with_values;

/// An operation, its spans known.
pub(crate) enum Call {
    Open(&'static Kind, Under, Vec<Given>),
    Record(&'static Kind, Id, Vec<Given>),
    Enter(Id),
    Exit(Id),
    Clone(Id),
    Drop(Id),
    Follows(Id, Id),
    Event(&'static Kind, Under, Vec<Given>),
}

pub(crate) enum Under {
    Current,
    Root,
    Span(Id),
}

/// What came of it: the span that was opened, and the one the thread is in now.
pub(crate) type Done = (Option<Id>, Option<Id>);

fn perform(dispatch: &Dispatch, call: &Call) -> Done {
    let mut opened = None;
    match call {
        Call::Open(kind, under, given) => with_values(kind.site, kind.take(given), |values| {
            opened = Some(dispatch.new_span(&match under {
                Under::Current => Attributes::new(kind.site, values),
                Under::Root => Attributes::new_root(kind.site, values),
                Under::Span(parent) => Attributes::child_of(parent.clone(), kind.site, values),
            }));
        }),
        Call::Record(kind, span, given) => with_values(kind.site, kind.take(given), |values| {
            dispatch.record(span, &Record::new(values));
        }),
        Call::Enter(span) => dispatch.enter(span),
        Call::Exit(span) => dispatch.exit(span),
        Call::Clone(span) => drop(dispatch.clone_span(span)),
        Call::Drop(span) => drop(dispatch.try_close(span.clone())),
        Call::Follows(span, from) => dispatch.record_follows_from(span, from),
        Call::Event(kind, under, given) => {
            with_values(kind.site, kind.take(given), |values| match under {
                Under::Current => Event::dispatch(kind.site, values),
                Under::Root => Event::child_of(None, kind.site, values),
                Under::Span(parent) => Event::child_of(parent.clone(), kind.site, values),
            });
        }
    }
    (opened, dispatch.current_span().id().cloned())
}

type Job = Box<dyn FnOnce() -> Done + Send>;

/// A thread that does one thing at a time, while its owner waits.
pub(crate) struct Lockstep {
    jobs: Sender<Job>,
    done: Receiver<std::thread::Result<Done>>,
}

impl Lockstep {
    pub(crate) fn new() -> Self {
        let (jobs, next) = channel::<Job>();
        let (tell, done) = channel();
        // It ends when its owner does.
        std::thread::spawn(move || {
            for job in next {
                let _ = tell.send(catch_unwind(AssertUnwindSafe(job)));
            }
        });
        Self { jobs, done }
    }

    fn run(&self, job: Job) -> Done {
        self.jobs.send(job).unwrap();
        self.done
            .recv()
            .unwrap()
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Does `call` on this thread, or on the other.
pub(crate) fn run(dispatch: &Dispatch, other: Option<&Lockstep>, call: Call) -> Done {
    let dispatch = dispatch.clone();
    let job = move || with_default(&dispatch, || perform(&dispatch, &call));
    match other {
        None => job(),
        Some(thread) => thread.run(Box::new(job)),
    }
}

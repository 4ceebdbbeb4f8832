//! Spans as `tracing` documents them, in plain vectors: who is open, whose child it is, what it
//! recorded, and which spans each thread is in.

use crate::given::Given;
use crate::model::{Pairs, Spanned};
use crate::programs::Kind;

/// One span, from its opening on.
struct Node {
    kind: &'static Kind,
    /// The span around it.
    parent: Option<usize>,
    /// The one that stays open while this is: its parent, as the registry has it.
    keeps: Option<usize>,
    recorded: Pairs,
    /// Handles that the program holds.
    handles: usize,
    is_open: bool,
}

/// All spans that ever were, and those that each thread has entered and not left.
pub(crate) struct Tree {
    nodes: Vec<Node>,
    entered: [Vec<usize>; 2],
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            entered: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn open(&mut self, kind: &'static Kind, parent: Option<usize>) -> usize {
        self.nodes.push(Node {
            kind,
            parent,
            keeps: parent,
            recorded: Vec::new(),
            handles: 1,
            is_open: true,
        });
        self.nodes.len() - 1
    }

    /// Opens a child of the span that the thread is in.
    pub(crate) fn open_here(&mut self, kind: &'static Kind, thread: usize) -> usize {
        let keeps = self.current_in_registry(thread);
        let span = self.open(kind, self.current(thread));
        self.nodes[span].keeps = keeps;
        span
    }

    pub(crate) fn record(&mut self, span: usize, given: &[Given]) {
        let node = &mut self.nodes[span];
        node.recorded.extend(node.kind.pairs(given));
    }

    pub(crate) fn enter(&mut self, thread: usize, span: usize) {
        self.entered[thread].push(span);
    }

    /// Takes back the last time that the thread entered the span, whatever it entered since.
    pub(crate) fn exit(&mut self, thread: usize, span: usize) {
        let entered = &mut self.entered[thread];
        if let Some(at) = entered.iter().rposition(|&other| other == span) {
            entered.remove(at);
        }
    }

    pub(crate) fn hold(&mut self, span: usize) {
        self.nodes[span].handles += 1;
    }

    /// Gives the spans that this closes: the span, and ancestors that nothing else kept open.
    pub(crate) fn release(&mut self, span: usize) -> Vec<usize> {
        self.nodes[span].handles -= 1;
        let mut closed = Vec::new();
        let mut next = Some(span);
        while let Some(span) = next {
            let mut open = self.nodes.iter().filter(|node| node.is_open);
            if self.nodes[span].handles > 0 || open.any(|node| node.keeps == Some(span)) {
                break;
            }
            self.nodes[span].is_open = false;
            closed.push(span);
            next = self.nodes[span].keeps;
        }
        closed
    }

    /// The innermost open span that the thread is in. One that is entered again while it is
    /// entered stays where it was.
    pub(crate) fn current(&self, thread: usize) -> Option<usize> {
        self.stack(thread).rfind(|&span| self.nodes[span].is_open)
    }

    /// The same as the registry has it: a thread whose innermost span was closed is in none.
    pub(crate) fn current_in_registry(&self, thread: usize) -> Option<usize> {
        let innermost = self.stack(thread).next_back();
        innermost.filter(|&span| self.nodes[span].is_open)
    }

    fn stack(&self, thread: usize) -> impl DoubleEndedIterator<Item = usize> {
        let entered = &self.entered[thread];
        let all = entered.iter().copied().enumerate();
        all.filter(|(at, span)| !entered[..*at].contains(span))
            .map(|(_, span)| span)
    }

    pub(crate) fn entered(&self, thread: usize) -> &[usize] {
        &self.entered[thread]
    }

    pub(crate) fn is_open(&self, span: usize) -> bool {
        self.nodes[span].is_open
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.nodes.len()).collect()
    }

    /// Spans that the program has a handle of, and may do anything with.
    pub(crate) fn held(&self) -> Vec<usize> {
        let mut all = self.all();
        all.retain(|&span| self.nodes[span].handles > 0);
        all
    }

    pub(crate) fn kind(&self, span: usize) -> &'static Kind {
        self.nodes[span].kind
    }

    /// From the root to the span.
    pub(crate) fn chain(&self, span: Option<usize>) -> Vec<Spanned<'_>> {
        let around = std::iter::successors(span, |&span| self.nodes[span].parent);
        let mut chain: Vec<_> = around
            .map(|span| (self.nodes[span].kind.name, &self.nodes[span].recorded))
            .collect();
        chain.reverse();
        chain
    }
}

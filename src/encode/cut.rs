//! Makes a line fit: Docker and containerd split lines above 16 KiB, and half a line is no JSON
//! (moby/moby#34855). What is cut goes in the order of least loss; time and level always stay.

use crate::encode::assemble::live;
use crate::encode::escape::{cut_escaped, cut_text};
use crate::encode::fields::{Fields, Kind, Role};
use crate::encode::value::CUT;
use crate::encode::{Assembly, Content, Layout};
use crate::metadata::span::SpanNode;
use std::sync::Arc;

/// Strings are cut to no less than this before whole values go.
const SHORTEST_STRING: usize = 32;
/// What stays of an identifier, and of texts in `encode_errors`.
const SHORT: usize = 64;

/// What an entry in `encode_errors` takes, about.
const ENTRY: usize = 3 * SHORT;

/// The parts of a line, owned, so that they can be cut.
struct Parts {
    event: Fields,
    statics: Fields,
    spans: Vec<(&'static str, Fields)>,
    longest_name: usize,
    removed: u64,
}

/// Writes `content` again after `start`, cut until it is within the limit.
pub(super) fn fit(
    layout: &Layout,
    content: &Content<'_>,
    assembly: &mut Assembly,
    out: &mut Vec<u8>,
    start: usize,
) {
    let mut parts = Parts {
        event: content.event.clone(),
        statics: content.statics.clone(),
        spans: content
            .chain
            .iter()
            .map(|node| (node.name(), node.with_fields(Fields::clone)))
            .collect(),
        longest_name: usize::MAX,
        removed: 0,
    };
    // Each is taken again while it makes the line shorter: what it puts in place of what it takes
    // needs room as well.
    let steps: [fn(&mut Parts, usize) -> bool; 10] = [
        Parts::cut_strings,
        Parts::drop_nested,
        Parts::drop_spans,
        Parts::drop_fields,
        Parts::drop_statics,
        Parts::drop_errors,
        Parts::cut_names,
        Parts::cut_message,
        Parts::cut_identifiers,
        Parts::drop_identifiers,
    ];
    let mut over = parts.assemble(layout, content, assembly, out, start);
    for step in steps {
        while over > 0 && step(&mut parts, over) {
            over = parts.assemble(layout, content, assembly, out, start);
        }
    }
}

impl Parts {
    /// Writes the line, and gives the number of bytes it is too long.
    fn assemble(
        &self,
        layout: &Layout,
        content: &Content<'_>,
        assembly: &mut Assembly,
        out: &mut Vec<u8>,
        start: usize,
    ) -> usize {
        let chain: Vec<Arc<SpanNode>> = self
            .spans
            .iter()
            .map(|(name, fields)| SpanNode::detached(name, fields.clone()))
            .collect();
        out.truncate(start);
        let content = Content {
            now: content.now,
            head: content.head,
            longest_name: self.longest_name,
            event: &self.event,
            chain: &chain,
            statics: &self.statics,
            truncated: true,
            removed: self.removed,
        };
        layout.assemble(&content, assembly, out);
        (out.len() - start).saturating_sub(layout.rules.limit)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Fields> {
        std::iter::once(&mut self.event).chain(self.spans.iter_mut().map(|(_, fields)| fields))
    }

    /// The longest strings first, all to one length. As each step: false if there was nothing left to
    /// take.
    fn cut_strings(&mut self, over: usize) -> bool {
        let mut lengths: Vec<usize> = self
            .all()
            .flat_map(|fields| {
                let texts = live(fields).filter(|piece| piece.kind == Kind::Text);
                texts
                    .map(|piece| fields.value(piece).len())
                    .collect::<Vec<_>>()
            })
            .collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let mut saved = 0;
        let mut keep = SHORTEST_STRING;
        for (index, &length) in lengths.iter().enumerate() {
            let next = lengths.get(index + 1).copied().unwrap_or(0);
            let next = next.max(SHORTEST_STRING);
            if length <= next {
                continue;
            }
            let step = (index + 1) * (length - next);
            if saved + step >= over {
                // Rounded up: a byte too many of each string, but never one too few.
                let level = (over - saved).div_ceil(index + 1);
                keep = (length - level).max(SHORTEST_STRING);
                break;
            }
            saved += step;
        }
        let mut taken = false;
        for fields in self.all() {
            for index in 0..fields.pieces().len() {
                if fields.pieces()[index].role == Role::Field {
                    taken |= cut_string(fields, index, keep.saturating_sub(2));
                }
            }
        }
        taken
    }

    /// Nested values, largest first, to `null`, with the beginning of their text.
    fn drop_nested(&mut self, over: usize) -> bool {
        let mut saved = 0;
        for fields in self.all() {
            for failure in fields.failures_mut() {
                for text in [&mut failure.debug, &mut failure.error, &mut failure.key] {
                    let kept = cut_text(text, SHORT).len();
                    saved += text.len() - kept;
                    text.truncate(kept);
                }
            }
        }
        let mut taken = saved > 0;
        let mut nested: Vec<(usize, usize, usize)> = Vec::new();
        for (of, fields) in self.all().enumerate() {
            let pieces = fields.pieces().iter().zip(fields.sizes()).enumerate();
            nested.extend(pieces.filter_map(|(at, (piece, size))| {
                let wanted = piece.role == Role::Field && piece.kind == Kind::Nested;
                (wanted && size > ENTRY).then_some((size, of, at))
            }));
        }
        nested.sort_unstable_by(|a, b| b.cmp(a));
        let mut failing = vec![Vec::new(); self.spans.len() + 1];
        for (size, of, at) in nested {
            if saved >= over {
                break;
            }
            failing[of].push(at);
            saved += size - ENTRY;
            taken = true;
        }
        for (fields, places) in self.all().zip(failing) {
            fields.fail(&places, CUT, SHORT);
        }
        taken
    }

    /// The spans' fields and names; identifiers stay.
    fn drop_spans(&mut self, _over: usize) -> bool {
        let taken = !self.spans.is_empty();
        let mut identifiers = Fields::default();
        for (_, mut fields) in self.spans.drain(..) {
            self.removed += remove_largest(&mut fields, usize::MAX);
            identifiers.absorb(&fields);
        }
        identifiers.absorb(&self.event);
        self.event = identifiers;
        taken
    }

    fn drop_fields(&mut self, over: usize) -> bool {
        let taken = remove_largest(&mut self.event, over);
        self.removed += taken;
        taken > 0
    }

    fn drop_statics(&mut self, over: usize) -> bool {
        let taken = remove_largest(&mut self.statics, over);
        self.removed += taken;
        taken > 0
    }

    fn drop_errors(&mut self, _over: usize) -> bool {
        let failures = self.event.failures_mut();
        let taken = !failures.is_empty();
        failures.clear();
        taken
    }

    /// Target, file and thread.
    fn cut_names(&mut self, _over: usize) -> bool {
        let mut taken = self.longest_name > SHORT;
        self.longest_name = SHORT;
        for index in 0..self.event.pieces().len() {
            if matches!(self.event.pieces()[index].role, Role::Log(_)) {
                taken |= cut_string(&mut self.event, index, SHORT);
            }
        }
        taken
    }

    /// Not to nothing: a long identifier shall not cost the message.
    fn cut_message(&mut self, over: usize) -> bool {
        let mut pieces = self.event.pieces().iter();
        let Some(index) = pieces.position(|piece| piece.role == Role::Message) else {
            return false;
        };
        let inside = self.event.value(&self.event.pieces()[index]).len() - 2;
        let limit = inside.saturating_sub(over).max(SHORT);
        cut_string(&mut self.event, index, limit)
    }

    fn cut_identifiers(&mut self, _over: usize) -> bool {
        let mut taken = false;
        for index in 0..self.event.pieces().len() {
            if matches!(self.event.pieces()[index].role, Role::Identifier(_)) {
                taken |= cut_string(&mut self.event, index, SHORT);
            }
        }
        taken
    }

    /// More identifiers than any line has room for. Without them, the rest fits the least cap.
    fn drop_identifiers(&mut self, _over: usize) -> bool {
        let mut pieces = self.event.pieces().iter();
        let last = pieces.rposition(|piece| matches!(piece.role, Role::Identifier(_)));
        if let Some(index) = last {
            self.event.remove(index);
            self.removed += 1;
        }
        last.is_some()
    }
}

/// Cuts a string's inside to at most `limit` bytes; false if it is no string or no longer than that.
fn cut_string(fields: &mut Fields, index: usize, limit: usize) -> bool {
    if fields.pieces()[index].kind != Kind::Text {
        return false;
    }
    let value = fields.value(&fields.pieces()[index]);
    let inside = &value[1..value.len().saturating_sub(1).max(1)];
    if inside.len() <= limit {
        return false;
    }
    let mut kept = Vec::with_capacity(limit + 2);
    kept.push(b'"');
    kept.extend_from_slice(&inside[..cut_escaped(inside, limit)]);
    kept.push(b'"');
    fields.rewrite(index, Kind::Text, &kept);
    true
}

/// Removes fields, largest first, until `over` bytes are saved; gives how many went.
fn remove_largest(fields: &mut Fields, over: usize) -> u64 {
    let pieces = fields.pieces().iter().zip(fields.sizes()).enumerate();
    let mut sizes: Vec<(usize, usize)> = pieces
        .filter(|(_, (piece, _))| piece.role == Role::Field)
        .map(|(index, (piece, size))| (fields.key(piece).len() + size, index))
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut saved = 0;
    let needed = sizes.into_iter().take_while(|&(size, _)| {
        let more = saved < over;
        // And its comma.
        saved += size + 1;
        more
    });
    let removed: Vec<usize> = needed.map(|(_, at)| at).collect();
    let count = removed.len() as u64;
    fields.remove_all(removed);
    count
}

//! A program: what is set, what is opened, entered, recorded and logged, and how the writer fails.

use crate::events::nested::Nested;
use crate::events::raw::Raw;
use crate::events::script::{Link, Loud, Script};
use crate::events::text::Text;
use crate::events::writer::Fault;
use arbitrary::Arbitrary;

#[derive(Arbitrary, Clone, Debug)]
pub struct Program {
    pub setup: Setup,
    pub steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Debug)]
pub struct Setup {
    pub flat: bool,
    pub precision: u8,
    pub spans: bool,
    pub location: bool,
    pub thread: bool,
    pub span_close: bool,
    pub not_finite_as_text: bool,
    pub cap: Cap,
    pub statics: Vec<(Text, Text)>,
    pub identifiers: Option<Vec<Text>>,
    pub faults: Vec<Fault>,
    pub clock: (i64, u32),
}

impl Setup {
    /// What `log`'s bridge calls its facts makes no sense as an identifier.
    pub fn identifiers(&self) -> Vec<String> {
        let usual = || {
            ["request_id", "user_id", "trace_id"]
                .map(str::to_owned)
                .to_vec()
        };
        self.identifiers.as_ref().map_or_else(usual, |names| {
            let names = names.iter().map(|name| name.0.clone());
            names.filter(|name| !name.starts_with("log.")).collect()
        })
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Cap {
    None,
    Least,
    /// Raised to the least.
    Some(u16),
    Thousand,
    Default,
}

impl Cap {
    pub fn bytes(self) -> usize {
        match self {
            Cap::None => 0,
            Cap::Least => 512,
            Cap::Some(bytes) => bytes.into(),
            Cap::Thousand => 1000,
            Cap::Default => 16_383,
        }
    }
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    Open {
        site: u8,
        parent: Parent,
        fields: Vec<Field>,
    },
    Record {
        span: u8,
        fields: Vec<Field>,
    },
    Enter(u8),
    Exit(u8),
    Close(u8),
    Event {
        site: u8,
        parent: Parent,
        fields: Vec<Field>,
    },
    Log(Record),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Parent {
    Current,
    Root,
    Span(u8),
}

/// The name's place among those of the site, and the value.
#[derive(Arbitrary, Clone, Debug)]
pub struct Field {
    pub name: u8,
    pub value: Value,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(i128),
    WideUnsigned(u128),
    Float(f64),
    Text(Text),
    Bytes(Vec<u8>),
    Debug(Loud),
    Display(Script),
    Error(Link),
    Json(Nested),
    Raw(Raw),
    Empty,
}

/// A record of the `log` crate, whose keys are any text.
#[derive(Arbitrary, Clone, Debug)]
pub struct Record {
    pub level: u8,
    pub target: Text,
    pub message: Script,
    pub file: Option<Text>,
    pub line: Option<u32>,
    pub pairs: Vec<(Text, Pair)>,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Pair {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(i128),
    Float(f64),
    Character(char),
    Text(Text),
    Debug(Loud),
    Display(Script),
    Error(Link),
}

//! The key-values of a `log` record.

use crate::events::program::Pair;
use crate::events::text::Text;
use log::kv::{Error, Key, Source, Value, VisitSource};

pub struct Pairs<'a>(pub &'a [(Text, Pair)]);

impl Source for Pairs<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        for (key, pair) in self.0 {
            let value = match pair {
                Pair::Null => Value::null(),
                Pair::Bool(value) => Value::from(*value),
                Pair::Signed(value) => Value::from(*value),
                Pair::Unsigned(value) => Value::from(*value),
                Pair::Wide(value) => Value::from(value),
                Pair::Float(value) => Value::from(*value),
                Pair::Character(value) => Value::from(*value),
                Pair::Text(text) => Value::from(text.0.as_str()),
                Pair::Debug(script) => Value::from_dyn_debug(script),
                Pair::Display(script) => Value::from_dyn_display(script),
                Pair::Error(link) => Value::from_dyn_error(link),
            };
            visitor.visit_pair(Key::from_str(&key.0), value)?;
        }
        Ok(())
    }
}

//! The places in a program's source: what macros would make, with names no source has.

use crate::events::text::NAMES;
use tracing_core::callsite::{Callsite, DefaultCallsite};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::{Level, Metadata, identify_callsite};

const LONG: &str = match str::from_utf8(&[b't'; 700]) {
    Ok(text) => text,
    Err(_) => "",
};

macro_rules! sites {
    ($list:ident $kind:ident: $($level:ident $name:expr, $target:expr, $file:expr;)*) => {
        pub static $list: &[fn() -> &'static Metadata<'static>] = &[$(|| {
            static SITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
            static METADATA: Metadata<'static> = Metadata::new(
                $name,
                $target,
                Level::$level,
                $file,
                Some(7),
                Some("shop"),
                FieldSet::new(NAMES, identify_callsite!(&SITE)),
                Kind::$kind,
            );
            SITE.metadata()
        }),*];
    };
}

sites! { EVENTS EVENT:
    INFO "event", "shop", Some("src/main.rs");
    ERROR "event", "a\nb\"c\\\u{202e}", Some("src/\n.rs");
    WARN "event", "", None;
    DEBUG "event", LONG, Some(LONG);
    TRACE "event", "hyper::proto", Some("");
    // As `tracing-log` makes them of records.
    INFO "log event", "log", Some("src/main.rs");
}

sites! { SPANS SPAN:
    INFO "request", "shop", Some("src/main.rs");
    ERROR "", "shop", None;
    DEBUG "line\nbreak\"\u{9b}", "a\nb", None;
    TRACE LONG, LONG, Some(LONG);
    WARN "name", "log", None;
}

//! The environment, read at boot.

use crate::encode::schema::Schema;
use crate::error::{DirectiveError, Misconfiguration};
use crate::init::Output;
use crate::init::builder::{Builder, Format};
use crate::layer::LEAST_LINE_BYTES;
use crate::panic::Panics;
use crate::sink::Sink;
use std::env;
use std::fmt::Display;
use std::time::Duration;

const DURATIONS: &str = "500ms, 30s, 10m, 2h or 0";

impl Builder {
    /// Takes what the environment says over what was set so far. A value that cannot be used is
    /// kept for [`init`](Builder::init) to warn of and [`try_init`](Builder::try_init) to refuse.
    ///
    /// | variable | default | meaning |
    /// |---|---|---|
    /// | `LOG_LEVEL`, else `RUST_LOG` | `info` | [directives](crate::LevelHandle) |
    /// | `LOG_FORMAT` | `default` | `default`, `flat`, or `text` for readable lines while developing: `tracing-subscriber`'s formatter writes them, and the promises are not its |
    /// | `LOG_OUTPUT` | `stdout` | `stdout`, `stderr`, or a file's path |
    /// | `LOG_SPANS` | `on` | `off` leaves the spans out |
    /// | `LOG_SIGNALS`, `LOG_PANICS` | `on` | `off` leaves signals or panics alone |
    /// | `LOG_DEBUG_LEVEL`, `LOG_DEBUG_TTL` | `debug`, `10m` | what `SIGUSR1` sets, and for how long; `0`: until reset |
    /// | `LOG_MAX_LINE_BYTES` | `16383` | longest line; at least 512, `0` for no limit |
    /// | `LOG_STALL` | `1s` | how long a sink without room may hold up log calls; `block`: for ever |
    ///
    /// An empty value is an unset one.
    ///
    /// ```no_run
    /// let logging = tracing_jsonl::Logging::builder()
    ///     .static_field("service", "shop")
    ///     .from_env()
    ///     .init();
    /// ```
    #[allow(clippy::wrong_self_convention)] // the field's usual name for this
    pub fn from_env(mut self) -> Self {
        self.read_level();
        if let Some((name, value)) = variable("LOG_FORMAT") {
            match value.as_str() {
                "text" => self.format = Format::Text,
                schema => match Schema::named(schema) {
                    Some(schema) => self.format = Format::Json(schema),
                    None => self.refuse(name, &value, "no such format", "default, flat, text"),
                },
            }
        }
        if let Some((name, value)) = variable("LOG_OUTPUT") {
            match value.as_str() {
                "stdout" => self.output = Output::Sink(Sink::stdout()),
                "stderr" => self.output = Output::Sink(Sink::stderr()),
                // As it is: a path need not be UTF-8.
                _ => match Sink::file(env::var_os(name).unwrap_or_default()) {
                    Ok(sink) => self.output = Output::Sink(sink),
                    Err(error) => {
                        let problem = format!("cannot be opened: {error}");
                        self.refuse(name, &value, problem, "stdout, stderr, path of a file");
                    }
                },
            }
        }
        if let Some(spans) = self.switch("LOG_SPANS") {
            self.spans = spans;
        }
        if let Some(signals) = self.switch("LOG_SIGNALS") {
            self.signals = signals;
        }
        match self.switch("LOG_PANICS") {
            Some(false) => self.panics = Panics::Off,
            Some(true) if self.panics == Panics::Off => self.panics = Panics::Replace,
            _ => {}
        }
        if let Some((name, value)) = variable("LOG_DEBUG_LEVEL") {
            self.debug_level = (name, value);
        }
        if let Some((name, value)) = variable("LOG_DEBUG_TTL") {
            match duration(&value) {
                Some(ttl) => self.debug_ttl = ttl,
                None => self.refuse(name, &value, "not a duration", DURATIONS),
            }
        }
        if let Some((name, value)) = variable("LOG_MAX_LINE_BYTES") {
            self.set_max_line_bytes(name, &value);
        }
        if let Some((name, value)) = variable("LOG_STALL") {
            match (value.as_str(), duration(&value)) {
                ("block", _) => self.stall = Some(None),
                (_, Some(stall)) => self.stall = Some(Some(stall)),
                _ => {
                    let accepted = format!("{DURATIONS}, or block");
                    self.refuse(name, &value, "not a duration", &accepted);
                }
            }
        }
        if let Some((name, value)) = variable("LOG_REDACT") {
            // Silence would look like protection.
            self.refuse(name, &value, "fields are not redacted yet", "nothing");
        }
        self
    }

    fn read_level(&mut self) {
        if let Some((name, value)) = variable("LOG_LEVEL") {
            self.level = (name, value);
        } else if let Some((name, value)) = variable("RUST_LOG") {
            self.level = (name, value);
        }
    }

    pub(super) fn set_max_line_bytes(&mut self, setting: &'static str, value: &str) {
        let problem = match value.parse() {
            Ok(bytes) if bytes == 0 || bytes >= LEAST_LINE_BYTES => {
                self.max_line_bytes = bytes;
                return;
            }
            Ok(_) => "too short",
            Err(_) => "not a number",
        };
        self.refuse(setting, value, problem, "512 or more, or 0");
    }

    fn switch(&mut self, name: &'static str) -> Option<bool> {
        let (name, value) = variable(name)?;
        match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "1" => Some(true),
            "off" | "false" | "0" => Some(false),
            _ => {
                self.refuse(name, &value, "not a switch", "on, off");
                None
            }
        }
    }

    fn refuse(
        &mut self,
        setting: &'static str,
        value: &str,
        problem: impl Display,
        accepted: &str,
    ) {
        self.misconfigured.push(Misconfiguration {
            setting,
            value: value.to_owned(),
            problem: problem.to_string(),
            accepted: accepted.to_owned(),
        });
    }

    pub(crate) fn refuse_directive(
        &mut self,
        setting: &'static str,
        value: &str,
        error: &DirectiveError,
    ) {
        let problem = format!("directive `{}`: {}", error.directive(), error.problem());
        self.refuse(setting, value, problem, error.accepted());
    }
}

/// The trimmed value of a variable that is set and not empty.
fn variable(name: &'static str) -> Option<(&'static str, String)> {
    let value = env::var_os(name)?;
    let value = value.to_string_lossy();
    let value = value.trim();
    (!value.is_empty()).then(|| (name, value.to_owned()))
}

fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let millis = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, millis) in [
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("10 m", 600_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "10",
            "m",
            "-1s",
            "1.5s",
            "10 parsecs",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}

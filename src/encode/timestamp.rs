//! `SystemTime` to RFC 3339 text in UTC: fixed width, and defined for every clock reading.

use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// How many fractional digits a timestamp has; for [`Schema::with_precision`](crate::Schema::with_precision).
///
/// ```
/// use tracing_jsonl::{Precision, Schema};
/// let schema = Schema::default().with_precision(Precision::Nanos);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// `2026-11-23T14:26:46.123Z`
    Millis,
    /// `2026-11-23T14:26:46.123456Z`
    #[default]
    Micros,
    /// `2026-11-23T14:26:46.123456789Z`
    Nanos,
}

/// Remembers the text of the last second, so that most lines format the fraction only.
#[derive(Debug)]
pub(crate) struct Clock {
    second: i64,
    /// `YYYY-MM-DDTHH:MM:SS`
    text: [u8; 19],
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            second: 0,
            text: *b"1970-01-01T00:00:00",
        }
    }
}

impl Clock {
    /// Appends `now` without quotes. Years outside 0000 to 9999 give the nearest instant inside:
    /// RFC 3339 has no other, and a logger must not fail because a clock does.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, now: SystemTime, precision: Precision) {
        let (mut second, mut nanos) = since_epoch(now);
        const FIRST: i64 = -62_167_219_200;
        const LAST: i64 = 253_402_300_799;
        if second < FIRST {
            (second, nanos) = (FIRST, 0);
        } else if second > LAST {
            (second, nanos) = (LAST, 999_999_999);
        }
        if second != self.second {
            self.render(second);
        }
        out.extend_from_slice(&self.text);
        let (fraction, digits) = match precision {
            Precision::Millis => (nanos / 1_000_000, 3),
            Precision::Micros => (nanos / 1_000, 6),
            Precision::Nanos => (nanos, 9),
        };
        let mut tail = *b".000000000Z";
        decimal(&mut tail[1..=digits], fraction);
        tail[digits + 1] = b'Z';
        out.extend_from_slice(&tail[..digits + 2]);
    }

    #[cold]
    #[inline(never)]
    fn render(&mut self, second: i64) {
        let Ok(date) = OffsetDateTime::from_unix_timestamp(second) else {
            return;
        };
        let fields = [
            (0..4, date.year().unsigned_abs()),
            (5..7, u32::from(u8::from(date.month()))),
            (8..10, u32::from(date.day())),
            (11..13, u32::from(date.hour())),
            (14..16, u32::from(date.minute())),
            (17..19, u32::from(date.second())),
        ];
        for (place, value) in fields {
            decimal(&mut self.text[place], value);
        }
        self.second = second;
    }
}

/// Whole seconds since 1970, rounded down, and the nanoseconds above them.
pub(crate) fn since_epoch(now: SystemTime) -> (i64, u32) {
    match now.duration_since(UNIX_EPOCH) {
        Ok(after) => (
            i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            after.subsec_nanos(),
        ),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => (-seconds, 0),
                nanos => (-seconds - 1, 1_000_000_000 - nanos),
            }
        }
    }
}

fn decimal(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn text(clock: &mut Clock, now: SystemTime, precision: Precision) -> String {
        let mut out = Vec::new();
        clock.write(&mut out, now, precision);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn agrees_with_the_time_crate_wherever_the_clock_jumps() {
        use time::format_description::well_known::Rfc3339;
        let mut clock = Clock::default();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            // xorshift: no dependency for a spread of instants
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let span = 253_402_300_799_i64 + 62_135_596_800;
            let second = (state % span.unsigned_abs()).cast_signed() - 62_135_596_800;
            let nanos = (state >> 33) as u32 % 1_000_000_000;
            let offset = Duration::from_secs(second.unsigned_abs());
            let base = if second < 0 {
                UNIX_EPOCH - offset
            } else {
                UNIX_EPOCH + offset
            };
            let now = base + Duration::from_nanos(u64::from(nanos));
            let read = text(&mut clock, now, Precision::Nanos);
            let parsed = OffsetDateTime::parse(&read, &Rfc3339).unwrap();
            assert_eq!(parsed.unix_timestamp(), second, "{read}");
            assert_eq!(parsed.nanosecond(), nanos, "{read}");
            assert_eq!(read.len(), 30);
        }
    }

    #[test]
    fn every_reading_of_the_clock_prints_something_valid() {
        let mut clock = Clock::default();
        let far = Duration::from_secs(1 << 40);
        let cases = [
            (UNIX_EPOCH, "1970-01-01T00:00:00.000000Z"),
            (
                UNIX_EPOCH - Duration::from_nanos(1),
                "1969-12-31T23:59:59.999999Z",
            ),
            (UNIX_EPOCH + far, "9999-12-31T23:59:59.999999Z"),
            (UNIX_EPOCH - far, "0000-01-01T00:00:00.000000Z"),
        ];
        for (now, expected) in cases {
            assert_eq!(text(&mut clock, now, Precision::Micros), expected);
        }
        let now = UNIX_EPOCH + Duration::new(1_795_444_006, 123_456_789);
        assert_eq!(
            text(&mut clock, now, Precision::Millis),
            "2026-11-23T14:26:46.123Z"
        );
        assert_eq!(
            text(&mut clock, now, Precision::Nanos),
            "2026-11-23T14:26:46.123456789Z"
        );
    }
}

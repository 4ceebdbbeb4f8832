//! JSON string escaping: what JSON demands, and what a terminal or a bad parser would act on.

/// Bytes that can be copied without a look at what follows.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[0x7f] = false;
    // First bytes of the C1 controls, of U+061C, and of U+200E to U+2069.
    plain[0xc2] = false;
    plain[0xd8] = false;
    plain[0xe2] = false;
    plain
};

/// Appends `text` as the inside of a JSON string.
///
/// DEL, the C1 controls, U+2028/2029 and the bidirectional controls are escaped too: they mean the
/// same to a JSON parser, and nothing to a terminal (RUSTSEC-2025-0055).
pub(crate) fn escape(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    loop {
        at += plain_prefix(&bytes[at..]);
        let Some(&byte) = bytes.get(at) else {
            break;
        };
        if byte.is_ascii() {
            out.extend_from_slice(&bytes[copied..at]);
            escape_ascii(out, byte);
            at += 1;
            copied = at;
            continue;
        }
        let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else {
            break;
        };
        let width = character.len_utf8();
        if is_hidden(character) {
            out.extend_from_slice(&bytes[copied..at]);
            escape_code(out, character as usize);
            copied = at + width;
        }
        at += width;
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// How many bytes from the start can be copied as they are.
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk() {
        if !is_plain_word(u64::from_le_bytes(*word)) {
            break;
        }
        at += 8;
    }
    let rest = bytes[at..].iter();
    at + rest.take_while(|&&byte| PLAIN[usize::from(byte)]).count()
}

/// Whether eight bytes are all printable ASCII other than `"` and `\`.
///
/// Each term sets the high bit of a byte that is not; a borrow can only come from such a byte.
fn is_plain_word(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let delete = word.wrapping_add(ONES);
    (control | quote | backslash | delete | word) & HIGH == 0
}

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn escape_ascii(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => return escape_code(out, usize::from(byte)),
    };
    out.extend_from_slice(&[b'\\', short]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `\u` and four digits: all that is escaped so is in the basic plane.
#[cold]
#[inline(never)]
fn escape_code(out: &mut Vec<u8>, code: usize) {
    let digits = [12, 8, 4, 0].map(|shift| HEX[(code >> shift) & 0xf]);
    out.extend_from_slice(b"\\u");
    out.extend_from_slice(&digits);
}

/// Appends `text` as a whole JSON string, quotes included.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text);
    out.push(b'"');
}

/// The same, with the inside cut to at most `limit` bytes.
pub(crate) fn quote_within(out: &mut Vec<u8>, text: &str, limit: usize) {
    let start = out.len() + 1;
    quote(out, text);
    let inside = &out[start..out.len() - 1];
    if inside.len() > limit {
        let kept = cut_escaped(inside, limit);
        out.truncate(start + kept);
        out.push(b'"');
    }
}

/// Appends bytes as a string: their text if they are UTF-8, else hexadecimal.
pub(crate) fn quote_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return quote(out, text);
    }
    out.push(b'"');
    for byte in bytes {
        let digits = [byte >> 4, byte & 0xf].map(|digit| HEX[usize::from(digit)]);
        out.extend_from_slice(&digits);
    }
    out.push(b'"');
}

/// The longest prefix of an escaped string's inside that fits `limit` bytes and splits neither a
/// character nor an escape.
pub(crate) fn cut_escaped(inside: &[u8], limit: usize) -> usize {
    if inside.len() <= limit {
        return inside.len();
    }
    let mut at = 0;
    while let Some(&byte) = inside.get(at) {
        let width = match byte {
            b'\\' if inside.get(at + 1) == Some(&b'u') => 6,
            b'\\' | 0xc0..=0xdf => 2,
            0x00..=0x7f => 1,
            0xe0..=0xef => 3,
            _ => 4,
        };
        if at + width > limit {
            break;
        }
        at += width;
    }
    at
}

/// The longest prefix of `text` of at most `limit` bytes that ends on a character boundary.
pub(crate) fn cut_text(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        quote(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_reads_back_and_no_control_is_raw() {
        for character in '\0'..=char::MAX {
            let line = escaped(&character.to_string());
            let read: String = serde_json::from_str(&line).unwrap();
            assert_eq!(read.chars().next(), Some(character));
            let raw = line.chars().any(|c| c.is_control() || is_hidden(c));
            assert!(!raw, "{character:?} came through as {line}");
        }
    }

    #[test]
    fn a_cut_splits_neither_a_character_nor_an_escape() {
        let text = "a\u{1b}é\"€\\😀\u{2028}z";
        let line = escaped(text);
        let inside = &line.as_bytes()[1..line.len() - 1];
        for limit in 0..=inside.len() {
            let kept = &inside[..cut_escaped(inside, limit)];
            assert!(kept.len() <= limit);
            let line = format!("\"{}\"", std::str::from_utf8(kept).unwrap());
            let read: String = serde_json::from_str(&line).unwrap();
            assert!(text.starts_with(&read));
        }
    }
}

//! White space as Python's `str.isspace` has it.

/// The character that begins at byte `at`: its length in bytes and whether it is white space. Bytes that begin no character count as one each.
#[inline]
pub fn character(text: &[u8], at: usize) -> (usize, bool) {
    let rest = text.len() - at;
    match text[at] {
        byte @ 0..0x80 => (1, matches!(byte, 9..=13 | 28..=32)),
        0xc2 if rest >= 2 => (2, matches!(text[at + 1], 0x85 | 0xa0)),
        0xe1..=0xe3 if rest >= 3 => (3, wide_space([text[at], text[at + 1], text[at + 2]])),
        0xc0..0xe0 => (rest.min(2), false),
        0xe0..0xf0 => (rest.min(3), false),
        0xf0.. => (rest.min(4), false),
        _ => (1, false),
    }
}

/// U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
fn wide_space(bytes: [u8; 3]) -> bool {
    match bytes {
        [0xe1, 0x9a, 0x80] | [0xe2, 0x81, 0x9f] | [0xe3, 0x80, 0x80] => true,
        [0xe2, 0x80, last] => matches!(last, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf),
        _ => false,
    }
}

/// The text without white space at its end.
pub fn trim_end(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    while end > 0 {
        let back = (1..=end.min(4)).find(|&n| text[end - n] & 0xc0 != 0x80).unwrap_or(1);
        let (length, space) = character(text, end - back);
        if !space || length != back {
            break;
        }
        end -= back;
    }
    &text[..end]
}

/// The text without white space at its ends.
pub fn trim(text: &[u8]) -> &[u8] {
    let text = trim_end(text);
    let mut start = 0;
    while start < text.len() {
        let (length, space) = character(text, start);
        if !space {
            break;
        }
        start += length;
    }
    &text[start..]
}

/// Calls `word` with what stands between white space.
#[inline]
pub fn words<'a>(text: &'a [u8], mut word: impl FnMut(&'a [u8])) {
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let (length, space) = character(text, at);
        if space {
            if at > start {
                word(&text[start..at]);
            }
            start = at + length;
        }
        at += length;
    }
    if at > start {
        word(&text[start..]);
    }
}

/// Calls `word` with what stands between blanks or runs of two and more of white space: a single tab is part of a word (jiwer's rule).
pub fn spoken_words<'a>(text: &'a [u8], mut word: impl FnMut(&'a [u8])) {
    let text = trim(text);
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let run = at;
        let mut count = 0;
        let mut after = at;
        while after < text.len() {
            let (length, space) = character(text, after);
            if !space {
                at = after + length;
                break;
            }
            count += 1;
            after += length;
        }
        if count > 1 || (count == 1 && text[run] == b' ') {
            if run > start {
                word(&text[start..run]);
            }
            start = after;
        }
    }
    if at > start {
        word(&text[start..]);
    }
}

/// Calls `one` with the bytes of each character.
#[inline]
pub fn characters<'a>(text: &'a [u8], mut one: impl FnMut(&'a [u8], bool)) {
    let mut at = 0;
    while at < text.len() {
        let (length, space) = character(text, at);
        one(&text[at..at + length], space);
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect<'a>(f: impl FnOnce(&mut dyn FnMut(&'a [u8]))) -> Vec<&'a str> {
        let mut all = Vec::new();
        f(&mut |w| all.push(std::str::from_utf8(w).unwrap()));
        all
    }

    #[test]
    fn white_space_is_unicode_s() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            let expected = c.is_whitespace() || matches!(c, '\x1c'..='\x1f');
            assert_eq!(character(bytes, 0), (bytes.len(), expected), "{c:?}");
        }
    }

    #[test]
    fn words_stand_between_white_space() {
        let text = "\u{a0}a\u{2003}\tb é\u{3000}".as_bytes();
        assert_eq!(collect(|w| words(text, w)), ["a", "b", "é"]);
        assert_eq!(collect(|w| words(b"", w)), [""; 0]);
        assert_eq!(trim(text), "a\u{2003}\tb é".as_bytes());
        assert_eq!(trim_end("\u{3000} ".as_bytes()), b"");
    }

    #[test]
    fn single_tabs_are_part_of_spoken_words() {
        assert_eq!(collect(|w| spoken_words(b" \ta\tb c  d\t\te\n", w)), ["a\tb", "c", "d", "e"]);
        assert_eq!(collect(|w| spoken_words("x\u{a0}y\u{a0} z".as_bytes(), w)), ["x\u{a0}y", "z"]);
        assert_eq!(collect(|w| spoken_words(b"  ", w)), [""; 0]);
    }

    #[test]
    fn broken_bytes_are_characters_too() {
        for text in [&b"\xff\xe2\x80"[..], b"\xe2", b"\xc2", b"\x80\x80", b"a\xf0"] {
            characters(text, |c, _| assert!(!c.is_empty()));
            let _ = (trim(text), collect_lengths(text));
        }
    }

    fn collect_lengths(text: &[u8]) -> usize {
        let mut sum = 0;
        words(text, |w| sum += w.len());
        spoken_words(text, |w| sum += w.len());
        sum
    }
}

//! The tokenizer of mteval-v13a, which WMT and sacreBLEU (Post 2018, arXiv 1804.08771) use.

/// Bytes that a sentence passes through.
#[derive(Default)]
pub struct Scratch {
    one: Vec<u8>,
    two: Vec<u8>,
}

/// What is taken away or put for other text before anything else, in that order.
const REPLACED: [(&[u8], &[u8]); 3] = [(b"<skipped>", b""), (b"-\n", b""), (b"\n", b" ")];
const ENTITIES: [(&[u8], &[u8]); 4] = [(b"&quot;", b"\""), (b"&amp;", b"&"), (b"&lt;", b"<"), (b"&gt;", b">")];

/// The sentence with white space between its tokens.
pub fn tokenize<'a>(sentence: &[u8], Scratch { one, two }: &'a mut Scratch) -> &'a [u8] {
    one.clear();
    one.extend_from_slice(sentence);
    let mut replace = |pairs: &[(&[u8], &[u8])]| {
        for (from, to) in pairs {
            substitute(one, from, to, two);
            std::mem::swap(one, two);
        }
    };
    if sentence.iter().any(|&b| b == b'<' || b == b'\n') {
        replace(&REPLACED);
    }
    // An entity may stand on both sides of what was taken away, but its ampersand stood there before.
    if sentence.contains(&b'&') {
        replace(&ENTITIES);
    }
    separate(one, two);
    pairs(two, one, |a, b| !a.is_ascii_digit() && is_stop(b), |a, b| [a, b' ', b, b' ']);
    pairs(one, two, |a, b| is_stop(a) && !b.is_ascii_digit(), |a, b| [b' ', a, b' ', b]);
    pairs(two, one, |a, b| a.is_ascii_digit() && b == b'-', |a, b| [a, b' ', b, b' ']);
    one
}

/// `from` replaced by `to` wherever it stands, from left to right.
fn substitute(text: &[u8], from: &[u8], to: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
}

/// Blanks around marks other than `'`, `,`, `-` and `.`, and at both ends. How many blanks stand in a row makes no difference later.
fn separate(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(3 * text.len() + 2);
    out.push(b' ');
    for &b in text {
        if MARKS[b as usize] {
            out.extend_from_slice(&[b' ', b, b' ']);
        } else {
            out.push(b);
        }
    }
    out.push(b' ');
}

const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let all = b"{|}~[\\]^_`!\"#$%&()*+:;<=>?@/";
    let mut i = 0;
    while i < all.len() {
        marks[all[i] as usize] = true;
        i += 1;
    }
    marks
};

fn is_stop(byte: u8) -> bool {
    byte == b'.' || byte == b','
}

/// As a regular expression of two characters: pairs that `are` alike are written as `to` says, and the next begins behind them.
#[inline(always)]
fn pairs(text: &[u8], out: &mut Vec<u8>, are: impl Fn(u8, u8) -> bool, to: impl Fn(u8, u8) -> [u8; 4]) {
    out.clear();
    out.reserve(2 * text.len());
    let mut at = 0;
    while at + 1 < text.len() {
        let (a, b) = (text[at], text[at + 1]);
        if are(a, b) {
            out.extend_from_slice(&to(a, b));
            at += 2;
        } else {
            out.push(a);
            at += 1;
        }
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are sacreBLEU's 2.6.0.
    #[test]
    fn tokens_are_those_of_mteval() {
        let cases = [
            ("Hello, world! It's 3.14, (a-b) 10-20.", "Hello , world ! It's 3.14 , ( a-b ) 10 - 20 ."),
            ("a...b,,c 1.,2 .5 5.", "a . . . b , , c 1 . , 2 . 5 5 ."),
            ("&quot;x&quot; &amp;lt; &amp;amp; <skipped>y-\nz\nw", "\" x \" < & amp ; yz w"),
            ("1--2 -3 e-mail 4-", "1 - -2 -3 e-mail 4 -"),
            ("…é,ü.\u{a0}x", "…é , ü . x"),
            ("", ""),
        ];
        for (text, expected) in cases {
            let mut scratch = Scratch::default();
            let out = tokenize(text.as_bytes(), &mut scratch).to_vec();
            let out: Vec<&str> = std::str::from_utf8(&out).unwrap().split_whitespace().collect();
            assert_eq!(out.join(" "), expected, "{text:?}");
        }
    }
}

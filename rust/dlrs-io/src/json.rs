//! JSON (RFC 8259), read event by event without recursion.
//!
//! Nesting is counted and bounded, keys of one object are distinct once unescaped, strings hold whole characters.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{refuse, shown};
use crate::{Error, Result};

/// Objects and arrays that may be open at once (G11).
pub const MAX_DEPTH: usize = 64;
/// The longest text of a configuration (G11).
pub const MAX_BYTES: usize = 32 << 20;
/// The longest numeral (G11): no number that a program writes is longer.
const MAX_NUMERAL: usize = 1024;

/// What comes next in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// `{`
    Object,
    /// `}`
    ObjectEnd,
    /// `[`
    Array,
    /// `]`
    ArrayEnd,
    /// A key of an object.
    Key(Cow<'a, str>),
    /// A string.
    String(Cow<'a, str>),
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
    /// The value is complete.
    End,
}

enum Frame<'a> {
    Object(HashSet<Cow<'a, str>>),
    Array,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Nothing,
}

/// A text that is being read.
pub struct Parser<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Frame<'a>>,
    want: Want,
    format: &'static str,
    rule: &'static str,
    non_finite: bool,
}

/// Refuses a text that is not one object, or that breaks G11 or G12. The numbers `NaN` and `Infinity`, which Python writes, pass.
pub fn validate(text: &[u8]) -> Result<()> {
    if text.len() > MAX_BYTES {
        refuse!("json", "G11", 0, "text", "it has {} bytes, at most {MAX_BYTES} are read", text.len());
    }
    let mut parser = Parser::new(text, "json", "G11")?;
    parser.non_finite = true;
    if parser.next()? != Event::Object {
        refuse!("json", "G11", 0, "text", "the outermost value must be an object");
    }
    while parser.next()? != Event::End {}
    Ok(())
}

impl<'a> Parser<'a> {
    /// A parser that names `format` and `rule` where the syntax is wrong.
    pub fn new(text: &'a [u8], format: &'static str, rule: &'static str) -> Result<Parser<'a>> {
        let text = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => refuse!(format, rule, error.valid_up_to() as u64, "text", "it is not UTF-8"),
        };
        Ok(Parser { text, at: 0, open: Vec::new(), want: Want::Value, format, rule, non_finite: false })
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.at as u64
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T> {
        let found = match self.text[self.at..].chars().next() {
            Some(c) => format!("{c:?}"),
            None => "the end".to_owned(),
        };
        refuse!(self.format, self.rule, self.at as u64, "text", "expected {wanted}, found {found}")
    }

    /// The next event.
    #[allow(clippy::should_implement_trait)] // it can fail, and ends with an event
    pub fn next(&mut self) -> Result<Event<'a>> {
        loop {
            self.skip_space();
            match (self.want, self.peek()) {
                (Want::Nothing, None) => return Ok(Event::End),
                (Want::Nothing, _) => return self.unexpected("nothing more"),
                (Want::ValueOrEnd, Some(b']')) | (Want::KeyOrEnd, Some(b'}')) => return Ok(self.close()),
                (Want::Value | Want::ValueOrEnd, _) => return self.value(),
                (Want::Key | Want::KeyOrEnd, _) => return self.key(),
                (Want::CommaOrEnd, found) => match (self.open.last(), found) {
                    (Some(Frame::Object(_)), Some(b'}')) | (Some(Frame::Array), Some(b']')) => return Ok(self.close()),
                    (Some(Frame::Object(_)), Some(b',')) => self.want = Want::Key,
                    (Some(Frame::Array), Some(b',')) => self.want = Want::Value,
                    _ => return self.unexpected("a comma or the end of the object or array"),
                },
            }
            self.at += 1; // the comma
        }
    }

    fn close(&mut self) -> Event<'a> {
        self.at += 1;
        let closed = self.open.pop();
        self.value_done();
        if matches!(closed, Some(Frame::Object(_))) { Event::ObjectEnd } else { Event::ArrayEnd }
    }

    fn value_done(&mut self) {
        self.want = if self.open.is_empty() { Want::Nothing } else { Want::CommaOrEnd };
    }

    fn key(&mut self) -> Result<Event<'a>> {
        if self.peek() != Some(b'"') {
            return self.unexpected("a key in quotes");
        }
        let start = self.at as u64;
        let key = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.unexpected("':'");
        }
        self.at += 1;
        self.want = Want::Value;
        if let Some(Frame::Object(keys)) = self.open.last_mut() {
            keys.try_reserve(1).map_err(|_| Error::Memory(key.len() as u64))?;
            if !keys.insert(key.clone()) {
                refuse!(self.format, "G12", start, shown(&key), "the key occurs twice in one object");
            }
        }
        Ok(Event::Key(key))
    }

    fn value(&mut self) -> Result<Event<'a>> {
        let event = match self.peek() {
            Some(b'{') => return self.begin(Frame::Object(HashSet::new()), Want::KeyOrEnd, Event::Object),
            Some(b'[') => return self.begin(Frame::Array, Want::ValueOrEnd, Event::Array),
            Some(b'"') => Event::String(self.string()?),
            Some(b't') => self.word("true", Event::Bool(true))?,
            Some(b'f') => self.word("false", Event::Bool(false))?,
            Some(b'n') => self.word("null", Event::Null)?,
            Some(b'N') if self.non_finite => self.word("NaN", Event::Number("NaN"))?,
            Some(b'I') if self.non_finite => self.word("Infinity", Event::Number("Infinity"))?,
            Some(b'-') if self.non_finite && self.rest().starts_with(b"-I") => {
                self.word("-Infinity", Event::Number("-Infinity"))?
            }
            Some(b'-' | b'0'..=b'9') => Event::Number(self.numeral()?),
            _ => return self.unexpected("a value"),
        };
        self.value_done();
        Ok(event)
    }

    fn begin(&mut self, frame: Frame<'a>, want: Want, event: Event<'a>) -> Result<Event<'a>> {
        if self.open.len() == MAX_DEPTH {
            refuse!(self.format, "G11", self.at as u64, "text", "objects and arrays nest deeper than {MAX_DEPTH}");
        }
        self.open.push(frame);
        self.at += 1;
        self.want = want;
        Ok(event)
    }

    fn word(&mut self, word: &'static str, event: Event<'a>) -> Result<Event<'a>> {
        if !self.rest().starts_with(word.as_bytes()) {
            return self.unexpected(word);
        }
        self.at += word.len();
        Ok(event)
    }

    fn digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected("a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn numeral(&mut self) -> Result<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.at - start > MAX_NUMERAL {
            refuse!(self.format, "G11", start as u64, "text", "a number has more than {MAX_NUMERAL} characters");
        }
        Ok(&self.text[start..self.at])
    }

    /// A string, borrowed from the text unless it holds escapes.
    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1; // the quote
        let mut whole: Option<String> = None;
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            let piece = &self.text[start..self.at]; // cut at ASCII, so at a character
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match whole {
                        None => Cow::Borrowed(piece),
                        Some(text) => Cow::Owned(text + piece),
                    });
                }
                Some(b'\\') => {
                    let text = whole.get_or_insert_default();
                    text.try_reserve(piece.len() + 4).map_err(|_| Error::Memory(piece.len() as u64))?;
                    text.push_str(piece);
                    let c = self.escape()?;
                    whole.get_or_insert_default().push(c);
                }
                _ => return self.unexpected("the end of the string, without control characters"),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        self.at += 1; // the backslash
        let c = match self.peek() {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.unexpected("an escape"),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let start = self.at;
        let first = self.code_unit()?;
        let code = match first {
            0xd800..=0xdbff if self.rest().starts_with(b"\\u") => {
                self.at += 1;
                let second = self.code_unit()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    refuse!(self.format, self.rule, start as u64, "text", "a surrogate stands alone");
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => refuse!(self.format, self.rule, start as u64, "text", "a surrogate stands alone"),
        }
    }

    /// The number in `uXXXX`.
    fn code_unit(&mut self) -> Result<u32> {
        let digits = self.rest().get(1..5);
        let Some(digits) = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) else {
            return self.unexpected("four hexadecimal digits after 'u'");
        };
        let code = digits.iter().fold(0, |code, &digit| code * 16 + char::from(digit).to_digit(16).unwrap_or(0));
        self.at += 5;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> &'static str {
        match validate(text.as_bytes()) {
            Ok(()) => "",
            Err(Error::Format(error)) => error.rule,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_json_is() {
        for good in [
            "{}",
            " { } \n",
            r#"{"a":[1,-0.5e+3,true,false,null,"x\n\u00e9\ud83d\ude00",{}],"b":{"a":[]}}"#,
            r#"{"a":[NaN,Infinity,-Infinity]}"#,
        ] {
            assert_eq!(rule(good), "", "{good}");
        }
        for bad in [
            "",
            " ",
            "[]",
            "1",
            "{",
            "}",
            "{]",
            "[}",
            "{}{}",
            "{} x",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":-}",
            "{\"a\":tru}",
            "{\"a\":'b'}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
            "{\"a\" 1}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"",
            "{\"a\":\"\\u00",
            "{\"a\":-I}",
            "\u{feff}{}",
        ] {
            assert_eq!(rule(bad), "G11", "{bad}");
        }
        assert!(validate(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn keys_are_distinct_once_unescaped() {
        assert_eq!(rule(r#"{"a":1,"a":2}"#), "G12");
        assert_eq!(rule(r#"{"x":{"a":1,"\u0061":2}}"#), "G12");
        assert_eq!(rule(r#"{"x":{"a":1},"y":{"a":2},"a":[{"a":0},{"a":0}]}"#), "");
    }

    #[test]
    fn nesting_and_numerals_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(rule(&nested(MAX_DEPTH)), "");
        assert_eq!(rule(&nested(MAX_DEPTH + 1)), "G11");
        assert_eq!(rule(&"{\"a\":".repeat(1_000_000)), "G11");
        assert_eq!(rule(&format!("{{\"a\":{}}}", "1".repeat(MAX_NUMERAL))), "");
        assert_eq!(rule(&format!("{{\"a\":{}}}", "1".repeat(MAX_NUMERAL + 1))), "G11");
        assert_eq!(rule(&format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES))), "G11");
    }

    #[test]
    fn strings_are_unescaped() {
        let mut parser = Parser::new(br#""a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00z""#, "json", "G11").unwrap();
        let Event::String(text) = parser.next().unwrap() else { panic!() };
        assert_eq!(text, "a\"\\/\u{8}\u{c}\n\r\tA😀z");
        assert_eq!(parser.next().unwrap(), Event::End);
        assert_eq!(parser.next().unwrap(), Event::End);
    }
}

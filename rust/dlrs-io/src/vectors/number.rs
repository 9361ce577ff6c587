//! A number of a text file.

use crate::error::shown;

/// Characters of a wrong number that a message shows.
const SHOWN: usize = 36;

/// The float32 nearest to a decimal number; otherwise what is wrong with it.
pub fn number(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err("a number that is not finite".to_owned()),
        Err(_) => {
            let short: String = text.chars().take(SHOWN).collect();
            let dots = if short.len() < text.len() { "..." } else { "" };
            Err(format!("'{}{dots}' is not a number", shown(&short)))
        }
    }
}

/// Whether something reads as a number, a finite one or not.
pub fn is_number(text: &str) -> bool {
    text.parse::<f32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once() {
        assert_eq!(number("-0.418"), Ok(-0.418));
        // Halfway between two float32 but for a digit that float64 does not hold.
        assert_eq!(number("1.00000005960464477539062500000000001"), Ok(1.0 + f32::EPSILON));
        assert_eq!(number("1.00000005960464477539062500000000000"), Ok(1.0));
        assert_eq!(number(&("0.".to_owned() + &"3".repeat(1_000_000))), Ok(1.0 / 3.0));
        assert_eq!(number("1e-400"), Ok(0.0));
    }

    #[test]
    fn what_is_no_number_is_shown() {
        for text in ["nan", "inf", "-Infinity", "1e39", &"9".repeat(1_000_000)] {
            assert_eq!(number(text), Err("a number that is not finite".to_owned()));
            assert!(is_number(text));
        }
        for text in ["", " ", "1_0", "0x1", "1e", "e5", "--1", "1\t", "٣", "1,5"] {
            assert!(number(text).unwrap_err().ends_with("is not a number") && !is_number(text), "{text:?}");
        }
        assert_eq!(number("\0x"), Err("'\\0x' is not a number".to_owned()));
        assert!(number(&"x".repeat(1_000_000)).unwrap_err().len() < 80);
    }
}

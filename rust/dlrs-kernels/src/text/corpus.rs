//! The words of a corpus as numbers, and how often each occurs.

use super::numbering::Words;
use super::space::character;

/// Behind each sentence.
pub const SENTENCE_END: u32 = 0;

/// The words met so far, with numbers from 1 on in the order they came.
#[derive(Default)]
pub struct CorpusWords {
    words: Words,
    counts: Vec<u64>,
}

impl CorpusWords {
    /// The number of a word, which occurs once more.
    #[inline]
    pub fn word(&mut self, word: &[u8]) -> u32 {
        let number = self.words.of(word);
        match self.counts.get_mut(number as usize) {
            Some(count) => *count += 1,
            None => self.counts.push(1),
        }
        number + 1
    }

    /// Adds the numbers of a text's words to `numbers`, with [`SENTENCE_END`] for every line feed. Of a word that reaches to the end of the text,
    /// and may go on, it only says where it begins: the length of the text where there is none.
    pub fn text(&mut self, text: &[u8], numbers: &mut Vec<u32>) -> usize {
        let (mut at, mut from) = (0, 0);
        while at < text.len() {
            let (length, is_space) = character(text, at);
            if is_space {
                if from < at {
                    numbers.push(self.word(&text[from..at]));
                }
                if text[at] == b'\n' {
                    numbers.push(SENTENCE_END);
                }
                from = at + length;
            }
            at += length;
        }
        from
    }

    /// Adds the numbers of a sentence's words and [`SENTENCE_END`]; line feeds are white space.
    pub fn sentence(&mut self, text: &[u8], numbers: &mut Vec<u32>) {
        super::space::words(text, |word| numbers.push(self.word(word)));
        numbers.push(SENTENCE_END);
    }

    /// How often each word occurs.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The words, in the order of their numbers.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.words.len()).map(|number| self.words.word(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of a text that comes in pieces of so many bytes.
    fn pieces(text: &str, size: usize) -> (Vec<u32>, CorpusWords) {
        let (mut corpus, mut numbers, mut rest) = (CorpusWords::default(), Vec::new(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            rest.extend_from_slice(piece);
            // Pieces are whole characters.
            if std::str::from_utf8(&rest).is_ok() {
                let from = corpus.text(&rest, &mut numbers);
                rest.drain(..from);
            }
        }
        rest.push(b'\n');
        corpus.text(&rest, &mut numbers);
        (numbers, corpus)
    }

    #[test]
    fn words_are_numbered_as_they_come_however_a_text_is_cut() {
        let text = "the cat\tsees\u{3000}the\u{a0}dog\n\n  é the\u{1c}é \ncat";
        for size in [1, 2, 3, 7, 1000] {
            let (numbers, corpus) = pieces(text, size);
            assert_eq!(numbers, [1, 2, 3, 1, 4, 0, 0, 5, 1, 5, 0, 2, 0]);
            let words: Vec<&str> = corpus.words().map(|w| std::str::from_utf8(w).unwrap()).collect();
            assert_eq!((words.join(" ").as_str(), corpus.counts()), ("the cat sees dog é", &[3, 2, 1, 1, 2][..]));
        }
    }

    #[test]
    fn a_sentence_ends_once() {
        let (mut corpus, mut numbers) = (CorpusWords::default(), Vec::new());
        corpus.sentence(b" a b\nb ", &mut numbers);
        corpus.sentence(b"", &mut numbers);
        assert_eq!(numbers, [1, 2, 2, 0, 0]);
        assert_eq!(corpus.text(b"a", &mut numbers), 0);
    }
}

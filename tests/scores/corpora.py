"""Corpora to judge, ordinary and nasty, drawn from a seed: the same whoever runs this, also a peer's Python."""

import random
from collections.abc import Iterator
from typing import Any

WORDS = [
    "the", "a", "cat", "dog", "sat", "on", "mat", "log", "in", "of", "to", "and", "it's", "isn't", "over", "quick",
    "brown", "fox", "house", "tree",
]  # fmt: skip
NASTY = [
    "&quot;", "&amp;", "&lt;", "&gt;", "&amp;lt;", "&amp;quot;", "&", "&;", "<skipped>", "<skip",
    "<skipped><skipped>ped>", "-\n", "\n", "\n-", "-", "--", "e-mail", "10-20", "5-", "-5", "1--2", "3.14",
    "1,000.50", "1.", ".5", "...", "..", ".,.,", ",,", "a.b", "U.S.A.", "x,y", "5,", ",5", "(", ")", "[x]", "{y}",
    "!?", "\"q\"", "'", "''", "it's", "$5.00", "50%", "a/b", "\\", "^", "_", "`", "~", "|", "@", "#", "*", "+", "=",
    ";", ":", "<", ">", "\t", "\r", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2003", "\u2028",
    "\u202f", "\u205f", "\u3000", "\u200b", "\ufeff", "  ", "   ", "é", "e\u0301", "ß", "ẞ", "İ", "ΑΣ", "ﬁ", "日本語",
    "中文。",
    "，", "٣", "३.५", "½", "🙂", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "𝒳", "\ud800", "\udfff", "\x00",
    "\x7f", "a" * 70, "Ünïcödé", "«x»", "…", "—", "x\xady",
]  # fmt: skip
TOKENIZERS = ["13a", "char", "none"]
SMOOTHING: list[tuple[str, float | None]] = [
    ("none", None), ("exp", None), ("floor", None), ("floor", 0.01), ("floor", 0),
    ("add-k", None), ("add-k", 0.5), ("add-k", 2),
]  # fmt: skip


class Draw:
    """Draws by `random()` alone, which is the same in all versions of Python."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, n: int) -> int:
        return int(self.random() * n)

    def one(self, items: Any) -> Any:
        return items[self.below(len(items))]

    def sentence(self, longest: int, nasty: float) -> str:
        pieces = []
        for _ in range(self.below(longest + 1)):
            word = self.one(NASTY) if self.random() < nasty else self.one(WORDS)
            word = word.capitalize() if self.random() < 0.1 else word
            pieces.append(word + ("" if self.random() < nasty / 2 else " "))
        text = "".join(pieces)
        return text if self.random() < 0.3 else text.rstrip(" ") + self.one([".", "", "!", ",", " ."])

    def changed(self, text: str, share: float, nasty: float) -> str:
        """The text with some words put for others, left out, or said again."""
        words: list[str] = []
        for word in text.split(" "):
            luck = self.random() / share
            if luck >= 1:
                words.append(word)
            elif luck > 0.6:
                words.append(self.one(NASTY) if self.random() < nasty else self.one(WORDS))
            elif luck > 0.3:
                words += [word, self.one([*words, word])]
        return " ".join(words)


def translations(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Corpora with options of BLEU."""
    for number in range(count):
        draw = Draw(seed * 1_000_003 + number)
        nasty, share = draw.one([0, 0.1, 0.5, 1]), draw.one([0.01, 0.2, 0.5, 1])
        longest = draw.one([0, 2, 5, 12, 40])
        sentences, most = 1 + draw.below(draw.one([1, 3, 12, 70])), 1 + draw.below(3)
        references = [[draw.sentence(longest, nasty)] for _ in range(sentences)]
        for several in references:
            several += [draw.changed(several[0], 0.3, nasty) for _ in range(draw.below(most))]
        hypotheses = [
            "" if draw.random() < 0.05 else draw.changed(draw.one(several), share, nasty) for several in references
        ]
        smoothing, value = draw.one(SMOOTHING)
        options = {
            "tokenizer": draw.one(TOKENIZERS), "max_order": draw.one([4, 4, 1, 2, 3, 6, 9]), "smoothing": smoothing,
            "smoothing_value": value, "lowercase": draw.random() < 0.2, "effective_order": draw.random() < 0.4,
        }  # fmt: skip
        yield {"hypotheses": hypotheses, "references": references, "options": options}


def transcripts(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """References and hypotheses of speech recognition."""
    for number in range(count):
        draw = Draw(seed * 1_000_003 + number)
        nasty, share = draw.one([0, 0.1, 0.6]), draw.one([0.01, 0.2, 0.5, 1])
        longest = draw.one([0, 2, 5, 12, 40, 200])
        references = [draw.sentence(longest, nasty) for _ in range(1 + draw.below(draw.one([1, 4, 40])))]
        hypotheses = ["" if draw.random() < 0.05 else draw.changed(r, share, nasty) for r in references]
        yield {"references": references, "hypotheses": hypotheses}

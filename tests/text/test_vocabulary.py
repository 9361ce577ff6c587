"""Tokens, vocabularies and their files."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlrs.errors import FormatError
from dlrs.text import CharacterVocabulary, Vocabulary, tokenize

CORPUS = ["The cat sat on the mat.", "The dog sat!", "A cat, a dog."]


def test_tokens_are_words_and_marks() -> None:
    assert tokenize("Don't panic: it's 42.") == ["Don't", "panic", ":", "it's", "42", "."]
    assert tokenize("‘Yes’ — no…") == ["‘", "Yes", "’", "—", "no", "…"]
    assert tokenize(" \n\t ") == []


def test_tokens_are_normalized() -> None:
    assert tokenize("Cafe\u0301") == tokenize("Café") == ["Café"]
    assert tokenize("İ", lower=True) == ["i\u0307"]
    assert tokenize("हिन्दी भाषा") == ["हिन्दी", "भाषा"]  # vowel signs are marks, not letters


def test_build_orders_by_count_then_code_point() -> None:
    vocabulary = Vocabulary.build(CORPUS, lower=True)
    assert vocabulary.tokens[:8] == ("<pad>", "<unk>", "<bos>", "<eos>", "the", ".", "a", "cat")
    assert Vocabulary.build(CORPUS, min_count=3).tokens[4:] == ()
    assert len(Vocabulary.build(CORPUS, max_size=6)) == 6
    assert Vocabulary.build(reversed(CORPUS), lower=True) == vocabulary


@pytest.mark.parametrize("kind", [Vocabulary, CharacterVocabulary])
def test_encode_and_decode(kind: type[Vocabulary]) -> None:
    vocabulary = kind.build(CORPUS)
    for text in CORPUS:
        ids = vocabulary.encode(text, bos=True, eos=True)
        assert ids.dtype == np.int32 and ids[0] == vocabulary.bos_id and ids[-1] == vocabulary.eos_id
        assert vocabulary.decode(ids) == text
    assert vocabulary.encode("§").tolist() == [vocabulary.unk_id]
    assert vocabulary.encode("").tolist() == []


def test_batches_are_padded_at_the_end() -> None:
    vocabulary = Vocabulary.build(CORPUS)
    batch = vocabulary.encode_batch(["The cat", "The"], eos=True)
    the, cat = vocabulary.id_of("The"), vocabulary.id_of("cat")
    assert batch.tolist() == [[the, cat, 3], [the, 3, 0]]
    assert vocabulary.encode_batch(["The cat", "The"], length=1).tolist() == [[the], [the]]
    assert vocabulary.decode_batch(batch) == ["The cat", "The"]
    assert vocabulary.encode_batch([]).shape == (0, 0)


@given(st.lists(st.text(min_size=1).filter(lambda t: t not in ("<pad>", "<unk>", "<bos>", "<eos>")), unique=True))
def test_a_saved_vocabulary_is_equal(tokens: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.json"
        for kind in (Vocabulary, CharacterVocabulary):
            vocabulary = kind(tokens, lower=True)
            vocabulary.save(path)
            assert Vocabulary.load(path) == vocabulary


HEAD = '{"format": "dlrs vocabulary", "version": %d, "kind": "%s", "lower": %s, "tokens": %s}'


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "null", HEAD % (2, "words", "false", "[]"), HEAD % (1, "bytes", "false", "[]"),
     HEAD % (1, "words", "false", '["a", "a"]'), HEAD % (1, "words", "3", '["a"]'), "[" * 100000],
)  # fmt: skip
def test_a_file_that_is_no_vocabulary(tmp_path: Path, content: str) -> None:
    path = tmp_path / "v.json"
    path.write_text(content)
    with pytest.raises(FormatError, match="is not a vocabulary"):
        Vocabulary.load(path)


def test_the_file_is_readable(tmp_path: Path) -> None:
    Vocabulary(["naïve"]).save(tmp_path / "v.json")
    assert json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))["tokens"] == ["naïve"]


def test_errors_name_id_and_position() -> None:
    vocabulary = Vocabulary(["a"])
    with pytest.raises(ValueError, match=r"token id 9 at position 2 of `ids` is not in \[0, 5\)"):
        vocabulary.decode([0, 4, 9])
    with pytest.raises(ValueError, match=r"token number 5, 'a', stands there already, as number 4"):
        Vocabulary(["a", "a"])
    with pytest.raises(TypeError, match="`corpus` must be a sequence of texts"):
        Vocabulary.build("one text")
    with pytest.raises(ValueError, match="`max_size` must be an integer >= 5"):
        Vocabulary.build(CORPUS, max_size=4)
    with pytest.raises(TypeError, match="`text` must be a string, got int"):
        Vocabulary.build([3])  # type: ignore[list-item]

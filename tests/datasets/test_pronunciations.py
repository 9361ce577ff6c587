"""The dictionary of pronunciations and the weights of a network that says them, out of small archives."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dlrs.datasets import cmudict, g2p

LINES = b"'bout B AW T\na AH\na(2) EY\nzebra Z IY B R AH\n"


def wheel_of(path: Path, name: str, content: bytes) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checkpoint(**changes: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **{name: np.zeros(shape, np.float32) for name, shape in g2p.SHAPES.items()} | changes)
    return stream.getvalue()


def test_the_dictionary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = folder / f"pocketsphinx-5.1.1-{cmudict.TAG}.whl"
    monkeypatch.setattr(cmudict, "ARCHIVE_SHA256", wheel_of(wheel, cmudict.FILE, LINES))
    words = cmudict.load_data()
    assert words == {"'bout": [("B", "AW", "T")], "a": [("AH",), ("EY",)], "zebra": [("Z", "IY", "B", "R", "AH")]}


@pytest.mark.parametrize("line", [b"word", b"word W ER1 D", b"", b"\xff \xff"])
def test_a_damaged_line(line: bytes) -> None:
    with pytest.raises(ValueError, match="line 2 is not a word and phonemes"):
        cmudict.read(b"a AH\n" + line + b"\nab AE B\n")


def test_the_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = folder / "g2p_en-2.1.0-py3-none-any.whl"
    content = checkpoint(fc_b=np.arange(74.0), other=np.zeros(1))
    monkeypatch.setattr(g2p, "ARCHIVE_SHA256", wheel_of(wheel, g2p.FILE, content))
    weights = g2p.load_weights()
    assert {name: array.shape for name, array in weights.items()} == g2p.SHAPES
    assert weights["fc_b"].dtype == np.float32 and weights["fc_b"][-1] == 73


def test_weights_that_are_damaged() -> None:
    with pytest.raises(ValueError, match=r"fc_b must have the shape \(74,\), found \(73,\)"):
        g2p.read(checkpoint(fc_b=np.zeros(73)))
    for damaged in (b"", b"PK", checkpoint()[:-200], checkpoint()[:1000]):
        with pytest.raises(ValueError, match="not an archive of arrays"):
            g2p.read(damaged)
    stream = io.BytesIO()
    np.savez(stream, enc_emb=np.zeros((29, 256)))
    with pytest.raises(ValueError, match=r"enc_w_ih must have the shape .* found None"):
        g2p.read(stream.getvalue())
    pickled = io.BytesIO()
    np.savez(pickled, enc_emb=np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="not an archive of arrays"):
        g2p.read(pickled.getvalue())

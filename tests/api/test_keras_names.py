"""The names of Keras that the course uses: what is there has Keras's signature; what is missing becomes less."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import signatures


def is_there(name):
    try:
        signatures.find(name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


THERE = [name for name in signatures.KERAS if is_there(name)]


def test_what_is_missing_only_becomes_less():
    lacking = set(signatures.KERAS) - set(THERE)
    assert lacking - signatures.missing() == set(), "these were there before"
    assert signatures.missing() - lacking == set(), "these are there now: take them off missing.txt"


def test_signatures_are_those_of_keras():
    differences = {name: signatures.difference(name) for name in THERE}
    differing = {name: how for name, how in differences.items() if how is not None}
    listed = {name: how for name, how in signatures.exceptions().items() if is_there(name)}
    assert differing == listed


def test_something_is_compared():
    assert len(signatures.KERAS) == 828
    assert len(THERE) > 750
    assert (
        sum(len(signatures.keras_parameters(name).positional) for name in THERE if "<" not in signatures.KERAS[name])
        > 2000
    )


@pytest.mark.parametrize(
    ("keras", "own", "difference"),
    [
        ("(x, axis=-1)", lambda x, axis=-1: 0, None),
        ("(x, axis=-1)", lambda x, axis=-1, more=None, *, extra=1: 0, None),
        ("(x, axis=-1, **kwargs)", lambda x, axis=-1: 0, None),
        ("(x, *, axis=-1)", lambda x, axis=-1: 0, None),
        ("(x, axis=-1)", lambda x, axis=0: 0, "axis: 0, not -1"),
        ("(x, axis=-1)", lambda x, axis: 0, "axis: must be given, not -1"),
        ("(x, axis=-1)", lambda x, dim=-1: 0, "axis: missing"),
        ("(x, axis=-1)", lambda x, *, axis=-1: 0, "axis: by name alone"),
        ("(x, axis=-1, k=1)", lambda x, k=1, axis=-1: 0, "axis: at place 2, not 1"),
        ("(x)", lambda x, y: 0, "y: must be given"),
    ],
)
def test_the_comparison_sees_what_differs(monkeypatch, keras, own, difference):
    monkeypatch.setitem(signatures.KERAS, "keras.made_up", keras)
    monkeypatch.setattr(signatures, "find", lambda name: own)
    assert signatures.difference("keras.made_up") == difference

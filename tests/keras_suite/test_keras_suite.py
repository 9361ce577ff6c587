"""Keras's own tests, unmodified, run against dlrs: what passed once must pass for ever."""

import collections
import importlib.util
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import scope
import suite

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        importlib.util.find_spec("keras") is None, reason="Keras's tests are not installed (the `suite` extra)"
    ),
]


@pytest.fixture(scope="module")
def excluded() -> collections.Counter[str]:
    """How many ids each reason left out; filled by the tests of the areas."""
    return collections.Counter()


@pytest.mark.parametrize("area", suite.AREAS)
def test_area(area: str, excluded: collections.Counter[str]) -> None:
    in_scope, out_of_scope, known = suite.read_ratchet(area)
    outcome = suite.run([area], timeout=550)
    excluded.update(outcome.excluded.values())
    new = [test for test in outcome.not_passed if test not in known]
    assert not new, "these passed before:\n" + "\n".join(f"{test}: {outcome.reasons.get(test)}" for test in new)
    assert (len(outcome.outcomes), len(outcome.excluded)) == (in_scope, out_of_scope), "tests were lost or added"
    mended = known - set(outcome.not_passed)
    assert not mended, f"these pass now: tighten the list with run.py --write {area}\n" + "\n".join(sorted(mended))


def test_exclusions_are_frozen(excluded: collections.Counter[str]) -> None:
    if not excluded:
        pytest.skip("needs the tests of the areas, which did not run")
    assert dict(excluded) == {entry["reason"]: entry["count"] for entry in scope.exclusions()}


def test_a_missing_name_fails_the_test_that_uses_it(tmp_path: pathlib.Path) -> None:
    test = tmp_path / "missing_test.py"
    test.write_text("from keras.src import layers\ndef test_it():\n    layers.NoSuchLayer()\n")
    outcome = suite.run([str(test)])
    assert list(outcome.outcomes.values()) == ["failed"]
    assert "keras.src.layers.NoSuchLayer is not in dlrs" in next(iter(outcome.reasons.values()))


def test_a_skip_does_not_count_as_passed(tmp_path: pathlib.Path) -> None:
    test = tmp_path / "skipping_test.py"
    test.write_text("import pytest\ndef test_it():\n    pytest.skip('not here')\n")
    assert len(suite.run([str(test)]).not_passed) == 1

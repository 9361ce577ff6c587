"""Every public callable has a good call, and a sample of bad ones ends as bad calls may."""

import collections

import pytest

from bad_inputs.campaign import run, sample
from bad_inputs.good import Good
from bad_inputs.outcome import is_fault, restore_globals
from bad_inputs.space import ASKED_FOR, Space
from bad_inputs.table import NO_CALL, public, table
from bad_inputs.values import VALUES

ROWS = {good.name: good for good in table()}
CALLS = 10_000
MOST_UNTYPED = 0.002


def test_the_catalogue_has_eighty_values_that_can_be_made() -> None:
    assert len(VALUES) >= 80
    for make in VALUES.values():
        make()


def test_every_public_callable_has_a_good_call() -> None:
    paths = set(public().values())
    assert len(paths) > 500
    assert paths - set(ROWS) <= set(NO_CALL)
    assert {name for name, _ in ASKED_FOR} <= set(ROWS)


@pytest.mark.parametrize("good", ROWS.values(), ids=ROWS.keys())
def test_good_calls_are_good(good: Good) -> None:
    good.make().run()
    restore_globals()


@pytest.mark.timeout(600)
def test_bad_calls_end_in_success_or_a_typed_error() -> None:
    space = Space()
    results = run(sample(len(space), CALLS, seed=0))
    assert len(results) == CALLS
    faults = [r for r in results if is_fault(r["outcome"])]
    text = "\n".join(f"{r['outcome']}: {space.text(r['number'])} {r['message']}" for r in faults)
    # No crash, panic, hang or changed state. Errors of another type are counted down: see docs/campaign/bad_inputs.md.
    assert all(r["outcome"].startswith(("untyped", "slow")) for r in faults), text
    assert len(faults) <= MOST_UNTYPED * CALLS, text
    typed = [r for r in results if r["outcome"] not in ("success", "the value's own error")]
    assert sum(r["shown"] for r in typed) > 0.85 * len(typed)
    kinds = collections.Counter(r["outcome"] for r in results)
    assert kinds["success"] < CALLS / 2

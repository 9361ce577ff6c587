"""pytest plugin: leave out what is out of scope, and write what became of the rest, and why, to `$SUITE_REPORT`."""

import json
import os
import random

import numpy as np
import pytest
from scope import exclusion

_outcomes: dict[str, str] = {}
_reasons: dict[str, str] = {}
_excluded: dict[str, str] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are out of scope are not run, only counted by reason."""
    _excluded.update((item.nodeid, reason) for item in items if (reason := exclusion(item.nodeid)) is not None)
    if not os.environ.get("SUITE_EXCLUDED"):
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in _excluded])
        items[:] = [item for item in items if item.nodeid not in _excluded]


def pytest_runtest_setup() -> None:
    """Inputs that a test draws without a seed are the same in every run: chance decides nothing."""
    random.seed(0)
    np.random.seed(0)


def _note(nodeid: str, outcome: str, reason: str) -> None:
    # A later phase of the same test can only make it worse.
    if _outcomes.get(nodeid, "passed") == "passed":
        _outcomes[nodeid] = outcome
        if outcome != "passed":
            _reasons[nodeid] = reason.strip().splitlines()[-1][:300] if reason.strip() else ""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One phase (setup, call, teardown) of one test has ended."""
    if report.passed and report.when == "call":
        _note(report.nodeid, "passed", "")
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        _note(
            report.nodeid, "failed", crash.message.splitlines()[0] if crash and crash.message else report.longreprtext
        )
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        _note(report.nodeid, "skipped", reason)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that cannot be imported is told under its own name."""
    if report.failed:
        _note(report.nodeid, "failed", report.longreprtext)


def pytest_sessionfinish() -> None:
    """Write the report."""
    path = os.environ.get("SUITE_REPORT")
    if path:
        with open(path, "w") as file:
            json.dump({"outcomes": _outcomes, "reasons": _reasons, "excluded": _excluded}, file)

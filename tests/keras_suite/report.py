"""pytest plugin: write the outcome of every test, and why it did not pass, to the file `$SUITE_REPORT`."""

import json
import os

import pytest

_outcomes: dict[str, str] = {}
_reasons: dict[str, str] = {}


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
            json.dump({"outcomes": _outcomes, "reasons": _reasons}, file)

"""Run Keras's tests by hand: `python tests/keras_suite/run.py losses metrics/accuracy_metrics_test.py -k mean -v`.

`--write` rewrites the ratchet lists of the areas named (all by default); `--summary` prints a table of all areas.
"""

import argparse
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import suite


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=list(suite.AREAS))
    parser.add_argument("--write", action="store_true", help="rewrite the ratchet lists")
    parser.add_argument("--summary", action="store_true", help="print counts only")
    parser.add_argument("-v", "--verbose", action="store_true", help="print pytest's own output")
    arguments, extra = parser.parse_known_args()
    total = passed = 0
    for path in arguments.paths:
        outcome = suite.run([path], extra)
        if arguments.verbose:
            print(outcome.output)
        elif not arguments.summary:
            for test in outcome.not_passed:
                print(f"{outcome.outcomes[test]:8} {test}  {outcome.reasons.get(test, '')}")
        files: dict[str, list[str]] = collections.defaultdict(list)
        for test in outcome.outcomes:
            files[test.split("::")[0]].append(outcome.outcomes[test])
        for file, results in files.items():
            print(f"{results.count('passed'):6} / {len(results):<6} {file}")
        passed += len(outcome.outcomes) - len(outcome.not_passed)
        total += len(outcome.outcomes)
        if arguments.write:
            suite.write_ratchet(path, outcome)
    print(f"{passed:6} / {total:<6} in scope passed ({100 * passed / max(total, 1):.1f} %)")


if __name__ == "__main__":
    main()

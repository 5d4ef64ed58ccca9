#!/usr/bin/env python3
"""Add up what the test runs report and print `N passed, N failed`, alone on the last line.

Arguments: CTest's LastTest.log files (a doctest program counts its cases, any other test counts one)
and pytest's JUnit XML files. A report that is not there counts as one failure. Exit status: 1 if
anything failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

DOCTEST = re.compile(r"test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed")
CTEST = re.compile(r"^\d+/\d+ Test: (\S+)$(.*?)^Test (Passed|Failed)\.$", re.MULTILINE | re.DOTALL)


def count_ctest(text: str) -> tuple:
    """(passed, failed); a program that died without counting its cases is one failure."""
    passed = failed = 0
    for _, output, verdict in CTEST.findall(text):
        cases = [(int(good), int(bad)) for good, bad in DOCTEST.findall(output)] or [(int(verdict == "Passed"), 0)]
        passed += sum(good for good, _ in cases)
        bad = sum(bad for _, bad in cases)
        failed += max(bad, int(verdict == "Failed"))
    return passed, failed


def count_junit(path: pathlib.Path) -> tuple:
    passed = failed = skipped = 0
    for suite in xml.etree.ElementTree.parse(path).iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
        failed += bad
        passed += int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0))
    if skipped:
        print(f"{path}: {skipped} skipped")
    return passed, failed


def main(paths: list) -> int:
    passed = failed = 0
    for name in paths:
        path = pathlib.Path(name)
        if not path.exists():
            print(f"{path}: no report; its tests did not run")
            counts = (0, 1)
        else:
            counts = count_junit(path) if path.suffix == ".xml" else count_ctest(path.read_text(errors="replace"))
        print(f"{path}: {counts[0]} passed, {counts[1]} failed")
        passed += counts[0]
        failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Add up what the test runs report and print `N passed, N failed, N skipped`, alone on the last line.

Arguments: CTest's LastTest.log files (a doctest program counts its cases, any other test counts one)
and pytest's JUnit XML files. A report that is not there counts as one failure. Exit status: 1 if
anything failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

DOCTEST = re.compile(r"test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed \|\s+(\d+) skipped")
CTEST = re.compile(r"^\d+/\d+ Test: (\S+)$(.*?)^Test (Passed|Failed)\.$", re.MULTILINE | re.DOTALL)


def count_ctest(text: str) -> tuple:
    """(passed, failed, skipped); a program that died without counting its cases is one failure."""
    passed = failed = skipped = 0
    for _, output, verdict in CTEST.findall(text):
        cases = [tuple(map(int, counts)) for counts in DOCTEST.findall(output)] or [(int(verdict == "Passed"), 0, 0)]
        passed += sum(good for good, _, _ in cases)
        skipped += sum(left_out for _, _, left_out in cases)
        bad = sum(bad for _, bad, _ in cases)
        failed += max(bad, int(verdict == "Failed"))
    return passed, failed, skipped


def count_junit(path: pathlib.Path) -> tuple:
    passed = failed = skipped = 0
    for suite in xml.etree.ElementTree.parse(path).iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
        failed += bad
        passed += int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0))
    return passed, failed, skipped


def summary(counts: tuple) -> str:
    return "{} passed, {} failed, {} skipped".format(*counts)


def main(paths: list) -> int:
    totals = (0, 0, 0)
    for name in paths:
        path = pathlib.Path(name)
        if not path.exists():
            print(f"{path}: no report; its tests did not run")
            counts = (0, 1, 0)
        else:
            counts = count_junit(path) if path.suffix == ".xml" else count_ctest(path.read_text(errors="replace"))
        print(f"{path}: {summary(counts)}")
        totals = tuple(map(sum, zip(totals, counts)))
    print(summary(totals))
    passed, failed, _ = totals
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

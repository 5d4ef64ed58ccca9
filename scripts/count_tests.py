#!/usr/bin/env python3
"""Add up what the test runs report and print `N passed, N failed, N skipped`, alone on the last line.

Arguments: CTest's LastTest.log files (a doctest program counts its cases, any other test counts one)
and pytest's JUnit XML files, of which a later one has the last word on a test that is in two. A report
that is not there counts as one failure. Exit status: 1 if anything failed.
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


def read_junit(path: pathlib.Path) -> dict:
    """"passed", "failed" or "skipped" by test."""
    verdicts = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        verdict = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        verdicts[case.get("classname"), case.get("name")] = verdict
    return verdicts


def count_verdicts(verdicts: dict) -> tuple:
    found = list(verdicts.values())
    return found.count("passed"), found.count("failed"), found.count("skipped")


def summary(counts: tuple) -> str:
    return "{} passed, {} failed, {} skipped".format(*counts)


def main(paths: list) -> int:
    totals = (0, 0, 0)
    functional = {}
    for name in paths:
        path = pathlib.Path(name)
        if not path.exists():
            print(f"{path}: no report; its tests did not run")
            counts = (0, 1, 0)
        elif path.suffix == ".xml":
            verdicts = read_junit(path)
            functional.update(verdicts)
            print(f"{path}: {summary(count_verdicts(verdicts))}")
            continue
        else:
            counts = count_ctest(path.read_text(errors="replace"))
        print(f"{path}: {summary(counts)}")
        totals = tuple(map(sum, zip(totals, counts)))
    totals = tuple(map(sum, zip(totals, count_verdicts(functional))))
    print(summary(totals))
    passed, failed, _ = totals
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

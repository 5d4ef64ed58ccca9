"""What a pgTAP script printed, judged: the Test Anything Protocol, strictly."""

import re

PLAN = re.compile(r"^1\.\.(\d+)(\s*#.*)?$")
RESULT = re.compile(r"^(not )?ok (\d+)\b(.*)$")


def complaints(output: str) -> list:
    """What is wrong, a line each; empty when every planned test ran once, in order, and held. A failed test marked
    TODO is forgiven, a skipped one is not: the only database the scripts run on is our own."""
    found, planned, seen = [], [], 0
    lines = output.splitlines()
    for place, line in enumerate(lines):
        plan, result = PLAN.match(line), RESULT.match(line)
        if plan:
            planned.append(int(plan.group(1)))
        elif result:
            seen += 1
            if int(result.group(2)) != seen:
                found.append(f"test number {result.group(2)} came as the {seen}th: {line}")
            if re.search(r"#\s*skip", line, re.IGNORECASE):
                found.append(f"skipped: {line}")
            if result.group(1) and "# TODO" not in line:
                found += [line, *_diagnostics(lines[place + 1:])]
    if len(planned) != 1:
        found.append(f"{len(planned)} plans; expected one line 1..N")
    elif planned[0] != seen or not seen:
        found.append(f"{planned[0]} tests planned, {seen} ran")
    return found


def _diagnostics(lines: list) -> list:
    """The comment lines that follow a failed test."""
    end = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:end]

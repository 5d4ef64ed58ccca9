#!/usr/bin/env python3
"""Hold the manual page of phaseminer against what `phaseminer --help` and its commands list.

Every option of theirs has to stand on the page, and every option on the page has to be one of theirs. Where
mandoc is installed, it must find nothing to warn of.

usage: check_man.py PHASEMINER PAGE
"""
import pathlib
import re
import shutil
import subprocess
import sys

COMMANDS = ([], ["bench"], ["selftest"], ["coherence-attempt"])


def options_of_help(program):
    found = set()
    for command in COMMANDS:
        text = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout
        for line in text.splitlines():
            names = re.match(r"  (-[^ ]+)", line)
            found.update(name for name in (names[1].split(",") if names else []))
    return found


def options_of_page(page):
    """What stands behind .Fl or Fl: `o`, `-url`."""
    return {"-" + name for name in re.findall(r"\bFl (-?[A-Za-z][\w-]*)", page.read_text())}


def main(program, page):
    page = pathlib.Path(page)
    listed, described = options_of_help(program), options_of_page(page)
    problems = [f"{page}: {name} is not described" for name in sorted(listed - described)]
    problems += [f"{page}: {name} is none that phaseminer --help lists" for name in sorted(described - listed)]
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False)
        problems += (lint.stdout + lint.stderr).splitlines()
    else:
        print("mandoc is not installed: the page's form is not checked")
    print("\n".join(problems) or f"{page.name}: describes {len(listed)} options")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

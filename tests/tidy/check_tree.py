#!/usr/bin/env python3
"""Check two habits of the tree, as ratchets: what is wrong today is listed, and may only get better.

Mirror: common/bitcoin/target.cpp has tests/unit/common/bitcoin/target_test.cpp (or the same under
tests/loop). A .cpp without a header of its own name (a kernel, a part of a larger class) is tested
where the headers of its folder that it includes are, or under what stands before its first "_".
Length: a function of 70 lines or fewer may not grow past 70; a longer one may not grow at all.

tree_baseline.json holds what is excused: {"untested": [paths], "long_functions": {"path: name": lines}}.
An entry that is no longer true must leave it, so that it never comes back unseen.

usage: check_tree.py [ROOT]
"""
import json
import pathlib
import re
import sys

LINES_MAX = 70
# Where a .cpp must have a mirror. main.cpp files are narrated start and stop, tested by tests/functional.
MIRRORED = ("common", "pool", "miner")
COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^[ \t]*#(?:\\\n|[^\n])*',
    re.DOTALL | re.MULTILINE)
OWN_HEADER = re.compile(r'^\s*#\s*include\s*"([^"]+)\.h"', re.MULTILINE)
NOT_A_FUNCTION = re.compile(r"^\s*(?:namespace|class|struct|enum|union|extern)\b(?!.*\)\s*$)", re.DOTALL)
NAME = re.compile(r"([\w:~]+(?:\s*operator\s*[^\s(]+)?)\s*\(")
CONSTRUCTOR_LIST = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")


def blanked(text: str) -> str:
    """Comments, literals and preprocessor lines as spaces; digit separators kept out of the way."""
    text = re.sub(r"(?<=\d)'(?=\d)", " ", text)
    return COMMENT_OR_TEXT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(code: str, opening: int) -> int:
    """The offset of the brace that closes the one at `opening`."""
    depth = 0
    for offset in range(opening, len(code)):
        if code[offset] == "{":
            depth += 1
        elif code[offset] == "}":
            depth -= 1
            if depth == 0:
                return offset
    return len(code) - 1


def is_function(head: str) -> bool:
    outside_parentheses = re.sub(r"\(.*\)", "", head, flags=re.DOTALL)
    return "(" in head and not NOT_A_FUNCTION.match(head) and ("=" not in outside_parentheses or "operator" in head)


def functions(text: str):
    """(name, lines) of every function definition: a brace whose head has a parameter list."""
    code = blanked(text)
    offset = start = 0
    while offset < len(code):
        letter = code[offset]
        if letter in ";}":
            start = offset + 1
        elif letter == "{":
            head = code[start:offset]
            if CONSTRUCTOR_LIST.search(head) and re.search(r"[\w>]\s*$", head) and not re.search(r"\)\s*\w*\s*$", head):
                offset = closing(code, offset)  # an initialiser of a member, not the body
            elif is_function(head):
                end = closing(code, offset)
                first = start + len(head) - len(head.lstrip())
                name = NAME.search(head)
                yield (name.group(1) if name else "?"), code.count("\n", first, end) + 1
                offset = end
                start = end + 1
            else:
                start = offset + 1
        offset += 1


def long_functions(root: pathlib.Path, sources: list) -> dict:
    found = {}
    for path in sources:
        for name, lines in functions((root / path).read_text()):
            if lines > LINES_MAX:
                key = f"{path}: {name}"
                found[key] = max(lines, found.get(key, 0))
    return found


def is_tested(root: pathlib.Path, path: str) -> bool:
    place = pathlib.PurePosixPath(path)
    folder, names = str(place.parent), {place.stem}
    if not (root / place.with_suffix(".h")).exists():
        names.add(place.stem.split("_")[0])
        own = (pathlib.PurePosixPath(name) for name in OWN_HEADER.findall((root / path).read_text()))
        names.update(header.name for header in own if str(header.parent) == folder)
    return any((root / "tests" / kind / folder / f"{name}_test.cpp").exists() for kind in ("unit", "loop") for name in names)


def untested(root: pathlib.Path, sources: list) -> list:
    mirrored = [path for path in sources if path.split("/")[0] in MIRRORED and path.endswith(".cpp")]
    return [path for path in mirrored if not path.endswith("main.cpp") and not is_tested(root, path)]


def complaints(lacking: list, lengths: dict, baseline: dict):
    excused, allowed = baseline["untested"], baseline["long_functions"]
    for path in sorted(set(lacking) - set(excused)):
        yield f"{path}: no tests/unit/{path[:-4]}_test.cpp (nor under tests/loop)"
    for path in sorted(set(excused) - set(lacking)):
        yield f"tree_baseline.json: {path} has its test (or is gone); take it off the list"
    for key, lines in sorted(lengths.items()):
        if lines > allowed.get(key, LINES_MAX):
            yield f"{key} is {lines} lines long; {allowed.get(key, LINES_MAX)} is the limit for it"
    for key in sorted(set(allowed) - set(lengths)):
        yield f"tree_baseline.json: {key} is short (or gone); take it off the list"


def main(root_name: str) -> int:
    root = pathlib.Path(root_name)
    sources = sorted(path.relative_to(root).as_posix() for top in (*MIRRORED, "tests") for path in (root / top).rglob("*")
                     if path.suffix in (".h", ".cpp"))
    baseline = json.loads((root / "tests/tidy/tree_baseline.json").read_text())
    found = list(complaints(untested(root, sources), long_functions(root, sources), baseline))
    print("\n".join(found) or "tree: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))

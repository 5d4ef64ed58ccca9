#!/usr/bin/env python3
"""Check that the proof path computes in integers alone: no object of common/coherence but estimate.cpp's may
hold an instruction that adds, multiplies, divides, takes a root of or converts floating-point numbers.

What is compiled is looked at, not what is written: a double that hides in a macro, a template or an overload
shows here. Moves are allowed, since vector registers also carry bytes. Exit status 77 (skipped) on a processor
whose instructions the check does not know.

usage: check_no_floating_point.py BUILD
"""
import pathlib
import re
import subprocess
import sys

MAY_ESTIMATE = ("estimate.cpp.o",)
OBJECTS = pathlib.PurePath("common/coherence/CMakeFiles/common_coherence.dir")
EXPECTED = {"attempt.cpp.o", "certificate.cpp.o", "chain.cpp.o", "difficulty.cpp.o", "kuramoto.cpp.o", "lucas.cpp.o", "verify.cpp.o"}
X86 = re.compile(
    # SSE, AVX and AVX-512, scalar and packed.
    r"v?(?:add|sub|mul|div|sqrt|min|max|rcp|rsqrt|hadd|hsub|addsub|round|dp|cmp\w*|rcp14|rsqrt14|rndscale|scalef|getexp|getmant|reduce|fixupimm)[sp][sd]"
    r"|v?u?comis[sd]|v?fn?m(?:add|sub|addsub|subadd)\w*[sp][sd]|v?cvt\w+"
    # x87.
    r"|f(?:i?add|i?sub|i?mul|i?div)(?:p|r|rp)?[sl]?|f(?:sqrt|abs|chs|prem1?|rndint|scale|yl2x|yl2xp1|2xm1|sin|cos|sincos|ptan|patan|xtract)"
    r"|fi(?:ld|st|stp|sttp)\w*|fu?comi?p*[sl]?|fld\w*|fstp?[slt]?")
ARM = re.compile(r"f(?:add|sub|mul|nmul|mla|mls|div|sqrt|madd|msub|nmadd|nmsub|min|max|minnm|maxnm|cmp|cmpe|ccmp|abs|neg|cvt\w+|rint\w|recpe|rsqrte)"
                 r"|[su]cvtf")
KNOWN = {"x86-64": X86, "i386": X86, "aarch64": ARM}
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(?:(?:lock|rep|repz|repnz|bnd|notrack|data16|\{\w+\})\s+)*([a-z]\w*)")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")


def floating_point(listing: str, mnemonics: re.Pattern):
    """(function, instruction) for each that computes in floating point, of what objdump -d prints."""
    function = "?"
    for line in listing.splitlines():
        if match := FUNCTION.match(line):
            function = match[1]
        elif (match := INSTRUCTION.match(line)) and mnemonics.fullmatch(match[1]):
            yield function, match[1]


def of_object(path: pathlib.Path):
    """Nothing when the processor is not known, else the list of (function, instruction)."""
    listing = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    architecture = next((name for name in KNOWN if re.search(rf"file format \S*{name}", listing)), None)
    return None if architecture is None else list(floating_point(listing, KNOWN[architecture]))


def main(build: str) -> int:
    objects = sorted((pathlib.Path(build) / OBJECTS).glob("*.cpp.o"))
    missing = EXPECTED - {path.name for path in objects}
    if missing:
        print(f"no floating point: not built: {', '.join(sorted(missing))} in {build}")
        return 1
    found = []
    for path in objects:
        if path.name in MAY_ESTIMATE:
            continue
        of_this = of_object(path)
        if of_this is None:
            print(f"no floating point: skipped, since {path.name} is for a processor that this check does not know")
            return 77
        found += [f"common/coherence/{path.name.removesuffix('.o')}: {instruction} in {function}" for function, instruction in of_this]
    print("\n".join(found) or f"no floating point: clean ({len(objects) - len(MAY_ESTIMATE)} objects)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

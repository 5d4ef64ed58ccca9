#!/usr/bin/env python3
"""The tidy checks must be able to fail: each rule meets a line that breaks it."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
import check_layers
import check_no_floating_point
import check_tree
import count_tests


class Layers(unittest.TestCase):
    def found(self, path, text):
        return list(check_layers.violations(path, text))

    def test_what_is_allowed_passes(self):
        for path, text in (("pool/core/shard.cpp", '#include "common/mining/job.h"\n#include <chrono>'),
                           ("pool/net/connection.cpp", '#include "common/log.h"\n#include "pool/messages.h"'),
                           ("common/uv/mailbox.h", "std::mutex mutex_;"),
                           ("common/base/bytes.cpp", '// printf("x") and std::mutex in a comment\nauto s = "getenv";')):
            self.assertEqual(self.found(path, text), [], path)

    def test_each_rule_can_fail(self):
        for why, path, text in (
                ("a lower layer includes a higher one", "common/base/bytes.h", '#include "common/bitcoin/hash.h"'),
                ("common includes pool", "common/uv/tcp.cpp", '#include "pool/messages.h"'),
                ("siblings", "pool/net/shard_loop.cpp", '#include "pool/store/store_loop.h"'),
                ("miner includes pool", "miner/main.cpp", '#include "pool/messages.h"'),
                ("a third party outside its folder", "pool/http/api.cpp", "#include <pqxx/pqxx>"),
                ("a third party in a header", "pool/tools/export.h", "#include <rapidjson/document.h>"),
                ("pure, yet threads", "pool/core/shard.cpp", "#include <thread>"),
                ("pure, yet logs", "pool/core/shard.cpp", '#include "common/log.h"'),
                ("pure, yet reads the clock", "pool/core/shard.cpp", "auto now = std::chrono::steady_clock::now();"),
                ("a mutex of its own", "pool/node/node_loop.cpp", "std::mutex guard;"),
                ("an include not from the root", "pool/node/node_loop.cpp", '#include "node_loop.h"'),
                ("a folder without a row", "pool/extra/thing.cpp", "int x;"),
                ("a kernel with the library's headers", "miner/scan_x86_avx2.cpp", "#include <array>")):
            self.assertTrue(self.found(path, text), why)

    def test_weak_symbols_in_kernel_objects(self):
        for text, count in (("extern \"C\" int scan() { return 1; }", 0),
                            ("inline int twice(int x) { return 2 * x; } int (*leak)(int) = twice;", 1)):
            with tempfile.TemporaryDirectory() as name:
                build = pathlib.Path(name)
                (build / "miner").mkdir()
                subprocess.run(["g++", "-c", "-x", "c++", "-", "-o", build / "miner" / "scan_x86_avx2.cpp.o"], input=text, text=True, check=True)
                self.assertEqual(len(list(check_layers.weak_symbols(build))), count, text)


class Tree(unittest.TestCase):
    def lengths(self, text):
        return dict(check_tree.functions(text))

    def test_functions_are_found_with_their_length(self):
        text = """
namespace pool {
Session::Session(int a)
    : a_{a}, b_(a) {
  start();
}
int Session::on_line(std::string_view line) const {
  // a brace in a comment {
  const char* text = "}";
  for (int i = 0; i < 1'000; ++i) { use({i}); }
  return 0;
}
struct Plain { int a = 0; };
constexpr int table[] = {1, 2, 3};
}  // namespace pool
"""
        self.assertEqual(self.lengths(text), {"Session::Session": 4, "Session::on_line": 6})

    def test_a_long_function_is_found(self):
        text = "void f() {\n" + "  g();\n" * 80 + "}\n"
        self.assertEqual(self.lengths(text), {"f": 82})

    def test_ratchet(self):
        baseline = {"untested": ["a.cpp"], "long_functions": {"b.cpp: f": 90}}
        self.assertEqual(list(check_tree.complaints(["a.cpp"], {"b.cpp: f": 90}, baseline)), [])
        for why, lacking, lengths in (("new untested file", ["a.cpp", "c.cpp"], {"b.cpp: f": 90}),
                                      ("a long function grows", ["a.cpp"], {"b.cpp: f": 91}),
                                      ("a short function grows past the limit", ["a.cpp"], {"b.cpp: f": 90, "b.cpp: g": 71}),
                                      ("a list entry that is no longer true", [], {"b.cpp: f": 90}),
                                      ("a function that became short", ["a.cpp"], {})):
            self.assertEqual(len(list(check_tree.complaints(lacking, lengths, baseline))), 1, why)

    def test_mirror(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path in ("common/x/whole.cpp", "common/x/whole.h", "common/x/whole_part.cpp", "common/x/lone.cpp", "common/x/lone.h",
                         "tests/unit/common/x/whole_test.cpp"):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text("")
            self.assertEqual(check_tree.untested(root, ["common/x/whole.cpp", "common/x/whole_part.cpp", "common/x/lone.cpp"]),
                             ["common/x/lone.cpp"])


class NoFloatingPoint(unittest.TestCase):
    def found(self, text, *flags):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "probe.o"
            subprocess.run(["g++", "-std=c++20", "-O2", *flags, "-c", "-x", "c++", "-", "-o", path], input=text, text=True, check=True)
            of_object = check_no_floating_point.of_object(path)
        if of_object is None:
            self.skipTest("a processor that the check does not know")
        return of_object

    def test_integers_pass_vectors_too(self):
        text = """#include <cstring>
unsigned sum(const unsigned* x) { unsigned s = 0; for (int i = 0; i < 64; ++i) s += x[i] * 3u; return s; }
struct Pair { double a, b; }; void copy(Pair* to, const Pair* from) { std::memcpy(to, from, sizeof *to); }"""
        self.assertEqual(self.found(text, "-O3"), [])

    def test_each_kind_is_found(self):
        for text, *flags in (("double f(double a, double b) { return a + b; }",),
                             ("float f(float a, float b) { return a * b; }",),
                             ("double f(double a, double b) { return a / b; }",),
                             ("double f(double a) { return __builtin_sqrt(a); }", "-fno-math-errno"),
                             ("double f(long a) { return double(a); }",),
                             ("long f(double a) { return long(a); }",),
                             ("bool f(double a, double b) { return a < b; }",),
                             ("void f(float* a) { for (int i = 0; i < 64; ++i) a[i] += 1.5f; }", "-O3")):
            self.assertTrue(self.found(text, *flags), text)

    def test_wide_and_old_instructions_are_found(self):
        for mnemonic in ("vfmadd231pd", "vaddps", "vsqrtsd", "vcvttps2dq", "vcvtusi2sd", "cvtsi2sd", "mulpd", "ucomisd", "fmulp", "fildll", "fsqrt", "faddp"):
            self.assertTrue(list(check_no_floating_point.floating_point(f"  1f:\t{mnemonic} x,y\n", check_no_floating_point.X86)), mnemonic)
        for mnemonic in ("paddd", "vpmulhrsw", "movaps", "shufps", "unpcklps", "pmaddwd", "vmovups", "pmulld", "vpaddd", "imul", "movsd", "xorps"):
            self.assertFalse(list(check_no_floating_point.floating_point(f"  1f:\t{mnemonic} x,y\n", check_no_floating_point.X86)), mnemonic)


class Count(unittest.TestCase):
    LOG = """
1/3 Test: unit_a
[doctest] test cases:  4 |  3 passed | 1 failed | 2 skipped
Test Failed.
2/3 Test: crashed
Segmentation fault
Test Failed.
3/3 Test: tidy_layers
layers: clean
Test Passed.
"""

    def test_cases_programs_and_crashes(self):
        self.assertEqual(count_tests.count_ctest(self.LOG), (4, 2, 2))

    def test_the_later_report_has_the_last_word(self):
        first = """<testsuites><testsuite><testcase classname="m" name="slow"><failure/></testcase>
            <testcase classname="m" name="wrong"><failure/></testcase><testcase classname="m" name="well"/>
            <testcase classname="n" name="slow"><skipped/></testcase></testsuite></testsuites>"""
        alone = '<testsuite><testcase classname="m" name="slow"/></testsuite>'
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, name) for name in ("all.xml", "alone.xml")]
            for path, text in zip(paths, (first, alone)):
                path.write_text(text)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                self.assertEqual(count_tests.main([str(path) for path in paths]), 1)
        self.assertEqual(output.getvalue().splitlines()[-1], "2 passed, 1 failed, 1 skipped")


if __name__ == "__main__":
    unittest.main()

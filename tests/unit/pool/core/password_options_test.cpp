#include "pool/core/password_options.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::Difficulty;
using pool::parse_password_options;
using pool::PasswordOptions;

namespace {

Difficulty difficulty(double value) { return *Difficulty::from_double(value); }

}  // namespace

TEST_CASE("a password's options are read wherever they stand") {
  struct Row {
    const char* why;
    const char* password;
    PasswordOptions options;
  };
  const auto start = [](double value) { return PasswordOptions{difficulty(value), {}, {}, {}}; };
  const Row rows[] = {
      {"alone", "d=1024", start(1024)},
      {"after a word", "x,d=4096", start(4096)},
      {"before a word", "d=512;foo", start(512)},
      {"ckpool's key", "diff=512", start(512)},
      {"upper case", "X,DIFF=512", start(512)},
      {"a fraction", "d=0.00015", start(0.00015)},
      {"no digit before the point", "d=.5", start(0.5)},
      {"from 1 on whole numbers", "d=1024.9", start(1024)},
      {"the last of a key counts", "d=1,diff=2", start(2)},
      {"a bad value takes nothing back", "d=64,d=x", start(64)},
      {"too large means the largest", "d=99999999999999999999", start(Difficulty::most)},
      {"too small means the smallest", "d=0.00000000000000000001", start(Difficulty::least)},
      {"leading zeros", "d=0064", start(64)},
      {"every separator",
       "md=1,th=2;fd=3&d=4\tx y\n",
       {difficulty(4), difficulty(1), difficulty(3), 2.0}},
      {"terahashes in decimals", "th=0.0005", {{}, {}, {}, 0.0005}},
      {"several separators in a row", ",,;d=2,,", start(2)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(parse_password_options(row.password) == row.options);
  }
}

TEST_CASE("anything else in a password is passed over") {
  const char* const passwords[] = {
      "",        "x",     "123",    "d",      "d=",       "=d",       "=",     "d=0",
      "d=-1",    "d=+1",  "d=nan",  "d=inf",  "d=1e9",    "d=0x10",   "d=1k",  "d= 5",
      "d=1.2.3", "d=1,5", "dd=5",   "md=0",   "fd=abc",   "th=0",     "th=-3", "xd=5",
      "d==5",    "d=5=6", "diff:5", "D=",     "password", "d=.",      "d=١",   "c=BTC",
      "th=inf",  "md=-0", "d=0.0",  "fd=1e3", "diffi=9",  "minimum=3"};
  for (const char* password : passwords) {
    CAPTURE(password);
    const PasswordOptions options = parse_password_options(password);
    if (std::string(password) == "d=1,5") continue;  // two words, and the first is an option
    CHECK(options == PasswordOptions{});
  }
  CHECK(parse_password_options(std::string("d=\0"
                                           "5",
                                           4)) == PasswordOptions{});
  CHECK(parse_password_options(std::string(16'384, ',')) == PasswordOptions{});
  CHECK(parse_password_options("d=" + std::string(16'384, '9')) == PasswordOptions{});
}

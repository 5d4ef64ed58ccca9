#include "pool/store/database_text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_CASE("text that is not UTF-8 is escaped, byte by byte") {
  struct Row {
    const char* why;
    std::string in;
    std::string out;
  };
  const Row rows[] = {{"plain", "rig1", "rig1"},
                      {"two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb8",
                       "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb8"},
                      {"NUL", std::string("a\0b", 3), "a\\x00b"},
                      {"stray continuation", "\x80z", "\\x80z"},
                      {"overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
                      {"overlong three bytes", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
                      {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                      {"past U+10FFFF", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
                      {"cut short", "x\xe2\x82", "x\\xe2\\x82"},
                      {"last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(pool::database_text(row.in, 100), row.out);
  }
}

TEST_CASE("text is cut at a character's end") {
  CHECK_EQ(pool::database_text("abcdef", 3), "abc");
  CHECK_EQ(pool::database_text("ab\xc3\xa9", 3), "ab");
  CHECK_EQ(pool::database_text("ab\xff", 5), "ab");
}

TEST_CASE("timestamps at their bounds") {
  struct Row {
    std::int64_t us;
    const char* text;
    std::int64_t day;
  };
  const Row rows[] = {
      {0, "1970-01-01 00:00:00.000000+00", 0},
      {-1, "1969-12-31 23:59:59.999999+00", -1},
      {951'782'400'000'000, "2000-02-29 00:00:00.000000+00", 11'016},
      {1'769'000'000'123'456, "2026-01-21 12:53:20.123456+00", 20'474},
      {std::numeric_limits<std::int64_t>::min(), "0001-01-01 00:00:00.000000+00", -719'162},
      {std::numeric_limits<std::int64_t>::max(), "9999-12-31 23:59:59.999999+00", 2'932'896}};
  for (const Row& row : rows) {
    CAPTURE(row.us);
    CHECK_EQ(pool::timestamp_text(row.us), row.text);
    CHECK_EQ(pool::day_of(row.us), row.day);
    CHECK_EQ(pool::date_text(row.day), std::string(row.text).substr(0, 10));
  }
}

TEST_CASE("doubles in PostgreSQL's spelling") {
  CHECK_EQ(pool::double_text(0.001), "0.001");
  CHECK_EQ(pool::double_text(-1e300), "-1e+300");
  CHECK_EQ(pool::double_text(-std::nan("")), "NaN");
  CHECK_EQ(pool::double_text(INFINITY), "Infinity");
  CHECK_EQ(pool::double_text(-INFINITY), "-Infinity");
}

TEST_CASE("literals") {
  CHECK_EQ(pool::array_text({}), "{}");
  CHECK_EQ(pool::array_text({"a", "", "q\"b\\c", "NULL"}), "{\"a\",\"\",\"q\\\"b\\\\c\",\"NULL\"}");
  CHECK_EQ(pool::bytea_text(base::Bytes{0xab, 0x01}), "\\xab01");
  CHECK_EQ(pool::reversed_bytea_text(base::Bytes{0xab, 0x01}), "\\x01ab");
  CHECK_EQ(pool::one_line("ERROR:  a\nLINE 1:\tb\n"), "ERROR:  a LINE 1: b");
}

TEST_CASE("time limits are added to a connection string that sets none") {
  CHECK_EQ(pool::with_connection_defaults("dbname=x connect_timeout=9", "app"),
           "dbname=x connect_timeout=9 fallback_application_name=app tcp_user_timeout=15000 "
           "keepalives_idle=10 keepalives_interval=5 keepalives_count=3");
  CHECK_EQ(pool::with_connection_defaults("postgresql:///x", "a")
               .find("postgresql:///x?connect_timeout=5&"),
           0);
  CHECK_EQ(pool::with_connection_defaults("postgres:///x?host=/run", "a")
               .find("postgres:///x?host=/run&connect_timeout=5&"),
           0);
  CHECK_EQ(pool::with_connection_defaults("postgres://u:a?b@h/x", "a")
               .find("postgres://u:a?b@h/x?connect_timeout=5&"),
           0);
  CHECK_EQ(pool::with_connection_defaults("postgres://u:?connect_timeout=1@h/x?a=b", "a")
               .find("postgres://u:?connect_timeout=1@h/x?a=b&connect_timeout=5&"),
           0);
  CHECK_EQ(pool::with_connection_defaults("", "a").find("connect_timeout=5 "), 0);
}

TEST_CASE("passwords are not shown") {
  const std::pair<const char*, const char*> rows[] = {
      {"postgresql:///phasepool?host=/run", "postgresql:///phasepool?host=/run"},
      {"postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"},
      {"postgresql://u:se@cret@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:se?cret@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:se?cr@et@h/d?a=b@c", "postgresql://u:***@h/d?a=b@c"},
      {"postgresql://u:se?cret@h", "postgresql://u:***@h"},
      {"postgresql://u:se?cret@h?x=y", "postgresql://u:***@h?x=y"},
      {"postgresql://h:5432/d?application_name=a@b", "postgresql://h:5432/d?application_name=a@b"},
      {"postgresql://u@h:5432/d", "postgresql://u@h:5432/d"},
      {"postgresql:///d?user=u&password=secret&host=h",
       "postgresql:///d?user=u&password=***&host=h"},
      {"host=h password=secret user=u", "host=h password=*** user=u"},
      {"password='se cr\\'et' user=u", "password=*** user=u"},
      {"user=u password=se\\ cret", "user=u password=***"}};
  for (const auto& [in, out] : rows) CHECK_EQ(pool::without_password(in), out);
}

// How API values are written, in both forms.
#include "miner/api_text.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

TEST_CASE("each kind of value in both forms, with what could break out of them") {
  const ApiReply reply{
      {'E', 3, "a \"b\"\n"},
      "THINGS",
      {{{"T", std::string_view("x\\y,\x1b")}, {"N", std::uint64_t{18446744073709551615U}}},
       {{"D", 0.5}, {"F", true}}}};
  const std::string json = api_json(reply, 7);
  CHECK_NE(json.find(R"({"STATUS":[{"STATUS":"E","When":7,"Code":3,"Msg":"a \"b\"\n",)"),
           std::string::npos);
  CHECK_NE(json.find(R"("THINGS":[{"T":"x\\y,?","N":18446744073709551615},)"
                     R"({"D":0.50000000,"F":true}],"id":1})"),
           std::string::npos);
  const std::string text = api_plain_text(reply, 7);
  CHECK_EQ(text.rfind("STATUS=E,When=7,Code=3,Msg=a \"b\"?,Description=phaseminer ", 0), 0);
  CHECK_NE(text.find(R"(|THINGS,T=x\\y\,?,N=18446744073709551615|THINGS,D=0.50000000,F=true|)"),
           std::string::npos);
}

}  // namespace
}  // namespace miner

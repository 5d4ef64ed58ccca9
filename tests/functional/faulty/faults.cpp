// The faults of phasepool_faulty. The name in PHASEPOOL_TEST_FAULT is the one that is on; without
// it the program is the ordinary pool. Most are edits of the lines that come in or go out, which
// are here; the others are where the pool calls fault(). tests/functional/stratum/faults.py says
// which checks each of them must make fail.
//
// PHASEPOOL_TEST_KILL names the kill point at which the process ends: "vault_synced", or, with
// "submit_sent:2", at the second time it is passed.
#include "common/base/test_faults.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <string>

namespace base {
namespace {

const std::string& name_of_fault() {
  static const std::string wanted = [] {
    const char* value = std::getenv("PHASEPOOL_TEST_FAULT");
    return std::string(value == nullptr ? "" : value);
  }();
  return wanted;
}

struct Edit {
  const char* fault;
  const char* pattern;  // ECMAScript; every match is replaced
  const char* replacement;
};

#define SUBSCRIBED R"~((\{"id":[^,]*,"result":\[\[\[.*\n))~"
#define NOTIFY R"~((\{"id":null,"method":"mining.notify","params":\[)~"
constexpr const char* garbage = "{\n{\n{\n{\n";

constexpr Edit outgoing[] = {
    {"id_not_echoed", R"~(^\{"id":[^,]+,"result")~", R"~({"id":0,"result")~"},
    {"null_id_left_out", R"~(^\{"id":null,"method")~", R"~({"method")~"},
    {"error_key_left_out", R"~(,"error":null\})~", "}"},
    {"lines_end_in_crlf", R"~(\n)~", "\r\n"},
    {"lines_with_spaces", R"~(,")~", R"~(, ")~"},
    {"subscribe_pair_flat",
     R"~(\[\["mining.set_difficulty","[^"]*"\],(\["mining.notify","[^"]*"\])\])~", "$1"},
    {"subscribe_without_notify", R"~("mining\.notify"(,"[^"]*"\]\],))~", R"~("mining.other"$1)~"},
    {"extranonce2_size_as_text", R"~((:\[\[\[.*),8\])~", R"~($1,"8"])~"},
    {"extranonce2_of_three", R"~((:\[\[\[.*),8\])~", R"~($1,3])~"},
    {"extranonce1_reused", R"~((\]\],")[0-9a-f]{8}(",8))~",
     "$01"
     "00000001$02"},
    {"configure_extra_key", R"~(("version-rolling.mask":"[0-9a-f]{8}"))~",
     R"~($1,"version-rolling.min-bit-count":16)~"},
    {"configure_mask_not_anded", R"~("version-rolling.mask":"[0-9a-f]{8}")~",
     R"~("version-rolling.mask":"ffffffff")~"},
    {"difficulty_with_point", R"~(("mining.set_difficulty","params":\[[0-9]+)\])~", "$1.0]"},
    {"difficulty_with_exponent", R"~(("mining.set_difficulty","params":\[)1000000\])~", "$011e6]"},
    {"difficulty_with_a_fraction", R"~(("mining.set_difficulty","params":\[)1000\])~",
     "$01"
     "1000.7]"},
    {"difficulty_as_text", R"~(("mining.set_difficulty","params":\[)([0-9.]+)\])~", R"~($1"$2"])~"},
    {"difficulty_zero", R"~(("mining.set_difficulty","params":\[)([0-9.]+)\])~", R"~($010])~"},
    {"difficulty_twice", R"~((\{"id":null,"method":"mining.set_difficulty".*\n))~", "$1$1"},
    {"notify_before_authorize", SUBSCRIBED,
     "$1{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"1\",\"00\",\"00\",\"00\",[],"
     "\"20000000\",\"207fffff\",\"60000000\",true]}\n"},
    {"difficulty_before_authorize", SUBSCRIBED,
     "$1{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[1]}\n"},
    {"extranonce_before_authorize", SUBSCRIBED,
     "$1{\"id\":null,\"method\":\"mining.set_extranonce\",\"params\":[\"00000000\",8]}\n"},
    {"mask_before_authorize", R"~((.*"version-rolling.mask".*\n))~",
     "$1{\"id\":null,\"method\":\"mining.set_version_mask\",\"params\":[\"1fffe000\"]}\n"},
    {"mask_never", R"~(\{"id":null,"method":"mining.set_version_mask".*\n)~", ""},
    {"clean_jobs_left_out", NOTIFY R"~(.*),(true|false)\]\})~", "$1]}"},
    {"clean_jobs_never", NOTIFY R"~(.*),true\]\})~", "$1,false]}"},
    {"clean_jobs_always", NOTIFY R"~(.*),false\]\})~", "$1,true]}"},
    {"prevhash_not_swapped", NOTIFY R"~("[^"]*",")([0-9a-f]{32})([0-9a-f]{32}))~", "$1$3$2"},
    {"branch_swapped", NOTIFY R"~(.*\[")([0-9a-f]{32})([0-9a-f]{32}))~", "$1$3$2"},
    {"nbits_other", NOTIFY R"~(.*"[0-9a-f]{8}",")207fffff")~", R"~($01207ffffe")~"},
    {"version_with_rolled_bits", NOTIFY R"~(.*\],")20000000")~", R"~($0120002000")~"},
    {"ntime_little_endian", NOTIFY R"~(.*",")(..)(..)(..)(..)(",(true|false)\]))~", "$1$5$4$3$2$6"},
    {"coinbase_with_other_height", NOTIFY R"~("[^"]*","[^"]*","[0-9a-f]{82})(..)(..))~", "$1$3$2"},
    {"job_id_repeated", NOTIFY R"~(")[^"]*")~", R"~($0100000001")~"},
    {"job_id_upper_case", NOTIFY R"~(")[^"]*")~", R"~($01ABCDEF")~"},
    {"error_as_text", R"~("error":\[[0-9]+,("[^"]*"),null\])~", R"~("error":$1)~"},
    {"error_as_object", R"~("error":\[([0-9]+),("[^"]*"),null\])~",
     R"~("error":{"code":$1,"message":$2})~"},
    {"error_code_one_for_all", R"~("error":\[2[1-9],)~", R"~("error":[20,)~"},
    {"error_result_true", R"~("result":(false|null),"error":\[)~", R"~("result":true,"error":[)~"},
    {"method_not_found_as_json_rpc", R"~("error":\[20,"Unsupported method)~",
     R"~("error":[-32601,"Method not found)~"},
    {"pong_is_true", R"~("pong")~", "true"},
    {"transactions_sent", R"~("result":\[\])~", R"~("result":["00"])~"},
    {"reconnect_never", R"~(\{"id":null,"method":"client.reconnect".*\n)~", ""},
    {"authorize_true_for_all", R"~("result":false,"error":\[24,"Unauthorized worker[^\]]*\])~",
     R"~("result":true,"error":null)~"},
};

constexpr Edit incoming[] = {
    {"crlf_is_no_end", R"~(\r[\r\n]*)~", "\r"},
    {"empty_line_is_an_error", R"~((^|\n)[ \t]*\r?\n)~", garbage},
    {"pipelined_lines_lost", R"~((\n)[^]+)~", "$1"},
    {"params_first_is_an_error", R"~(^\{"params")~", garbage},
    {"jsonrpc_is_an_error", R"~("jsonrpc":"2.0")~", garbage},
    {"missing_params_are_an_error", R"~("method":"mining.subscribe"\})~", garbage},
    {"null_params_are_an_error", R"~("params":null)~", garbage},
    {"null_id_is_answered", R"~("id": ?null)~", R"~("id":0)~"},
    {"pong_is_answered", R"~("method":"pong")~", R"~("method":"mining.ping")~"},
    {"response_is_an_error", R"~(\{"id": 1, "result")~", garbage},
    {"user_agent_must_be_text", R"~("params":\[null)~", garbage},
    {"extranonce_subscribe_unknown", "mining.extranonce.subscribe", "mining.nonsense"},
    {"unknown_method_disconnects",
     R"~("method": ?"mining\.(dig_deeper|no_such_[0-9]+|multi_version|term)")~", garbage},
    {"configure_needs_a_mask", R"~(\[\["version-rolling"\](,\{\})?\])~", "[[\"x\"],{}]"},
    {"minimum_difficulty_ignored", "minimum-difficulty.value", "minimum-difficulty.other"},
    {"suggestion_not_answered_true", "mining.suggest_(difficulty|target)", "mining.ping"},
    {"suggestion_ignored", R"~((mining.suggest_(difficulty|target)", ?"params": ?\[)[^\]]*)~",
     "$010"},
    {"suggestion_as_text_ignored", R"~((mining.suggest_difficulty","params":\[)"[^"]*")~", "$010"},
    {"session_ignored", R"~((mining.subscribe", ?"params": ?\["[^"]*"), ?"[^"]*")~", "$1"},
    {"password_ignored", R"~((mining.authorize", ?"params": ?\["[^"]*"), ?"[^"]*")~",
     R"~($1,"x")~"},
    {"password_must_be_text", R"~((mining.authorize","params":\["[^"]*"),null)~", garbage},
    {"percent_not_decoded", "%", "%25"},
    {"underscore_is_no_separator", "lgth6c_", "lgth6c!"},
    {"upper_case_address_unknown", "BCRT1", "BCRT2"},
    {"version_bits_ignored", R"~((mining.submit".*"[0-9a-f]{8}"), "[0-9a-f]{8}"\])~", "$01]"},
    {"nicehash_as_all_others", "NiceHash/", "Nice/"},
    {"coinbase_as_for_whatsminer", R"~((mining.subscribe", "params": \[")[^"]*)~",
     "$01whatsminer/v1.0"},
    {"long_name_lost", R"~(\.l{190,})~", ""},
    {"second_worker_lost", R"~((mining.authorize", "params": \["[^"]*)\.farm)~", "$1.other"},
    {"short_nonce_refused", R"~(("[0-9a-f]{8}", ?")([0-9a-f]{1,7}"\]))~", "$1z$2"},
    {"padded_nonce_refused", R"~(" +([0-9a-f]+")~", "\"z$1"},
    {"zero_x_taken", R"~("0x([0-9a-f]+)")~", "\"$1\""},
    {"sign_taken", R"~("[-+]([0-9a-f]{7})")~", "\"0$1\""},
    {"numbers_refused", R"~((mining.submit".*), ?[0-9]+(, "[0-9a-f]+")?\])~", "$1,\"z\"$2]"},
    {"extranonce2_repaired",
     R"~((mining.submit", "params": \["[^"]*", "[^"]*", ")([0-9a-f]{14})")~", "$01$0200\""},
    {"six_params_refused", R"~((mining.submit".*), ?"00000000"\])~", R"~($1,"z"])~"},
    {"upper_case_hex_refused", R"~("(?=[0-9A-F]*[A-F])[0-9A-F]{8}"\])~", "\"z\"]"},
};

std::string edited(const Edit* edits, std::size_t count, std::string text) {
  for (std::size_t i = 0; i < count; ++i) {
    if (name_of_fault() != edits[i].fault) continue;
    static const std::regex pattern(edits[i].pattern);  // one fault is on in a process
    text = std::regex_replace(text, pattern, edits[i].replacement);
  }
  return text;
}

struct KillAt {
  std::string point;
  std::atomic<int> passes{1};  // points are passed on several threads
};

KillAt& kill_at() {
  static KillAt wanted;
  static const bool parsed = [] {
    const char* value = std::getenv("PHASEPOOL_TEST_KILL");
    const std::string text = value == nullptr ? "" : value;
    const std::size_t colon = text.find(':');
    wanted.point = text.substr(0, colon);
    if (colon != std::string::npos) wanted.passes = std::stoi(text.substr(colon + 1));
    return true;
  }();
  (void)parsed;
  return wanted;
}

}  // namespace

void faulty::kill_point(std::string_view name) {
  KillAt& wanted = kill_at();
  if (name != wanted.point || --wanted.passes != 0) return;
  ::raise(SIGKILL);
}

bool faulty::fault(std::string_view name) { return name == name_of_fault(); }

Bytes faulty::heard(ByteSpan bytes) {
  if (fault("long_line_is_an_error") && bytes.size() > 1024) return heard(as_bytes(garbage));
  const std::string text = edited(incoming, std::size(incoming), std::string(as_text(bytes)));
  return Bytes(text.begin(), text.end());
}

std::string faulty::said(std::string_view line) {
  return edited(outgoing, std::size(outgoing), std::string(line));
}

}  // namespace base

#include "pool/core/coherence_proof_json.h"

#include "common/base/assert.h"
#include "common/stratum/json_text.h"
#include "common/stratum/json_tokens.h"
#include "pool/core/proof_fields.h"

#include <fmt/format.h>

#include <limits>

namespace pool {
namespace {

namespace json = stratum::json;

constexpr std::uint32_t pools_max = 256;  // an instance number is a byte

// on_object(ProofFields&, Value) fills the result in; its `why` decides whether there is one.
template <class T, class OnObject>
base::Result<T, std::string> parse_line(std::string_view line, std::size_t bytes_max,
                                        std::string_view type, OnObject&& on_object) {
  if (line.size() > bytes_max) {
    return base::err(fmt::format("line is {} bytes, not at most {}", line.size(), bytes_max));
  }
  json::Document document;
  const auto root = document.parse(line);
  if (!root || !root->is(json::JsonKind::object)) {
    return base::err(fmt::format("line is {}, not a JSON object", json::excerpt(line)));
  }
  ProofFields members(*root);
  members.expect_text("type", type);
  T result;
  if (members.ok()) on_object(result, members, *root);
  if (!members.ok()) return base::err(members.why());
  return result;
}

std::string hex_of(const base::U256& number) { return base::to_reversed_hex(number.to_le_bytes()); }

std::string parse_stretches(json::Value list, std::vector<JournalStretch>& out) {
  std::string why;
  list.for_each_item([&](json::Value item) {
    if (!why.empty()) return;
    ProofFields members(item, fmt::format("stretch {}: ", out.size()));
    JournalStretch stretch;
    stretch.stretch.pool = static_cast<std::uint32_t>(members.integer("pool", pools_max - 1));
    members.bytes("journal", stretch.journal);
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    stretch.stretch.first_sequence = members.integer("first", most);
    stretch.stretch.last_sequence = members.integer("last", most);
    members.bytes("head", stretch.stretch.head);
    if (!out.empty() && out.back().stretch.pool >= stretch.stretch.pool) {
      members.wrong("pool", "above that of the stretch before");
    }
    why = members.why();
    out.push_back(stretch);
  });
  return why;
}

}  // namespace

CoherenceProof proof_of(const CoherenceProofRecord& record) {
  const auto certificate = coherence::decode_certificate(record.certificate);
  ASSERT(certificate.has_value());
  const coherence::Claim claim{.attempt = record.attempt,
                               .bloom_end = certificate->bloom_end,
                               .r_q = certificate->r_q.back(),
                               .psi_q = certificate->psi_q.back(),
                               .cert_hash = coherence::cert_hash_of(record.certificate)};
  return {.header92 = coherence::header92(record.header, claim),
          .extranonce = record.extranonce,
          .attempt = record.attempt,
          .params = record.params,
          .target = record.target,
          .certificate = record.certificate,
          .work_hash = record.work_hash};
}

std::string write_coherence_proof(const CoherenceProof& proof) {
  return fmt::format(
      R"({{"type":"coherence","header92":"{}","extranonce":"{}","attempt":"{}","params":"{}",)"
      R"("target":"{}","certificate":"{}","work_hash":"{}"}})",
      base::to_hex(proof.header92), base::u64_hex(proof.extranonce), base::u64_hex(proof.attempt),
      base::u32_hex(proof.params), hex_of(proof.target), base::to_hex(proof.certificate),
      base::to_hex(proof.work_hash));
}

std::string write_coherence_rules(const coherence::ChainRules& rules) {
  return fmt::format(R"({{"type":"coherence_rules","block_seconds":{},"retarget_blocks":{},)"
                     R"("initial_bits":"{}","start_time":{}}})",
                     rules.block_seconds, rules.retarget_blocks, base::u32_hex(rules.initial_bits),
                     rules.start_time);
}

std::string write_coherence_block(const CoherenceBlockRecord& block) {
  std::string stretches;
  for (const JournalStretch& each : block.stretches) {
    stretches += fmt::format(R"({}{{"pool":{},"journal":"{}","first":{},"last":{},"head":"{}"}})",
                             stretches.empty() ? "" : ",", each.stretch.pool,
                             base::to_hex(each.journal), each.stretch.first_sequence,
                             each.stretch.last_sequence, base::to_hex(each.stretch.head));
  }
  return fmt::format(R"({{"type":"coherence_block","height":{},"hash":"{}","header":"{}",)"
                     R"("params":"{}","bitcoin_tip":"{}","stretches":[{}]}})",
                     block.height, base::to_hex(block.hash), base::to_hex(block.header),
                     base::u32_hex(block.params), block.bitcoin_tip.display_hex(), stretches);
}

base::Result<CoherenceProof, std::string> parse_coherence_proof(std::string_view line) {
  return parse_line<CoherenceProof>(line, coherence_proof_line_bytes_max, "coherence",
                                    [](CoherenceProof& proof, ProofFields& members, json::Value) {
                                      members.bytes("header92", proof.header92);
                                      members.numeral("extranonce", proof.extranonce);
                                      members.numeral("attempt", proof.attempt);
                                      members.numeral("params", proof.params);
                                      members.numeral("target", proof.target);
                                      members.bytes("certificate", proof.certificate);
                                      members.bytes("work_hash", proof.work_hash);
                                    });
}

base::Result<coherence::ChainRules, std::string> parse_coherence_rules(std::string_view line) {
  return parse_line<coherence::ChainRules>(
      line, coherence_proof_line_bytes_max, "coherence_rules",
      [](coherence::ChainRules& rules, ProofFields& members, json::Value) {
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        rules.block_seconds = static_cast<std::uint32_t>(members.integer("block_seconds", most));
        rules.retarget_blocks =
            static_cast<std::uint32_t>(members.integer("retarget_blocks", most));
        members.numeral("initial_bits", rules.initial_bits);
        rules.start_time = static_cast<std::uint32_t>(members.integer("start_time", most));
        if (rules.block_seconds == 0) members.wrong("block_seconds", "above 0");
        if (rules.retarget_blocks == 0) members.wrong("retarget_blocks", "above 0");
      });
}

base::Result<CoherenceBlockRecord, std::string> parse_coherence_block(std::string_view line) {
  std::string why;
  auto block = parse_line<CoherenceBlockRecord>(
      line, coherence_block_line_bytes_max, "coherence_block",
      [&why](CoherenceBlockRecord& parsed, ProofFields& members, json::Value root) {
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        parsed.height = static_cast<std::uint32_t>(members.integer("height", most));
        members.bytes("hash", parsed.hash);
        members.bytes("header", parsed.header);
        members.numeral("params", parsed.params);
        members.hash("bitcoin_tip", parsed.bitcoin_tip);
        const json::Value list = root.member("stretches");
        if (!list.is(json::JsonKind::array)) members.wrong("stretches", "a list");
        why = parse_stretches(list, parsed.stretches);
      });
  if (block && !why.empty()) return base::err(why);
  return block;
}

}  // namespace pool

// Proof records as anybody may hand them over: of blocks, of coherence work, of the proof chain.
// What passes as a block's record must follow from it by other means; what is read of the others
// must be what would be written.
#include "common/bitcoin/block_check.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/target.h"
#include "pool/core/block_proof.h"
#include "pool/core/coherence_proof_json.h"
#include "tests/fuzz/fuzz_check.h"

#include <string>
#include <string_view>

namespace {

void check_line(const std::string& text) {
  FUZZ_CHECK(!text.empty());
  FUZZ_CHECK(text.find('\n') == std::string::npos);
}

void check_block(std::string_view text) {
  const auto proof = pool::parse_block_proof(text);
  if (!proof) return check_line(proof.error());
  const pool::BlockProofVerdict verdict = pool::judge_block_proof(*proof);
  for (const std::string& flaw : verdict.flaws) check_line(flaw);
  if (!verdict.flaws.empty()) return;
  const auto header = bitcoin::Header::parse(proof->header);
  FUZZ_CHECK(header.hash() == proof->hash);
  const auto target = bitcoin::Target256::from_compact(header.nbits);
  FUZZ_CHECK(target && target->admits(proof->hash.bytes));
  const auto coinbase = bitcoin::Transaction::parse(proof->coinbase);
  FUZZ_CHECK(coinbase && bitcoin::coinbase_height(*coinbase) == proof->height);
  FUZZ_CHECK(bitcoin::output_sum(*coinbase) == proof->reward);
  const bitcoin::Hash256 leaf{coinbase->txid().bytes};
  FUZZ_CHECK(bitcoin::fold_merkle_branch(leaf, proof->merkle_branch) == header.merkle_root);
}

template <class Parse, class Write>
void check_round_trip(std::string_view text, Parse parse, Write write) {
  const auto read = parse(text);
  if (!read) return check_line(read.error());
  const std::string written = write(*read);
  const auto again = parse(written);
  FUZZ_CHECK(again && write(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::as_text({data, size});
  check_block(text);
  check_round_trip(text, pool::parse_coherence_proof, pool::write_coherence_proof);
  check_round_trip(text, pool::parse_coherence_rules, pool::write_coherence_rules);
  check_round_trip(text, pool::parse_coherence_block, pool::write_coherence_block);
  return 0;
}

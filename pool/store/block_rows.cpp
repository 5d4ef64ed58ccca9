#include "pool/store/block_rows.h"

#include "pool/store/database_text.h"

namespace pool {
namespace {

constexpr std::size_t node_name_bytes_max = 512;
constexpr std::size_t detail_bytes_max = 16 * 1024;

const char* answer_text(SubmissionAnswer answer) {
  switch (answer) {
    case SubmissionAnswer::accepted:
      return "accepted";
    case SubmissionAnswer::duplicate:
      return "duplicate";
    case SubmissionAnswer::inconclusive:
      return "inconclusive";
    case SubmissionAnswer::rejected:
      return "rejected";
    case SubmissionAnswer::unreachable:
      return "unreachable";
  }
  return "unreachable";
}

const char* state_text(BlockState state) {
  switch (state) {
    case BlockState::in_chain:
      return "in_chain";
    case BlockState::orphaned:
      return "orphaned";
    case BlockState::confirmed:
      return "confirmed";
  }
  return "in_chain";
}

}  // namespace

void store(pqxx::work& transaction, const BlockSubmissionRecord& submission) {
  transaction.exec_params(
      "SELECT set_block_submission($1::bytea, $2, $3, $4, $5::timestamptz)",
      reversed_bytea_text(submission.hash.bytes),
      database_text(submission.node, node_name_bytes_max), answer_text(submission.answer),
      database_text(submission.detail, detail_bytes_max), timestamp_text(submission.time_us));
}

void store(pqxx::work& transaction, const BlockStateRecord& state) {
  transaction.exec_params("SELECT set_block_state($1::bytea, $2, $3, $4::timestamptz)",
                          reversed_bytea_text(state.hash.bytes), state_text(state.state),
                          state.height, timestamp_text(state.time_us));
}

void store(pqxx::work& transaction, const ChainTipRecord& tip) {
  transaction.exec_params("SELECT add_chain_tip($1::bytea, $2::bytea, $3, $4::timestamptz)",
                          reversed_bytea_text(tip.hash.bytes),
                          reversed_bytea_text(tip.prev_hash.bytes), tip.height,
                          timestamp_text(tip.time_us));
}

void apply_block_state(pqxx::work& transaction, const bitcoin::BlockHash& hash) {
  transaction.exec_params("SELECT apply_block_state($1::bytea)", reversed_bytea_text(hash.bytes));
}

}  // namespace pool

// phasepool: a Bitcoin Stratum mining pool server. This file is the command line; what it starts is
// in server.cpp (run), tools/ (check, verify), payout/ (payout) and store/ (migrate).
//
// Exit codes: 0 done or orderly stop; 1 something outside is not as it must be; 2 wrong command
// line or config; 3 (payout) refused by the rules. Every failure is one line on stderr.
#include "common/log.h"
#include "pool/config/config.h"
#include "pool/core/limits.h"
#include "pool/payout/payout_command.h"
#include "pool/server/server.h"
#include "pool/server/version.h"
#include "pool/store/migrate.h"
#include "pool/tools/admin_command.h"
#include "pool/tools/check.h"
#include "pool/tools/export.h"
#include "pool/tools/verify.h"
#include "pool/tools/verify_chain.h"
#include "pool/tools/verify_coherence.h"
#include "pool/tools/verify_journal.h"
#include "pool/tools/verify_payout.h"
#include "pool/tools/verify_proof.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

std::optional<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

int migrate_command(const pool::Config& config) {
  const auto applied = pool::migrate(config.database);
  if (!applied) {
    std::fprintf(stderr, "phasepool: %s\n", applied.error().c_str());
    return 1;
  }
  for (const std::string& name : *applied) std::printf("applied %s\n", name.c_str());
  if (applied->empty()) std::printf("the schema is up to date\n");
  return 0;
}

CLI::App* add_export(CLI::App& app, pool::ExportCommand& exported) {
  auto* command = app.add_subcommand(
      "export", "journal segments and payout inputs, for `phasepool verify payout`");
  auto* runs = command->add_option("--run", exported.question.runs, "payout runs, by their ids");
  auto* from =
      command->add_option("--from", exported.question.from, "or all of a period: its first moment");
  auto* to = command->add_option("--to", exported.question.to, "and its end");
  from->needs(to)->excludes(runs);
  to->needs(from);
  command->add_option("--out", exported.out, "folder to write to")->required();
  command->add_option("--database", exported.database,
                      "as a login that may read payouts, of role phasepool_reports; else the "
                      "configuration's");
  command->add_option("--journal", exported.folders,
                      "further folders of segments: other pools', or older ones");
  return command;
}

// Those of `verify` that read files alone and need no configuration.
class VerifyOfFiles {
 public:
  explicit VerifyOfFiles(CLI::App& verify) {
    block_ = verify.add_subcommand("block", "single files of a vault");
    block_->add_option("FILE", block_files_, "<block hash>.block")->required();
    block_->add_option("--hex", block_out_,
                       "write the first file's block to this one, in hex, for `bitcoin-cli -stdin "
                       "submitblock`");
    journal_ = verify.add_subcommand(
        "journal", "the share journal: checksums, sequence, the chain of its segments");
    journal_->add_option("FOLDER", journal_folder_, "a data_dir, or a folder of segments")
        ->required();
    payout_ =
        verify.add_subcommand("payout", "the split of rewards, from an export's journal alone");
    payout_->add_option("FOLDER", export_folder_, "what `phasepool export` wrote")->required();
    coherence_ =
        verify.add_subcommand("coherence", "coherence proofs, each replayed from its seed");
    coherence_->add_option("FILE", coherence_files_, "a proof of `phasepool export` a line")
        ->required();
    add_proof(verify);
  }

  // The exit code, where one of them was asked for.
  std::optional<int> run() const {
    if (block_->parsed()) return pool::verify_block_command(block_files_, block_out_);
    if (journal_->parsed()) return pool::verify_journal_command(journal_folder_);
    if (payout_->parsed()) return pool::verify_payout_command(export_folder_);
    if (coherence_->parsed()) return pool::verify_coherence_command(coherence_files_);
    if (proof_->parsed()) return pool::verify_proof_command(proof_command_);
    return std::nullopt;
  }

 private:
  void add_proof(CLI::App& verify) {
    proof_ = verify.add_subcommand(
        "proof", "proof records of blocks, as the page and /api/v1/blocks/HASH/proof give them");
    proof_->add_option("FILE", proof_command_.files, "a record's JSON")->required();
    auto* node =
        proof_->add_option("--node", proof_command_.node,
                           "also ask the node at http://host:port whether its chain has the block");
    proof_->add_option("--cookie", proof_command_.cookie_file, "its cookie file")->needs(node);
    proof_->add_option("--user", proof_command_.user, "or its user")->needs(node);
    proof_->add_option("--password", proof_command_.password, "and password")
        ->envname("PHASEPOOL_RPC_PASSWORD");
  }

  CLI::App* block_ = nullptr;
  CLI::App* journal_ = nullptr;
  CLI::App* payout_ = nullptr;
  CLI::App* coherence_ = nullptr;
  CLI::App* proof_ = nullptr;
  std::vector<std::string> block_files_;
  std::string block_out_;
  std::string journal_folder_;
  std::string export_folder_;
  std::vector<std::string> coherence_files_;
  pool::VerifyProofCommand proof_command_;
};

CLI::App* add_verify_chain(CLI::App& verify, pool::VerifyChainCommand& chain,
                           std::string& config_path) {
  auto* command =
      verify.add_subcommand("chain", "the proof chain, and the journals that it commits to");
  auto* of = command->add_option_group("of", "which chain")->require_option(1);
  of->add_option("FOLDER", chain.folder, "what `phasepool export` wrote");
  of->add_option("-c,--config", config_path,
                 "or the database and data_dir of the pool's configuration");
  command->add_option("--journal", chain.journals,
                      "also look for segments here: a data_dir, or a folder of segments");
  command->add_option("--witness", chain.witnesses,
                      "hold it against a log that phaseminer kept of its coherence jobs");
  return command;
}

int verify_chain_command(const pool::Config& config, pool::VerifyChainCommand chain) {
  chain.database = config.database;
  chain.journals.push_back(config.data_dir);
  return pool::verify_chain_command(chain);
}

int export_command(const pool::Config& config, pool::ExportCommand exported) {
  if (exported.question.runs.empty() && exported.question.from.empty()) {
    std::fprintf(stderr, "phasepool: export what? Give --run ID, or --from TIME --to TIME\n");
    return 2;
  }
  if (exported.database.empty()) exported.database = config.database;
  exported.folders.push_back(config.data_dir);
  return pool::export_command(exported);
}

int run_command(const pool::Config& config, const pool::ReadConfig& read_again) {
  logging::Level level = logging::Level::info;
  logging::Format format = logging::Format::text;
  // The schema allows only names that these know.
  (void)logging::level_from_name(config.log.level, level);
  (void)logging::format_from_name(config.log.format, format);
  logging::configure(level, format);
  return pool::run_server(config, read_again);
}

int admin_command(const pool::Config& config, pool::AdminCommand command, const CLI::App& order) {
  command.order = order.get_name();
  return pool::admin_command(config, command);
}

// Adds `admin` and what is below it; the orders, of which one may have been parsed.
std::vector<CLI::App*> add_admin(CLI::App& app, pool::AdminCommand& command) {
  auto* admin = app.add_subcommand("admin", "give the pool that runs on this machine an order");
  admin->require_subcommand(1);
  auto* drain = admin->add_subcommand("drain", "let nobody in, and ask who mines to reconnect");
  drain->add_flag("--no-reconnect", command.no_reconnect, "who mines goes on until it leaves");
  auto* host = drain->add_option("--to-host", command.host, "where to reconnect; else here");
  drain->add_option("--to-port", command.port, "and its port")->needs(host);
  drain->add_option("--in", command.wait_seconds, "seconds that a miner shall wait before it");
  drain->add_flag("--wait", command.wait, "tell how many are left, until none is");
  auto* ban = admin->add_subcommand("ban", "close an address's connections and let none in");
  ban->add_option("ADDRESS", command.address, "IPv4, or any of an IPv6 /64")->required();
  ban->add_option("--seconds", command.seconds, "for so long (3600)");
  auto* unban = admin->add_subcommand("unban", "let an address in again");
  unban->add_option("ADDRESS", command.address)->required();
  auto* message = admin->add_subcommand("message", "show miners a line (client.show_message)");
  message->add_option("TEXT", command.text)->required();
  message->add_option("--to", command.to, "ADDRESS or ADDRESS.worker; else everybody");
  return {admin->add_subcommand("status", "who is connected, and whether it drains"),
          drain,
          admin->add_subcommand("resume", "the end of a drain"),
          admin->add_subcommand("reload", "read the configuration again, as at SIGHUP"),
          ban,
          unban,
          message};
}

// Adds `payout` and what is below it; the commands, of which one may have been parsed.
std::vector<std::pair<CLI::App*, pool::PayoutCommand::Action>> add_payout(
    CLI::App& app, pool::PayoutCommand& command) {
  using Action = pool::PayoutCommand::Action;
  namespace limits = pool::limits;
  auto* payout = app.add_subcommand(
      "payout", "pay the miners from the node's wallet; without --commit only told, not done");
  payout->require_subcommand(1);
  auto* plan = payout->add_subcommand("plan", "who is owed how much; --commit records payments");
  auto* show = payout->add_subcommand("show", "all payments, or one with its steps");
  auto* send = payout->add_subcommand("send", "fund, sign and send a payment, or go on with it");
  auto* settle = payout->add_subcommand("settle", "book payments that are deep in the chain");
  auto* cancel = payout->add_subcommand("cancel", "give a payment's amounts back");
  for (CLI::App* each : {plan, show, send, settle, cancel}) {
    each->add_flag("--json", command.json, "a JSON document instead of lines");
    each->add_option("--node", command.node, "which of the config's nodes, from 0 on");
    if (each != show) each->add_flag("--commit", command.commit, "do it");
    if (each == plan) continue;
    auto* id = each->add_option("ID", command.id, "the payment; plan and show tell it");
    id->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 62));
    if (each == send || each == cancel) id->required();
  }
  plan->add_option("--minimum", command.minimum_sats, "sats; instead of the scheme's minimum")
      ->check(CLI::Range(std::int64_t{1}, bitcoin::max_money.value));
  plan->add_option("--max-outputs", command.outputs_max, "miners that one payment pays (500)")
      ->check(CLI::Range(std::size_t{1}, limits::payment_outputs_max));
  plan->add_option("--address", command.addresses, "only this miner; may be given again");
  send->add_option("--fee-rate", command.fee_rate_sat_vb, "sat/vB; else the node estimates");
  send->add_option("--conf-target", command.target_blocks, "blocks, for the estimate (6)")
      ->check(CLI::Range(1, 1008));
  send->add_option("--max-fee-sats", command.fee_max_sats, "else 5 % of what is paid, or 10000")
      ->check(CLI::Range(std::int64_t{0}, bitcoin::max_money.value));
  send->add_option("--input-confirmations", command.input_confirmations_min,
                   "that coins must have to be spent (6)")
      ->check(CLI::Range(1, 1000));
  settle->add_option("--confirmations", command.confirmations_min, "that settle a payment (6)")
      ->check(CLI::Range(std::int64_t{1}, limits::payment_confirmations_max));
  return {{plan, Action::plan},
          {show, Action::show},
          {send, Action::send},
          {settle, Action::settle},
          {cancel, Action::cancel}};
}

}  // namespace

// What may escape is an exception of the command line parser's own set-up, or bad_alloc.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  CLI::App app{"Phasepool, a Bitcoin Stratum mining pool server"};
  app.set_version_flag("--version", std::string("phasepool ") + pool::version);
  app.require_subcommand(1);
  std::string config_path;
  auto* run = app.add_subcommand("run", "serve miners until SIGINT or SIGTERM");
  auto* check = app.add_subcommand("check", "look at everything the pool needs, a line each");
  auto* migrate = app.add_subcommand("migrate", "bring the database's schema up to date");
  auto* verify = app.add_subcommand("verify", "are the files of the pool whole?");
  verify->require_subcommand(1);
  auto* verify_vault = verify->add_subcommand("vault", "all blocks in the data_dir's vault");
  const VerifyOfFiles verify_files(*verify);
  pool::VerifyChainCommand chain;
  auto* verify_chain = add_verify_chain(*verify, chain, config_path);
  pool::ExportCommand exported;
  auto* export_payouts = add_export(app, exported);
  pool::PayoutCommand payout;
  const auto payouts = add_payout(app, payout);
  pool::AdminCommand admin;
  const std::vector<CLI::App*> orders = add_admin(app, admin);
  std::vector<CLI::App*> configured = {run, check, migrate, export_payouts, verify_vault};
  for (const auto& [command, action] : payouts) configured.push_back(command);
  configured.insert(configured.end(), orders.begin(), orders.end());
  for (CLI::App* command : configured) {
    command->add_option("-c,--config", config_path, "the pool's JSON configuration")->required();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  if (const auto code = verify_files.run()) return *code;
  if (verify_chain->parsed() && !chain.folder.empty()) return pool::verify_chain_command(chain);
  const auto config = pool::load_config(config_path, from_environment);
  if (!config) {
    std::fprintf(stderr, "phasepool: %s\n", config.error().why.c_str());
    return 2;
  }
  if (check->parsed()) return pool::check_command(*config);
  if (migrate->parsed()) return migrate_command(*config);
  if (export_payouts->parsed()) return export_command(*config, std::move(exported));
  if (verify_chain->parsed()) return verify_chain_command(*config, std::move(chain));
  if (verify_vault->parsed()) return pool::verify_vault_command(config->data_dir);
  for (const CLI::App* order : orders) {
    if (order->parsed()) return admin_command(*config, admin, *order);
  }
  for (const auto& [command, action] : payouts) {
    if (!command->parsed()) continue;
    payout.action = action;
    return pool::payout_command(*config, payout);
  }
  return run_command(*config, [&] { return pool::load_config(config_path, from_environment); });
}

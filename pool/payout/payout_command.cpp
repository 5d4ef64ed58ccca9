#include "pool/payout/payout_command.h"

#include "pool/core/limits.h"
#include "pool/node/node_check.h"
#include "pool/payout/payer.h"
#include "pool/payout/payment_look.h"
#include "pool/payout/payout_text.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

using Action = PayoutCommand::Action;

constexpr std::size_t payments_listed_max = 100;
constexpr std::size_t payments_settled_max = 1000;  // by one command

bool is_fee_rate(const std::string& text) {
  const std::size_t point = text.find('.');
  const std::string whole = text.substr(0, point);
  const std::string part = point == std::string::npos ? "0" : text.substr(point + 1);
  const auto digits = [](const std::string& each, std::size_t size_max) {
    return !each.empty() && each.size() <= size_max &&
           each.find_first_not_of("0123456789") == std::string::npos;
  };
  return digits(whole, 6) && digits(part, 3) && text.find_first_not_of("0.") != std::string::npos;
}

PayoutResult<void> check_usage(const Config& config, const PayoutCommand& command) {
  if (command.node >= config.nodes.size()) {
    return payout_err(payout_usage, fmt::format("--node {}: the config names {} nodes, from 0 on",
                                                command.node, config.nodes.size()));
  }
  if (command.action == Action::plan && config.payout.wallet.empty()) {
    return payout_err(payout_usage,
                      "payout.wallet is empty: name the node's wallet that payouts are sent from");
  }
  if (!command.fee_rate_sat_vb.empty() && !is_fee_rate(command.fee_rate_sat_vb)) {
    return payout_err(payout_usage,
                      fmt::format("--fee-rate '{}': expected sat/vB above 0, with at most three "
                                  "decimals, such as 12.5",
                                  command.fee_rate_sat_vb));
  }
  return {};
}

PayerOptions payer_options(const Config& config, const PayoutCommand& command) {
  PayerOptions options;
  options.network = config.network;
  options.commit = command.commit;
  options.fee.rate_sat_vb = command.fee_rate_sat_vb;
  options.fee.target_blocks = command.target_blocks;
  options.fee.input_confirmations_min = command.input_confirmations_min;
  if (command.fee_max_sats) options.fee_max = bitcoin::Sats(*command.fee_max_sats);
  options.confirmations_min = command.confirmations_min;
  return options;
}

// One command on an open database.
class Command {
 public:
  Command(const Config& config, const PayoutCommand& command, PaymentStore store,
          rpc::RpcEndpoint node)
      : config_(config),
        command_(command),
        store_(std::move(store)),
        node_(std::move(node)),
        payer_(store_, node_, payer_options(config, command)) {}

  PayoutResult<void> run() {
    if (command_.commit) {
      if (const auto locked = store_.lock(); !locked) return payout_err(locked.error());
    }
    switch (command_.action) {
      case Action::plan:
        return plan();
      case Action::show:
        return show();
      case Action::settle:
        return settle();
      case Action::send:
        return one([&](std::int64_t id) { return payer_.send(id); });
      case Action::cancel:
        return one([&](std::int64_t id) { return payer_.cancel(id); });
    }
    return {};
  }

 private:
  PayoutResult<void> plan();
  PayoutResult<void> gather(PlanReport& report);
  PayoutResult<void> look_at_wallet(PlanReport& report);
  PayoutResult<void> show();
  PayoutResult<void> settle();
  std::string chain_text(const Payment& payment);
  void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

  template <class Act>
  PayoutResult<void> one(Act act) {
    const auto outcome = act(*command_.id);
    if (!outcome) return base::err(outcome.error());
    print(command_.json ? outcomes_json({*outcome}, command_.commit, nullptr)
                        : outcome_text(*outcome, command_.commit));
    return {};
  }

  const Config& config_;
  const PayoutCommand& command_;
  PaymentStore store_;
  const rpc::RpcEndpoint node_;
  Payer payer_;
};

PayoutResult<void> Command::gather(PlanReport& report) {
  auto balances = store_.balances();
  if (!balances) return payout_err(balances.error());
  const auto in_force = store_.minimum_in_force();
  if (!in_force) return payout_err(in_force.error());
  const auto set_aside = store_.set_aside();
  if (!set_aside) return payout_err(set_aside.error());
  report.set_aside = *set_aside;
  if (command_.minimum_sats) {
    report.minimum = bitcoin::Sats(*command_.minimum_sats);
    report.minimum_from = "of --minimum";
  } else if (*in_force) {
    report.minimum = **in_force;
    report.minimum_from = "of the scheme in force";
  } else {
    report.minimum = bitcoin::Sats(config_.payout.minimum_sats);
    report.minimum_from = "of the config: no pool has noted a scheme yet";
  }
  PlanOptions options;
  options.network = config_.network;
  options.minimum = report.minimum;
  options.outputs_max = command_.outputs_max;
  options.addresses = command_.addresses;
  report.plan = make_plan(std::move(*balances), options);
  return {};
}

// What keeps it from being committed is told beside the plan, which is worth a look all the same.
PayoutResult<void> Command::look_at_wallet(PlanReport& report) {
  Wallet wallet(node_, report.wallet);
  if (auto fit = wallet.check(config_.network, false); !fit) return fit;
  const auto funds = wallet.funds();
  if (!funds) return base::err(funds.error());
  report.funds = *funds;
  const std::int64_t needed = report.plan.total().value + report.set_aside.value;
  if (funds->available.value < needed) {
    return payout_err(
        payout_world,
        fmt::format("the wallet \"{}\" has {} sats, and {} are needed with what is set aside, "
                    "without fees: send it coins, or pay fewer with --minimum or --address",
                    report.wallet, funds->available.value, needed));
  }
  return {};
}

PayoutResult<void> Command::plan() {
  PlanReport report;
  report.wallet = config_.payout.wallet;
  if (auto done = gather(report); !done) return done;
  auto fit = look_at_wallet(report);
  if (fit && !report.plan.unknown.empty()) {
    fit = payout_err(payout_refused, fmt::format("nothing is owed to {}: no miner of that address "
                                                 "has a balance",
                                                 report.plan.unknown.front()));
  }
  if (fit && command_.commit && report.plan.payments.empty()) {
    fit = payout_err(payout_refused, "nobody is owed as much as the minimum: nothing to record");
  }
  if (!fit) report.problem = fit.error().why;
  if (fit && command_.commit) {
    const std::string node = fmt::format("{}:{}", node_.host, node_.port);
    const auto ids = store_.plan(report.wallet, node, report.plan.payments);
    if (!ids) return payout_err(ids.error());
    report.ids = *ids;
  }
  print(command_.json ? plan_json(report) : plan_text(report));
  if (!fit) fit.error().told = true;
  return fit;
}

std::string Command::chain_text(const Payment& payment) {
  if (!payment.is_signed() || payment.state == PaymentState::cancelled) return {};
  Payment whole = payment;
  if (const auto resolved = resolve_scripts(whole, config_.network); !resolved) {
    return resolved.error().why;
  }
  Wallet wallet(node_, payment.wallet);
  if (const auto fit = wallet.check(config_.network, false); !fit) return fit.error().why;
  const auto view = look_at(whole, wallet, store_);
  if (!view) return view.error().why;
  const SendDecision next = next_send_step(whole, *view);
  if (!next.why.empty()) return next.why;
  if (next.step == SendStep::note_sent) return "the node has it: send notes that";
  return "neither in the chain nor in the node's mempool: send it again";
}

PayoutResult<void> Command::show() {
  std::vector<std::int64_t> ids;
  if (command_.id) {
    ids = {*command_.id};
  } else {
    auto newest = store_.ids(false, payments_listed_max);
    if (!newest) return payout_err(newest.error());
    ids = std::move(*newest);
  }
  std::vector<ShownPayment> shown;
  for (const std::int64_t id : ids) {
    auto row = store_.load(id);
    if (!row) return payout_err(row.error());
    shown.push_back({std::move(*row), {}, {}});
    if (!command_.id) continue;
    auto steps = store_.steps(id);
    if (!steps) return payout_err(steps.error());
    shown.back().steps = std::move(*steps);
    shown.back().chain = chain_text(shown.back().row.payment);
  }
  if (command_.json) {
    print(payments_json(shown));
  } else {
    print(command_.id ? payment_text(shown.front()) : list_text(shown));
  }
  return {};
}

// One that can't be settled does not keep the others waiting.
PayoutResult<void> Command::settle() {
  if (command_.id) return one([&](std::int64_t id) { return payer_.settle(id); });
  const auto ids = store_.ids(true, payments_settled_max);
  if (!ids) return payout_err(ids.error());
  std::vector<PayerOutcome> outcomes;
  PayoutResult<void> worst;
  for (const std::int64_t id : *ids) {
    const auto row = store_.load(id);
    if (!row) return payout_err(row.error());
    if (!row->payment.is_signed()) continue;
    const auto outcome = payer_.settle(id);
    if (!outcome) {
      if (worst) worst = base::err(outcome.error());
      continue;
    }
    outcomes.push_back(*outcome);
    if (!command_.json) print(outcome_text(*outcome, command_.commit));
  }
  if (command_.json) {
    print(outcomes_json(outcomes, command_.commit, worst ? nullptr : &worst.error()));
  } else if (outcomes.empty() && worst) {
    print("There is nothing to settle: no payment is on its way.\n");
  }
  if (!worst) worst.error().told = true;
  return worst;
}

PayoutResult<void> run_payout(const Config& config, const PayoutCommand& command) {
  if (auto usable = check_usage(config, command); !usable) return usable;
  auto node = endpoint_of(config.nodes[command.node]);
  if (!node) return payout_err(payout_usage, node.error());
  auto store = PaymentStore::open(config.database);
  if (!store) return payout_err(store.error());
  return Command(config, command, std::move(*store), std::move(*node)).run();
}

}  // namespace

int payout_command(const Config& config, const PayoutCommand& command) {
  const auto done = run_payout(config, command);
  if (done) return payout_done;
  if (command.json && !done.error().told) {
    std::fputs(error_json(done.error()).c_str(), stdout);
  }
  std::fflush(stdout);
  std::fprintf(stderr, "phasepool: %s\n", done.error().why.c_str());
  return done.error().exit_code;
}

}  // namespace pool

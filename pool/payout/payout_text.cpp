#include "pool/payout/payout_text.h"

#include "pool/core/btc_amount.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace pool {
namespace {

constexpr std::size_t inputs_shown_max = 10;  // a wallet of coinbases pays with hundreds

// Just enough of a writer that keys and values stand side by side.
class Json {
 public:
  Json& object(const char* key = nullptr) { return named(key), writer_.StartObject(), *this; }
  Json& array(const char* key = nullptr) { return named(key), writer_.StartArray(), *this; }
  Json& end_object() { return writer_.EndObject(), *this; }
  Json& end_array() { return writer_.EndArray(), *this; }
  Json& text(const char* key, std::string_view value) {
    named(key);
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  Json& number(const char* key, std::int64_t value) {
    return named(key), writer_.Int64(value), *this;
  }
  Json& flag(const char* key, bool value) { return named(key), writer_.Bool(value), *this; }
  Json& null(const char* key) { return named(key), writer_.Null(), *this; }
  std::string take() const { return std::string(buffer_.GetString(), buffer_.GetSize()) + "\n"; }

 private:
  void named(const char* key) {
    if (key != nullptr) writer_.Key(key);
  }
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

std::string id_text(const PlanReport& report, std::size_t index) {
  return report.ids.empty() ? std::string("(not recorded)") : std::to_string(report.ids[index]);
}

std::int64_t sum_of(const std::vector<PaymentOutput>& outputs) {
  std::int64_t sum = 0;
  for (const PaymentOutput& output : outputs) sum += output.amount.value;
  return sum;
}

void append_outputs(std::string& out, const std::vector<PaymentOutput>& outputs) {
  for (const PaymentOutput& output : outputs) {
    out += fmt::format("  {:>16}  {}\n", output.amount.value, output.address);
  }
}

void add_outputs(Json& json, const std::vector<PaymentOutput>& outputs) {
  json.array("outputs");
  for (const PaymentOutput& output : outputs) {
    json.object()
        .number("miner_id", output.miner_id)
        .text("address", output.address)
        .number("amount_sats", output.amount.value)
        .end_object();
  }
  json.end_array();
}

void add_outcome(Json& json, const PayerOutcome& outcome) {
  json.object()
      .number("id", outcome.id)
      .text("state", payment_state_name(outcome.state))
      .flag("changed", outcome.changed)
      .text("text", outcome.text)
      .end_object();
}

void add_payment(Json& json, const ShownPayment& shown) {
  const Payment& payment = shown.row.payment;
  json.object()
      .number("id", payment.id)
      .text("state", payment_state_name(payment.state))
      .text("state_since", shown.row.state_since)
      .text("created_at", shown.row.created_at)
      .text("wallet", payment.wallet)
      .text("node", shown.row.node)
      .number("amount_sats", payment.amount.value);
  if (!payment.funded_tx.empty()) {
    json.number("fee_sats", payment.settled_fee.value_or(payment.fee).value);
    json.array("inputs");
    for (const PaymentInput& input : payment.inputs) {
      json.object()
          .text("txid", input.outpoint.txid.display_hex())
          .number("vout", input.outpoint.index)
          .number("sats", input.value.value)
          .end_object();
    }
    json.end_array();
  }
  if (payment.is_signed()) json.text("txid", payment.txid.display_hex());
  if (payment.settled_txid) json.text("settled_txid", payment.settled_txid->display_hex());
  if (payment.conflict_txid) json.text("conflict_txid", payment.conflict_txid->display_hex());
  if (!shown.chain.empty()) json.text("chain", shown.chain);
  add_outputs(json, payment.outputs);
  if (!shown.steps.empty()) {
    json.array("steps");
    for (const PaymentStepRow& step : shown.steps) {
      json.object()
          .text("time", step.time)
          .text("step", step.step)
          .text("detail", step.detail)
          .end_object();
    }
    json.end_array();
  }
  json.end_object();
}

}  // namespace

std::string plan_text(const PlanReport& report) {
  std::string out =
      fmt::format("minimum     {} sats ({})\n", report.minimum.value, report.minimum_from);
  if (report.funds) {
    out += fmt::format("wallet      \"{}\": {} sats available, {} immature", report.wallet,
                       report.funds->available.value, report.funds->immature.value);
    out +=
        report.set_aside.value > 0
            ? fmt::format("; {} of it for payments that are not sent yet\n", report.set_aside.value)
            : "\n";
  }
  for (std::size_t i = 0; i < report.plan.payments.size(); ++i) {
    const auto& outputs = report.plan.payments[i];
    out += fmt::format("payment     {}: {} sats to {} miners\n", id_text(report, i),
                       sum_of(outputs), outputs.size());
    append_outputs(out, outputs);
  }
  for (const PayoutPlan::LeftOut& left : report.plan.left_out) {
    out += fmt::format("left out    {}: {} sats: {}\n", left.balance.address,
                       left.balance.balance.value, left.why);
  }
  for (const std::string& address : report.plan.unknown) {
    out += fmt::format("left out    {}: nothing is owed to it\n", address);
  }
  if (report.plan.below_minimum > 0) {
    out += fmt::format("carried     {} sats of {} miners, each below the minimum\n",
                       report.plan.below_minimum_sats.value, report.plan.below_minimum);
  }
  out += fmt::format("total       {} sats to {} miners, and the network's fees\n",
                     report.plan.total().value, report.plan.outputs());
  if (report.ids.empty() && report.problem.empty() && !report.plan.payments.empty()) {
    out += "Nothing is recorded yet: --commit does that.\n";
  }
  return out;
}

std::string plan_json(const PlanReport& report) {
  Json json;
  json.object().flag("committed", !report.ids.empty());
  json.number("minimum_sats", report.minimum.value).text("minimum_from", report.minimum_from);
  json.object("wallet").text("name", report.wallet);
  if (report.funds) {
    json.number("available_sats", report.funds->available.value);
    json.number("immature_sats", report.funds->immature.value);
  }
  json.number("set_aside_sats", report.set_aside.value).end_object();
  json.array("payments");
  for (std::size_t i = 0; i < report.plan.payments.size(); ++i) {
    json.object();
    if (report.ids.empty()) {
      json.null("id");
    } else {
      json.number("id", report.ids[i]);
    }
    json.number("amount_sats", sum_of(report.plan.payments[i]));
    add_outputs(json, report.plan.payments[i]);
    json.end_object();
  }
  json.end_array().array("left_out");
  for (const PayoutPlan::LeftOut& left : report.plan.left_out) {
    json.object()
        .text("address", left.balance.address)
        .number("balance_sats", left.balance.balance.value)
        .text("why", left.why)
        .end_object();
  }
  json.end_array().array("unknown");
  for (const std::string& address : report.plan.unknown) json.text(nullptr, address);
  json.end_array();
  json.number("carried_miners", static_cast<std::int64_t>(report.plan.below_minimum));
  json.number("carried_sats", report.plan.below_minimum_sats.value);
  json.number("total_sats", report.plan.total().value).text("problem", report.problem);
  return json.end_object().take();
}

std::string list_text(const std::vector<ShownPayment>& payments) {
  if (payments.empty()) return "There are no payments yet: phasepool payout plan.\n";
  std::string out = fmt::format("{:>6}  {:<9}  {:<20}  {:>16}  {:>10}  {:>7}  {}\n", "id", "state",
                                "since", "sats", "fee", "outputs", "transaction");
  for (const ShownPayment& shown : payments) {
    const Payment& payment = shown.row.payment;
    const bool funded = !payment.funded_tx.empty();
    out += fmt::format(
        "{:>6}  {:<9}  {:<20}  {:>16}  {:>10}  {:>7}  {}\n", payment.id,
        payment_state_name(payment.state), shown.row.state_since, payment.amount.value,
        funded ? std::to_string(payment.settled_fee.value_or(payment.fee).value) : "-",
        payment.outputs.size(),
        payment.is_signed() ? payment.settled_txid.value_or(payment.txid).display_hex() : "-");
  }
  return out;
}

std::string payment_text(const ShownPayment& shown) {
  const Payment& payment = shown.row.payment;
  std::string out = fmt::format("payment     {}: {} since {}\n", payment.id,
                                payment_state_name(payment.state), shown.row.state_since);
  out += fmt::format("amount      {} sats to {} miners, from wallet \"{}\" at {}\n",
                     payment.amount.value, payment.outputs.size(), payment.wallet, shown.row.node);
  append_outputs(out, payment.outputs);
  if (!payment.funded_tx.empty()) {
    out += fmt::format("fee         {} sats\n", payment.settled_fee.value_or(payment.fee).value);
    const std::size_t listed = std::min(payment.inputs.size(), inputs_shown_max);
    for (const PaymentInput& input : std::span(payment.inputs).first(listed)) {
      out += fmt::format("input       {}: {} sats\n", outpoint_text(input.outpoint),
                         input.value.value);
    }
    if (listed < payment.inputs.size()) {
      out += fmt::format("            and {} more; --json lists all\n",
                         payment.inputs.size() - listed);
    }
  }
  if (payment.is_signed()) out += fmt::format("txid        {}\n", payment.txid.display_hex());
  if (payment.settled_txid && *payment.settled_txid != payment.txid) {
    out += fmt::format("replaced by {}\n", payment.settled_txid->display_hex());
  }
  if (payment.conflict_txid) {
    out += fmt::format("ruled out by {}\n", payment.conflict_txid->display_hex());
  }
  if (!shown.chain.empty()) out += fmt::format("chain       {}\n", shown.chain);
  for (const PaymentStepRow& step : shown.steps) {
    out += fmt::format("step        {}  {}{}{}\n", step.time, step.step,
                       step.detail.empty() ? "" : ": ", step.detail);
  }
  return out;
}

std::string payments_json(const std::vector<ShownPayment>& payments) {
  Json json;
  json.object().array("payments");
  for (const ShownPayment& shown : payments) add_payment(json, shown);
  return json.end_array().end_object().take();
}

std::string outcome_text(const PayerOutcome& outcome, bool commit) {
  return fmt::format("payment {}: {}: {}{}\n", outcome.id, payment_state_name(outcome.state),
                     outcome.text,
                     !commit && outcome.text.starts_with("would") ? " (--commit does it)" : "");
}

std::string outcomes_json(const std::vector<PayerOutcome>& outcomes, bool commit,
                          const PayoutError* error) {
  Json json;
  json.object().flag("committed", commit).array("payments");
  for (const PayerOutcome& outcome : outcomes) add_outcome(json, outcome);
  json.end_array();
  if (error != nullptr) json.text("error", error->why).number("exit_code", error->exit_code);
  return json.end_object().take();
}

std::string error_json(const PayoutError& error) {
  Json json;
  json.object().text("error", error.why).number("exit_code", error.exit_code);
  return json.end_object().take();
}

}  // namespace pool

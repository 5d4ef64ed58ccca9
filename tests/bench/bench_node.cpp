#include "tests/bench/bench_node.h"

#include "common/base/random.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/script.h"
#include "common/bitcoin/target.h"
#include "common/net/http.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <rapidjson/document.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <utility>

namespace bench {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t regtest_nbits = 0x207fffff;
constexpr std::int64_t fee_sats = 1000;
constexpr std::size_t transactions_weight_max = 3'990'000;
// Long-polls and what else would tell of a tip that is announced by something else.
constexpr auto others_later = 400ms;

std::string text_of(const base::Bytes& bytes) { return std::string(base::as_text(bytes)); }

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t went = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (went <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(went));
  }
  return true;
}

// A spend whose weight is that of a mainnet transaction: most of its bytes are witness.
bitcoin::Transaction make_transaction(base::Random& random, std::size_t bytes) {
  bitcoin::Transaction made;
  bitcoin::TxIn in;
  for (std::uint8_t& byte : in.prev_txid.bytes) byte = static_cast<std::uint8_t>(random.next());
  base::Bytes witness(bytes > 120 ? bytes - 100 : 20);
  for (std::uint8_t& byte : witness) byte = static_cast<std::uint8_t>(random.next());
  in.witness = {std::move(witness)};
  made.inputs = {std::move(in)};
  made.outputs = {{bitcoin::Sats{50'000}, bitcoin::witness_script(0, base::Bytes(20, 7))}};
  return made;
}

}  // namespace

std::int64_t clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

BenchNode::BenchNode(const Options& options) {
  make_transactions(options);
  tip_.height = 100;
  tip_ = prepare();
  known_[tip_.hash] = tip_;
  publisher_.set(zmq::sockopt::linger, 0);
  publisher_.bind(options.zmq_endpoint);
  listen(options.rpc_port);
}

void BenchNode::make_transactions(const Options& options) {
  base::Random random(7);
  std::vector<bitcoin::Wtxid> wtxids;
  for (std::size_t i = 0; i < options.transactions; ++i) {
    const bitcoin::Transaction made = make_transaction(random, options.transaction_bytes);
    const base::Bytes bytes = made.serialize_witness();
    // Told lighter than they are where 8 MB of JSON would not fit a block otherwise.
    const std::size_t weight = std::min(3 * made.serialize_legacy().size() + bytes.size(),
                                        transactions_weight_max / options.transactions);
    wtxids.push_back(made.wtxid());
    transactions_raw_ += text_of(bytes);
    transactions_json_ += fmt::format(
        R"({}{{"data":"{}","txid":"{}","hash":"{}","depends":[],"fee":{},"sigops":1,"weight":{}}})",
        i == 0 ? "" : ",", base::to_hex(bytes), made.txid().display_hex(),
        wtxids.back().display_hex(), fee_sats, weight);
  }
  commitment_hex_ = base::to_hex(bitcoin::witness_commitment_script(wtxids));
  transaction_count_ = options.transactions;
  fees_ = fee_sats * static_cast<std::int64_t>(options.transactions);
}

BenchNode::Tip BenchNode::prepare() const {
  Tip made;
  made.height = tip_.height + 1;
  made.header.version = 0x20000000;
  made.header.prev_hash = tip_.hash;
  made.header.merkle_root.bytes.fill(static_cast<std::uint8_t>(made.height));
  made.header.ntime = std::max(tip_.header.ntime + 1, static_cast<std::uint32_t>(time(nullptr)));
  made.header.nbits = regtest_nbits;
  const auto target = bitcoin::Target256::from_compact(regtest_nbits);
  do {
    ++made.header.nonce;
    made.hash = made.header.hash();
  } while (!target->admits(made.hash.bytes));
  return made;
}

// The block as rawblock has it, with as many bytes as a real one; its merkle root is not of them.
std::string BenchNode::raw_block(const Tip& tip) const {
  bitcoin::Transaction coinbase;
  bitcoin::TxIn in;
  in.prev_index = 0xffffffff;
  in.script_sig = bitcoin::bip34_height_push(tip.height);
  in.script_sig.push_back(0);
  coinbase.inputs = {std::move(in)};
  coinbase.outputs = {{bitcoin::Sats{1}, base::Bytes{0x51}}};
  const bitcoin::HeaderBytes header = tip.header.serialize();
  base::Bytes count;
  bitcoin::append_compact_size(count, transaction_count_ + 1);
  return std::string(base::as_text(header)) + text_of(count) +
         text_of(coinbase.serialize_legacy()) + transactions_raw_;
}

std::int64_t BenchNode::announce(const Tip& block, Source source) {
  const bool raw = source == Source::rawblock || source == Source::together;
  const bool hash = source == Source::hashblock || source == Source::together;
  const bool long_poll = source == Source::long_poll || source == Source::together;
  const std::string body = raw ? raw_block(block) : std::string();
  std::string display(base::as_text(block.hash.bytes));
  std::reverse(display.begin(), display.end());
  std::int64_t at_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    at_ns = clock_ns();
    tip_ = block;
    known_[block.hash] = block;
    template_sent_ns_ = 0;
    long_polls_from_ = std::chrono::steady_clock::now() + (long_poll ? 0ms : others_later);
  }
  if (hash) publish("hashblock", display, hashblock_sequence_++);
  if (raw) publish("rawblock", body, rawblock_sequence_++);
  if (long_poll) new_tip_.notify_all();
  return at_ns;
}

void BenchNode::publish(std::string_view topic, std::string_view body, std::uint32_t sequence) {
  std::array<std::uint8_t, 4> counter{};
  base::write_le32(counter, sequence);
  publisher_.send(zmq::buffer(topic), zmq::send_flags::sndmore);
  publisher_.send(zmq::buffer(body), zmq::send_flags::sndmore);
  publisher_.send(zmq::buffer(counter), zmq::send_flags::none);
}

std::int64_t BenchNode::template_sent_ns() {
  const std::lock_guard lock(mutex_);
  return template_sent_ns_;
}

std::size_t BenchNode::template_bytes() {
  const std::lock_guard lock(mutex_);
  return template_bytes_;
}

void BenchNode::listen(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listener, 64) != 0) {
    fmt::print(stderr, "can't listen on port {}\n", port);
    std::exit(1);
  }
  std::thread([this, listener] {
    for (int fd = 0; (fd = accept(listener, nullptr, nullptr)) >= 0;) {
      const int nodelay = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof nodelay);
      std::thread([this, fd] { serve(fd); }).detach();
    }
  }).detach();
}

void BenchNode::serve(int fd) {
  net::HttpRequestParser parser({.header_bytes_max = 16 * 1024, .body_bytes_max = 1 << 26});
  std::vector<char> bytes(1 << 16);
  bool open = true;
  while (open) {
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) break;
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    const auto pushed = parser.push(base::as_bytes(text), [&](net::HttpRequest&& request) {
      open = open && reply(fd, request.body);
    });
    open = open && pushed.has_value();
  }
  close(fd);
}

bool BenchNode::reply(int fd, const std::string& request) {
  rapidjson::Document document;
  if (document.Parse(request.data(), request.size()).HasParseError()) return false;
  const Answer made = answer(document["method"].GetString(), request);
  const std::string open = R"({"result":)" + made.head;
  const std::string end =
      made.tail + fmt::format(R"(,"error":null,"id":{}}})", document["id"].GetInt64()) + "\n";
  const std::size_t length = open.size() + made.shared.size() + end.size();
  const std::string header = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", length);
  if (!send_all(fd, header + open) || !send_all(fd, made.shared) || !send_all(fd, end)) {
    return false;
  }
  if (made.is_template) {
    const std::int64_t now = clock_ns();
    const std::lock_guard lock(mutex_);
    template_bytes_ = length;
    if (template_sent_ns_ == 0 && made.tip == tip_.hash) template_sent_ns_ = now;
  }
  return true;
}

BenchNode::Answer BenchNode::answer(const std::string& method, const std::string& request) {
  if (method == "getblocktemplate") return template_answer(request);
  const std::lock_guard lock(mutex_);
  std::string text = "null";  // submitblock's and preciousblock's yes
  if (method == "getblockchaininfo") text = chain_info();
  if (method == "getbestblockhash") text = fmt::format("\"{}\"", tip_.hash.display_hex());
  if (method == "getblockcount") text = std::to_string(tip_.height);
  if (method == "getblockheader") text = header_json(request);
  if (method == "getnetworkinfo") text = R"({"version":270000,"subversion":"/Bench:1/"})";
  if (method == "getnetworkhashps") text = "1000";
  if (method == "getzmqnotifications") text = "[]";
  return {text, {}, {}, false, {}};
}

std::string BenchNode::chain_info() const {
  return fmt::format(
      R"({{"chain":"regtest","blocks":{0},"headers":{0},"bestblockhash":"{1}","difficulty":4.6e-10,)"
      R"("time":{2},"mediantime":{2},"verificationprogress":1,"initialblockdownload":false}})",
      tip_.height, tip_.hash.display_hex(), tip_.header.ntime);
}

std::string BenchNode::header_json(const std::string& request) {
  for (const auto& [hash, tip] : known_) {
    if (request.find(hash.display_hex()) == std::string::npos) continue;
    if (request.find("false") != std::string::npos) {
      const bitcoin::HeaderBytes bytes = tip.header.serialize();
      return fmt::format("\"{}\"", base::to_hex(bytes));
    }
    return fmt::format(
        R"({{"hash":"{}","confirmations":{},"height":{},"versionHex":"{:08x}","merkleroot":"{}",)"
        R"("time":{},"mediantime":{},"nonce":{},"bits":"207fffff","previousblockhash":"{}"}})",
        hash.display_hex(), tip_.height - tip.height + 1, tip.height, tip.header.version,
        tip.header.merkle_root.display_hex(), tip.header.ntime, tip.header.ntime, tip.header.nonce,
        tip.header.prev_hash.display_hex());
  }
  return "null";
}

// A long-poll waits for another tip than the one that its id names, and for its turn.
BenchNode::Answer BenchNode::template_answer(const std::string& request) {
  std::unique_lock lock(mutex_);
  if (request.find("\"proposal\"") != std::string::npos) return {"null", {}, {}, false, {}};
  if (request.find("longpollid") != std::string::npos) {
    const auto is_news = [&] { return request.find(tip_.hash.display_hex()) == std::string::npos; };
    while (!is_news() || std::chrono::steady_clock::now() < long_polls_from_) {
      new_tip_.wait_for(lock, 100ms);
    }
  }
  const std::int64_t subsidy = 5'000'000'000 >> (tip_.height + 1) / 150;
  Answer made;
  made.is_template = true;
  made.tip = tip_.hash;
  made.head = fmt::format(
      R"({{"capabilities":["proposal"],"version":536870912,"rules":["csv","!segwit","taproot"],)"
      R"("vbavailable":{{}},"vbrequired":0,"previousblockhash":"{}","transactions":[)",
      tip_.hash.display_hex());
  made.shared = transactions_json_;
  made.tail =
      fmt::format(R"(],"coinbaseaux":{{}},"coinbasevalue":{},"longpollid":"{}1",)"
                  R"("target":"7fffff0000000000000000000000000000000000000000000000000000000000",)"
                  R"("mintime":{},"mutable":["time","transactions","prevblock"],)"
                  R"("noncerange":"00000000ffffffff","sigoplimit":80000,"sizelimit":4000000,)"
                  R"("weightlimit":4000000,"curtime":{},"bits":"207fffff","height":{},)"
                  R"("default_witness_commitment":"{}"}})",
                  subsidy + fees_, tip_.hash.display_hex(), tip_.header.ntime + 1,
                  std::max(tip_.header.ntime + 1, static_cast<std::uint32_t>(time(nullptr))),
                  tip_.height + 1, commitment_hex_);
  return made;
}

}  // namespace bench

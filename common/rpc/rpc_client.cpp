// RpcClient: see rpc_client.h. A call at a time: take the next from the queue, see that there is a
// connection, send, read the answer, hand it over. Every way out of a call goes through settle().
#include "common/rpc/rpc_client.h"

#include "common/net/http.h"
#include "common/rpc/rpc_answer.h"
#include "common/uv/tcp.h"

#include <algorithm>
#include <deque>
#include <fstream>
#include <optional>
#include <vector>

namespace rpc {

namespace {

using namespace std::chrono_literals;
using Kind = RpcError::Kind;
using std::chrono::milliseconds;

// An answer to getblocktemplate is 10 MB at most; getblock with verbosity 2 can be several times
// that.
constexpr net::HttpLimits answer_limits{.header_bytes_max = 16 * 1024,
                                        .body_bytes_max = 64 * 1024 * 1024,
                                        .body_spare_bytes = 64};  // for parsers in place
constexpr std::size_t reused_bytes_max = 16 * 1024 * 1024;        // kept by a connection
constexpr std::size_t request_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t cookie_bytes_max = 1024;
constexpr milliseconds busy_delay_first = 50ms;
constexpr milliseconds busy_delay_max = 1600ms;
// A connection that lasted this long without a call was dropped for idleness and is made anew; one
// that ends sooner is a node that does not want it.
constexpr auto idle_life_min = 5s;
constexpr auto warming_deadline = 5s;

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= have ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return out;
}

// "__cookie__:0123…", as bitcoind writes it; empty when it can't be read.
std::string read_cookie(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string cookie(cookie_bytes_max, '\0');
  in.read(cookie.data(), static_cast<std::streamsize>(cookie.size()));
  cookie.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, in.gcount())));
  while (!cookie.empty() && (cookie.back() == '\n' || cookie.back() == '\r')) cookie.pop_back();
  return cookie;
}

std::string host_and_port(const RpcEndpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

struct Call {
  std::uint64_t id = 0;
  std::string method;
  std::string params_json;
  milliseconds deadline{};
  RpcClient::OnAnswer on_answer;
  bool sent_again = false;        // after a lost connection
  bool authorized_again = false;  // after a 401
  std::string last_busy;          // what the node said when it had no room
};

}  // namespace

struct RpcClient::State : std::enable_shared_from_this<RpcClient::State> {
  State(uv::Loop& on_loop, RpcEndpoint to)
      : loop(on_loop), endpoint(std::move(to)), peer(host_and_port(endpoint)) {}

  void call(Call next);
  void start_soon();
  void start_next();
  void send_or_connect();
  bool prepare_authorization();
  void connect(milliseconds within);
  void on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result);
  void adopt(std::unique_ptr<uv::TcpStream> made);
  void send();
  void on_bytes(base::ByteSpan bytes);
  void on_close(uv::CloseCause why);
  void on_response(net::HttpResponse&& response);
  void on_unauthorized(int status);
  void on_busy(const std::string& text);
  void on_body(net::HttpResponse&& response);
  void on_deadline();
  void warm();
  void drop_connection();
  void fail(Kind kind, std::string_view what, int code = 0);
  void settle(Answer answer);
  void cancel_all();
  void stop();

  uv::Loop& loop;
  const RpcEndpoint endpoint;
  const std::string peer;
  std::deque<Call> queue;
  std::optional<Call> current;
  std::unique_ptr<uv::Timer> soon;      // starts the next call from the loop
  std::unique_ptr<uv::Timer> deadline;  // of the current call
  std::unique_ptr<uv::Timer> again;     // after "work queue depth exceeded"
  milliseconds busy_delay{busy_delay_first};
  std::unique_ptr<uv::TcpConnector> connector;
  std::unique_ptr<uv::TcpStream> stream;
  std::optional<net::HttpResponseParser> parser;
  std::string authorization;
  std::uint64_t next_id = 1;
  std::uint64_t answers_on_connection = 0;
  std::uint64_t connected_at_ms = 0;  // the loop's time
  bool sent = false;                  // the current call, on this connection
  bool answer_begun = false;          // a byte of its answer has come
  bool stopped = false;               // the client is gone
};

void RpcClient::State::call(Call next) {
  next.id = next_id++;
  queue.push_back(std::move(next));
  if (!current) start_soon();
}

// Sending calls nobody back, so on an open connection the next call leaves at once; what could fail
// on the spot waits for the loop.
void RpcClient::State::start_soon() {
  if (stopped) return;
  if (stream && stream->is_open()) return start_next();
  soon->start(0ms, 0ms);
}

void RpcClient::State::start_next() {
  if (stopped || current || queue.empty()) return;
  current = std::move(queue.front());
  queue.pop_front();
  busy_delay = busy_delay_first;
  deadline->start(current->deadline, 0ms);
  send_or_connect();
}

void RpcClient::State::send_or_connect() {
  sent = false;
  answer_begun = false;
  if (stream && stream->is_open()) return send();
  drop_connection();
  if (!prepare_authorization()) {
    return fail(Kind::cookie, "can't read the cookie file '" + endpoint.cookie_file + "'");
  }
  connect(current->deadline + 1s);  // the call's own deadline comes first
}

bool RpcClient::State::prepare_authorization() {
  authorization.clear();
  std::string credentials;
  if (!endpoint.user.empty()) {
    credentials = endpoint.user + ":" + endpoint.password;
  } else if (!endpoint.cookie_file.empty()) {
    credentials = read_cookie(endpoint.cookie_file);
    if (credentials.empty()) return false;
  } else {
    return true;
  }
  authorization = "Basic " + base64(credentials);
  return true;
}

void RpcClient::State::connect(milliseconds within) {
  const uv::TcpOptions options{.write_queue_bytes_max = request_bytes_max};
  connector =
      std::make_unique<uv::TcpConnector>(loop, endpoint.host, endpoint.port, within, options,
                                         [this](auto result) { on_connected(std::move(result)); });
}

void RpcClient::State::on_connected(
    base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> result) {
  const auto self = shared_from_this();
  connector.reset();
  if (!result) {
    if (current) fail(Kind::unreachable, uv::describe(result.error()));
    return;
  }
  adopt(std::move(*result));
  if (current) send();
}

void RpcClient::State::adopt(std::unique_ptr<uv::TcpStream> made) {
  stream = std::move(made);
  parser.emplace(answer_limits);
  answers_on_connection = 0;
  connected_at_ms = uv_now(loop.get());
  stream->set_callbacks({.on_bytes = [this](base::ByteSpan bytes) { on_bytes(bytes); },
                         .on_close = [this](uv::CloseCause why) { on_close(why); },
                         .on_drain = {}});
  stream->start_reading();
}

void RpcClient::State::send() {
  net::HttpRequest request{.method = "POST",
                           .target = endpoint.path,
                           .headers = {{"content-type", "application/json"}},
                           .body = {},
                           .keep_alive = true};
  if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
  request.body = R"({"jsonrpc":"1.0","id":)" + std::to_string(current->id) + R"(,"method":")" +
                 current->method + R"(","params":)" + current->params_json + "}";
  sent = true;
  answer_begun = false;
  stream->write(net::write_request(request, peer));
}

void RpcClient::State::on_bytes(base::ByteSpan bytes) {
  const auto self = shared_from_this();
  if (!current || !sent) return drop_connection();  // nobody asked
  answer_begun = true;
  // Kept until the parser has returned: what an answer leads to may drop the connection.
  std::vector<net::HttpResponse> responses;
  const auto pushed = parser->push(
      bytes, [&](net::HttpResponse&& response) { responses.push_back(std::move(response)); });
  if (!responses.empty()) return on_response(std::move(responses.front()));
  if (pushed) return;
  drop_connection();
  fail(Kind::bad_answer, pushed.error() == net::HttpError::malformed
                             ? "the answer is not HTTP"
                             : "the answer is larger than we take");
}

void RpcClient::State::on_close(uv::CloseCause /*why*/) {
  const auto self = shared_from_this();
  std::vector<net::HttpResponse> responses;
  if (current && sent && answer_begun) {
    // A body may run to the end of the stream.
    const auto ended = parser->finish(
        [&](net::HttpResponse&& response) { responses.push_back(std::move(response)); });
    if (!ended) responses.clear();
  }
  const bool was_used = answers_on_connection > 0;
  const bool lasted = uv_now(loop.get()) - connected_at_ms >=
                      static_cast<std::uint64_t>(milliseconds(idle_life_min).count());
  drop_connection();
  if (!responses.empty()) return on_response(std::move(responses.front()));
  if (!current) {
    if (was_used || lasted) warm();
    return;
  }
  if (!sent) return;  // it waits to be sent again, and will connect then
  if (!answer_begun && !current->sent_again) {
    current->sent_again = true;
    return send_or_connect();
  }
  fail(Kind::unreachable, answer_begun ? "the connection was lost in the middle of the answer"
                                       : "the connection was lost before an answer came, twice");
}

void RpcClient::State::on_response(net::HttpResponse&& response) {
  ++answers_on_connection;
  if (!response.keep_alive) drop_connection();
  sent = false;
  if (response.status == 401 || response.status == 403) return on_unauthorized(response.status);
  if (response.status == 503) return on_busy(one_line(response.body, 100));
  on_body(std::move(response));
}

void RpcClient::State::on_unauthorized(int status) {
  const bool by_cookie = endpoint.user.empty() && !endpoint.cookie_file.empty();
  if (status == 401 && by_cookie && !current->authorized_again) {
    current->authorized_again = true;
    drop_connection();  // a new one reads the cookie again
    return send_or_connect();
  }
  if (status == 403) {
    return fail(Kind::unauthorized, "403: the node does not allow this address (rpcallowip)");
  }
  fail(Kind::unauthorized, by_cookie ? "401: the node refused the cookie"
                                     : "401: the node refused the user or password");
}

void RpcClient::State::on_busy(const std::string& text) {
  current->last_busy = "503 " + text;
  again->start(busy_delay, 0ms);
  busy_delay = std::min(2 * busy_delay, busy_delay_max);
}

void RpcClient::State::on_body(net::HttpResponse&& response) {
  const auto answer = parse_answer(response.body);
  if (!answer) {
    const std::string status =
        std::to_string(response.status) + " " + std::string(net::status_text(response.status));
    return fail(Kind::bad_answer, "HTTP " + one_line(status, 40) + " without a JSON-RPC answer");
  }
  if (answer->id != "null" && answer->id != std::to_string(current->id)) {
    drop_connection();
    return fail(Kind::bad_answer, "the answer is to another call");
  }
  if (answer->error == "null") {
    if (answer->result == "null") return settle(RpcResult("null"));  // there may be none
    return settle(RpcResult(std::move(response.body), answer->result));
  }
  const NodeError error = parse_node_error(answer->error);
  fail(Kind::node_error, "error " + std::to_string(error.code) + ": " + error.message, error.code);
}

void RpcClient::State::on_deadline() {
  if (!current) return;
  // The answer may still come; on this connection it would be taken for the next call's.
  drop_connection();
  const std::string after = "no answer within " + std::to_string(current->deadline.count()) + " ms";
  fail(Kind::timeout, current->last_busy.empty() ? after : after + "; last " + current->last_busy);
}

void RpcClient::State::warm() {
  if (stopped || stream || connector || !prepare_authorization()) return;
  connect(warming_deadline);
}

void RpcClient::State::drop_connection() {
  connector.reset();
  stream.reset();
  parser.reset();
}

void RpcClient::State::fail(Kind kind, std::string_view what, int code) {
  settle(base::err(RpcError{.kind = kind,
                            .code = code,
                            .message = peer + " " + current->method + ": " + std::string(what)}));
}

void RpcClient::State::settle(Answer answer) {
  const auto self = shared_from_this();
  const Call done = std::move(*current);
  current.reset();
  sent = false;
  deadline->stop();
  again->stop();
  done.on_answer(std::move(answer));
  start_soon();
}

void RpcClient::State::cancel_all() {
  const auto self = shared_from_this();
  drop_connection();
  std::deque<Call> open = std::exchange(queue, {});
  if (current) open.push_front(std::move(*current));
  current.reset();
  sent = false;
  deadline->stop();
  again->stop();
  for (const Call& each : open) {
    each.on_answer(base::err(
        RpcError{.kind = Kind::cancelled, .message = peer + " " + each.method + ": cancelled"}));
  }
}

void RpcClient::State::stop() {
  stopped = true;
  drop_connection();
  soon.reset();
  deadline.reset();
  again.reset();
  queue.clear();
  current.reset();
}

RpcClient::RpcClient(uv::Loop& loop, RpcEndpoint endpoint)
    : state_(std::make_shared<State>(loop, std::move(endpoint))) {
  State* state = state_.get();
  state->soon = std::make_unique<uv::Timer>(loop, [state] {
    const auto self = state->shared_from_this();
    state->start_next();
  });
  state->deadline = std::make_unique<uv::Timer>(loop, [state] {
    const auto self = state->shared_from_this();
    state->on_deadline();
  });
  state->again = std::make_unique<uv::Timer>(loop, [state] {
    const auto self = state->shared_from_this();
    if (state->current) state->send_or_connect();
  });
}

RpcClient::~RpcClient() { state_->stop(); }

void RpcClient::call(std::string_view method, std::string params_json, milliseconds deadline,
                     OnAnswer on_answer) {
  state_->call(Call{.id = 0,
                    .method = std::string(method),
                    .params_json = std::move(params_json),
                    .deadline = deadline,
                    .on_answer = std::move(on_answer),
                    .last_busy = {}});
}

void RpcClient::reuse(RpcResult&& done) {
  std::string memory = std::move(done).release();
  if (state_->parser && memory.capacity() <= reused_bytes_max) {
    state_->parser->reuse(std::move(memory));
  }
}

void RpcClient::cancel_all() { state_->cancel_all(); }

const RpcEndpoint& RpcClient::endpoint() const { return state_->endpoint; }

}  // namespace rpc

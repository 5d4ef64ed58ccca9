#include "pool/tools/admin_command.h"

#include "common/base/host_port.h"
#include "common/net/http.h"
#include "common/uv/loop.h"
#include "common/uv/tcp.h"
#include "pool/tools/admin_token.h"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto deadline = 30s;  // the pool gives up sooner, and says so
constexpr auto progress_period = 1s;

using Posted = base::Result<net::HttpResponse, std::string>;

// One request on a connection of its own.
class AdminCall {
 public:
  AdminCall(const base::HostPort& where, const net::HttpRequest& request)
      : text_(net::write_request(request, fmt::format("127.0.0.1:{}", where.port))),
        deadline_(loop_, [this] { fail("no answer in time"); }),
        connector_(loop_, where.host, where.port, deadline, {},
                   [this](auto connected) { on_connected(std::move(connected)); }) {}

  Posted run() {
    deadline_.start(deadline, 0ms);
    loop_.run();
    stream_.reset();
    if (response_) return std::move(*response_);
    return base::err(error_);
  }

 private:
  void on_connected(base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> connected) {
    if (!connected) return fail(uv::describe(connected.error()));
    stream_ = std::move(*connected);
    uv::TcpStream::Callbacks callbacks;
    callbacks.on_bytes = [this](base::ByteSpan bytes) {
      const auto ok = parser_.push(
          bytes, [this](net::HttpResponse&& response) { response_ = std::move(response); });
      if (!ok) return fail("what answers there is not a pool");
      if (response_) loop_.stop();
    };
    callbacks.on_close = [this](uv::CloseCause) {
      fail("the connection was closed without an answer");
    };
    stream_->set_callbacks(std::move(callbacks));
    stream_->start_reading();
    stream_->write(text_);
  }
  void fail(std::string why) {
    error_ = std::move(why);
    loop_.stop();
  }

  const std::string text_;
  std::optional<net::HttpResponse> response_;
  std::string error_;
  net::HttpResponseParser parser_{net::HttpLimits{}};
  uv::Loop loop_;
  std::unique_ptr<uv::TcpStream> stream_;
  uv::Timer deadline_;
  uv::TcpConnector connector_;
};

std::string body_of(const AdminCommand& command) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json(buffer);
  const auto text = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    json.Key(name);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  const auto number = [&](const char* name, const std::optional<std::uint32_t>& value) {
    if (!value) return;
    json.Key(name);
    json.Uint(*value);
  };
  json.StartObject();
  text("address", command.address);
  number("seconds", command.seconds);
  text("text", command.text);
  text("to", command.to);
  text("host", command.host);
  number("port", command.port);
  number("wait_seconds", command.wait_seconds);
  if (command.no_reconnect) {
    json.Key("reconnect");
    json.Bool(false);
  }
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

// Its body, of a 200; else the one line that says why.
base::Result<std::string, std::string> post(const base::HostPort& where, const std::string& token,
                                            std::string_view order, std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/admin/v1/{}", order);
  request.headers = {{"authorization", "Bearer " + token}, {"content-type", "application/json"}};
  request.body = std::move(body);
  request.keep_alive = false;
  const auto answer = AdminCall(where, request).run();
  if (!answer) {
    return base::err(
        fmt::format("http.admin_listen {}:{}: {}", where.host, where.port, answer.error()));
  }
  if (answer->status == 200) return answer->body;
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(answer->body.data(), answer->body.size());
  const bool told = !document.HasParseError() && document.IsObject() &&
                    document.HasMember("error") && document["error"].IsObject() &&
                    document["error"].HasMember("message") &&
                    document["error"]["message"].IsString();
  return base::err(told ? std::string(document["error"]["message"].GetString())
                        : fmt::format("the pool answered {}", answer->status));
}

// Until nobody is connected and all shares are on disk.
base::Result<void, std::string> wait_until_drained(const base::HostPort& where,
                                                   const std::string& token) {
  while (true) {
    const auto status = post(where, token, "status", "{}");
    if (!status) return base::err(status.error());
    std::printf("%s", status->c_str());
    std::fflush(stdout);
    if (status->find("\"drained\":true") != std::string::npos) return {};
    std::this_thread::sleep_for(progress_period);
  }
}

base::Result<void, std::string> give(const Config& config, const AdminCommand& command) {
  const auto where = base::parse_host_port(config.http.admin_listen);
  if (!where) return base::err(std::string("the config has no http.admin_listen"));
  const auto token = read_admin_token(config.data_dir);
  if (!token) return base::err(token.error());
  const auto answer = post(*where, *token, command.order, body_of(command));
  if (!answer) return base::err(answer.error());
  std::printf("%s", answer->c_str());
  std::fflush(stdout);
  if (command.wait) return wait_until_drained(*where, *token);
  return {};
}

}  // namespace

int admin_command(const Config& config, const AdminCommand& command) {
  const auto done = give(config, command);
  if (done) return 0;
  std::fprintf(stderr, "phasepool: %s\n", done.error().c_str());
  return 1;
}

}  // namespace pool

#include "cli/admin_call.h"

#include "config/load.h"
#include "http/client.h"
#include "http/head_writer.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#include <memory>
#include <optional>
#include <utility>

namespace portcullis::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostBytes = 64UL << 20U;

http::Method method_of(std::string_view method) {
  return method == "HEAD" ? http::Method::kHead : http::Method::kGet;
}

Task<Result<AdminAnswer>> exchange(Loop& loop, const AdminListener& admin, std::string_view method,
                                   std::string_view target, std::string_view json) {
  const TimePoint deadline = loop.now() + kPatience;
  PC_CO_TRY(std::unique_ptr<runtime::Stream> stream,
            co_await runtime::Stream::connect(loop, admin.address, deadline));
  http::ClientConnection connection(std::move(stream));
  http::HeadWriter head(loop.buffers());
  head.put(method).put(" ").put(target).put(" HTTP/1.1\r\n");
  head.field("host", admin.address.to_string()).field("connection", "close");
  head.put("authorization: Bearer ").put(admin.token.expose()).put("\r\n");
  if (!json.empty()) {
    head.field("content-type", "application/json");
    head.put("content-length: ").put_number(json.size()).put("\r\n");
  }
  head.put("\r\n").put(json);
  iovec part{const_cast<char*>(head.text().data()), head.text().size()};
  PC_CO_CHECK(co_await connection.stream().write(std::span(&part, 1), deadline));
  connection.begin();
  AdminAnswer answer;
  while (answer.status < 200) {
    Arena arena;
    http::Response response(arena);
    PC_CO_CHECK(co_await connection.read_head(method_of(method), response, deadline));
    answer.status = response.status;
  }
  for (;;) {
    PC_CO_TRY(const std::string_view piece, co_await connection.read_body(deadline));
    if (piece.empty()) co_return answer;
    if (answer.body.size() + piece.size() > kMostBytes)
      co_return fail(ErrorCode::kMachine, "the answer has no end");
    answer.body += piece;
  }
}

Task<void> run(Loop& loop, const AdminListener& admin, std::string_view method,
               std::string_view target, std::string_view json, Result<AdminAnswer>& answer) {
  answer = co_await exchange(loop, admin, method, target, json);
  loop.stop();
}

}  // namespace

Result<AdminListener> find_admin(const std::string& path, std::string_view address) {
  config::Diagnostics diagnostics;
  std::optional<config::Config> config = config::load(path, diagnostics);
  if (!config) return fail(ErrorCode::kBadConfig, diagnostics.to_string());
  if (!config->admin)
    return fail(ErrorCode::kBadConfig, "the configuration has no `admin`: nobody can be asked\n");
  AdminListener admin{config->admin->address, std::move(config->admin->token)};
  if (!address.empty()) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint || endpoint->port == 0)
      return fail(ErrorCode::kBadConfig,
                  "--admin: expected an address and a port, such as 127.0.0.1:9901\n");
    admin.address = *endpoint;
  }
  if (admin.address.port == 0)
    return fail(ErrorCode::kBadConfig,
                "`admin.address` has port 0, which is any: say with --admin which it became\n");
  return admin;
}

Result<AdminAnswer> call_admin(const AdminListener& admin, std::string_view method,
                               std::string_view target, std::string_view json) {
  Loop loop;
  TaskGroup tasks;
  Result<AdminAnswer> answer = fail(ErrorCode::kMachine, "nothing was asked");
  tasks.spawn(run(loop, admin, method, target, json, answer));
  loop.run();
  if (!answer) {
    return fail(ErrorCode::kMachine, "the admin listener at " + admin.address.to_string() +
                                         " cannot be asked: " + answer.error().detail + "\n");
  }
  return answer;
}

}  // namespace portcullis::cli

#include "admin/admin.h"

#include "base/hash.h"
#include "gateway/problem.h"
#include "gateway/request_id.h"
#include "http/exchange.h"
#include "http/head.h"
#include "http/server.h"
#include "runtime/stream.h"
#include "telemetry/metrics.h"

#include <list>
#include <unistd.h>

namespace portcullis::admin {
namespace {

// A web page of anywhere can send a browser's requests here once its name resolves to this address
// (DNS rebinding): only an address, or `localhost`, is a name of this listener.
bool is_own_host(std::string_view host) {
  if (host == "localhost" || IpAddress::parse(host)) return true;
  return host.size() > 2 && host.front() == '[' &&
         IpAddress::parse(host.substr(1, host.size() - 2));
}

constexpr std::size_t kMostConnections = 64;

}  // namespace

class Server::State final : public runtime::Acceptor::Handler,
                            public http::ServerContext,
                            public http::Handler {
 public:
  State(Loop& loop, TaskGroup& tasks, Sources sources)
      : loop_(loop), tasks_(tasks), sources_(std::move(sources)), ids_(HashKey::random().a) {}

  Result<void> configure(const config::Admin* wanted);
  [[nodiscard]] std::optional<IpEndpoint> address() const {
    return acceptor_ != nullptr ? std::optional(acceptor_->address()) : std::nullopt;
  }
  void stop();

  [[nodiscard]] const http::ServerSettings& settings() const override { return settings_; }
  http::Handler& handler() override { return *this; }
  [[nodiscard]] bool draining() const override { return stopping_; }
  void on_connection(int fd, const IpEndpoint& peer) override;
  Task<void> handle(http::Exchange& exchange) override;
  Task<void> handle_unreadable(http::Exchange& exchange, const Error& error) override;

 private:
  struct Connection {
    Connection(Loop& loop, int fd, const IpEndpoint& peer)
        : stream(loop, fd, peer), activity(nullptr, loop.now()) {}
    runtime::Stream stream;
    http::Activity activity;
  };
  struct Page {
    std::string_view type;
    int status = 200;
    std::string body;
  };
  Task<void> run(int fd, IpEndpoint peer);
  Result<Page> answer(const http::Request& request);
  [[nodiscard]] Result<void> check_token(const http::Request& request) const;
  Task<Result<Page>> answer_of_bans(http::Exchange& exchange);
  static Task<Result<std::string>> read_json(http::Exchange& exchange);
  Task<void> respond(http::Exchange& exchange, const Page& page, bool challenge);
  Task<void> respond_with_problem(http::Exchange& exchange, const Error& error);

  Loop& loop_;
  TaskGroup& tasks_;
  Sources sources_;
  gateway::RequestIds ids_;
  http::ServerSettings settings_;
  IpEndpoint wanted_;
  Secret token_;
  std::unique_ptr<runtime::Acceptor> acceptor_;
  std::list<Connection*> connections_;
  bool stopping_ = false;
};

Result<void> Server::State::configure(const config::Admin* wanted) {
  if (wanted == nullptr) {
    if (acceptor_ != nullptr) acceptor_->stop();
    acceptor_.reset();
    return {};
  }
  if (acceptor_ == nullptr || wanted_.to_string() != wanted->address.to_string()) {
    PC_TRY(auto fresh, runtime::Acceptor::listen(loop_, wanted->address, *this,
                                                 runtime::Acceptor::Sharing::kAlone));
    if (acceptor_ != nullptr) acceptor_->stop();
    acceptor_ = std::move(fresh);
    wanted_ = wanted->address;
  }
  token_ = Secret(std::string(wanted->token.expose()));
  return {};
}

void Server::State::stop() {
  stopping_ = true;
  if (acceptor_ != nullptr) acceptor_->stop();
  for (Connection* connection : connections_) connection->stream.hang_up();
}

void Server::State::on_connection(int fd, const IpEndpoint& peer) {
  if (connections_.size() >= kMostConnections) {
    close(fd);
    return;
  }
  tasks_.spawn(run(fd, peer));
}

Task<void> Server::State::run(int fd, IpEndpoint peer) {
  Connection connection(loop_, fd, peer);
  const auto place = connections_.insert(connections_.end(), &connection);
  const http::ConnectionInfo info{.peer = peer, .local = {}, .scheme = http::Scheme::kHttp};
  co_await http::serve_http1(connection.stream, *this, info, connection.activity);
  connections_.erase(place);
}

Result<void> Server::State::check_token(const http::Request& request) const {
  constexpr std::string_view kScheme = "bearer ";
  const http::Field* field = request.fields.find(http::FieldId::kAuthorization);
  if (token_.empty() || field == nullptr) return refuse(ErrorCode::kCredentialsMissing, "no token");
  const bool bearer = field->value.size() > kScheme.size() &&
                      http::equals_ignoring_case(field->value.substr(0, kScheme.size()), kScheme);
  if (!bearer || request.fields.count(http::FieldId::kAuthorization) != 1 ||
      !constant_time_equal(field->value.substr(kScheme.size()), token_.expose())) {
    return refuse(ErrorCode::kCredentialsInvalid, "wrong token");
  }
  return {};
}

Result<Server::State::Page> Server::State::answer(const http::Request& request) {
  if (!is_own_host(request.host))
    return refuse(ErrorCode::kMisdirected, "host is not an address of this listener");
  const bool read_only =
      request.method == http::Method::kGet || request.method == http::Method::kHead;
  const bool known =
      request.path == "/healthz" || request.path == "/readyz" || request.path == "/metrics";
  if (!known) return refuse(ErrorCode::kNotFound, "no such page");
  if (!read_only) return refuse(ErrorCode::kMethodNotAllowed, "only GET and HEAD");
  if (request.path == "/healthz") return Page{"text/plain; charset=utf-8", 200, "ok\n"};
  if (request.path == "/readyz") {
    if (sources_.ready()) return Page{"text/plain; charset=utf-8", 200, "ready\n"};
    return Page{"text/plain; charset=utf-8", 503, "not ready\n"};
  }
  PC_CHECK_OK(check_token(request));
  return Page{telemetry::kContentType, 200, sources_.metrics()};
}

// A document of ours. Only what is said to be JSON is taken: a form of another page, which a
// browser would send without asking, cannot say so.
Task<Result<std::string>> Server::State::read_json(http::Exchange& exchange) {
  const http::Field* type = exchange.request().fields.find(http::FieldId::kContentType);
  if (type == nullptr || !http::equals_ignoring_case(type->value, "application/json"))
    co_return refuse(ErrorCode::kMalformedRequest, "expected `content-type: application/json`");
  std::string text;
  for (;;) {
    PC_CO_TRY(const std::string_view piece, co_await exchange.read_body());
    if (piece.empty()) co_return text;
    if (text.size() + piece.size() > kMostBanText)
      co_return refuse(ErrorCode::kContentTooLarge, "the body is too large");
    text += piece;
  }
}

Task<Result<Server::State::Page>> Server::State::answer_of_bans(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  constexpr std::string_view kJson = "application/json";
  if (!is_own_host(request.host))
    co_return refuse(ErrorCode::kMisdirected, "host is not an address of this listener");
  PC_CO_CHECK(check_token(request));
  switch (request.method) {
    case http::Method::kGet:
    case http::Method::kHead:
      co_return Page{kJson, 200, list_bans(sources_.bans, loop_.now(), loop_.wall_now())};
    case http::Method::kPost: {
      PC_CO_TRY(const std::string text, co_await read_json(exchange));
      PC_CO_TRY(std::string ban, add_ban(sources_.bans, text, loop_.now(), loop_.wall_now()));
      co_return Page{kJson, 201, std::move(ban)};
    }
    case http::Method::kDelete:
      PC_CO_CHECK(remove_ban(sources_.bans, request.query, loop_.now()));
      co_return Page{kJson, 200, "{}\n"};
    default:
      co_return refuse(ErrorCode::kMethodNotAllowed, "only GET, HEAD, POST and DELETE");
  }
}

Task<void> Server::State::handle(http::Exchange& exchange) {
  Result<Page> page = exchange.request().path == "/bans" && sources_.bans.bans != nullptr
                          ? co_await answer_of_bans(exchange)
                          : answer(exchange.request());
  if (page) {
    co_await respond(exchange, *page, false);
  } else {
    co_await respond_with_problem(exchange, page.error());
  }
}

Task<void> Server::State::handle_unreadable(http::Exchange& exchange, const Error& error) {
  co_await respond_with_problem(exchange, error);
}

Task<void> Server::State::respond_with_problem(http::Exchange& exchange, const Error& error) {
  const gateway::ProblemKind kind = gateway::problem_kind(error.code);
  if (error.code == ErrorCode::kClosed) {
    exchange.abort();
    co_return;
  }
  const gateway::RequestIds::Text id = ids_.next();
  const Page page{gateway::kProblemMediaType, kind.status,
                  gateway::problem_document(kind, {id.data(), id.size()})};
  co_await respond(exchange, page, kind.status == 401);
}

Task<void> Server::State::respond(http::Exchange& exchange, const Page& page, bool challenge) {
  http::Response head(exchange.arena());
  head.status = page.status;
  head.body = http::BodyKind::kLength;
  head.content_length = page.body.size();
  head.fields.add("content-type", page.type);
  head.fields.add("cache-control", "no-store");
  head.fields.add("x-content-type-options", "nosniff");
  if (page.status == 405) {
    const bool of_bans = exchange.request().path == "/bans";
    head.fields.add("allow", of_bans ? "GET, HEAD, POST, DELETE" : "GET, HEAD");
  }
  if (challenge) head.fields.add("www-authenticate", "Bearer realm=\"admin\"");
  const Result<void> sent = co_await exchange.respond(head, page.body, http::More::kNo);
  if (!sent) exchange.abort();
}

Server::Server(Loop& loop, TaskGroup& tasks, Sources sources)
    : state_(std::make_unique<State>(loop, tasks, std::move(sources))) {}
Server::~Server() = default;

Result<void> Server::configure(const config::Admin* wanted) { return state_->configure(wanted); }
std::optional<IpEndpoint> Server::address() const { return state_->address(); }
void Server::stop() { state_->stop(); }

}  // namespace portcullis::admin

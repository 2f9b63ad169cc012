#include "config/load.h"

#include "config/contains.h"
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace portcullis::config {
namespace {

constexpr std::size_t kMaxIncludeDepth = 8;
constexpr std::size_t kMaxIncludes = 64;

// Merges the top levels of a file and of what it includes into one mapping, whose values keep their
// own positions.
class Merger {
 public:
  explicit Merger(Context& context) : context_(context) {}

  void add_main(std::string_view text, const std::string& path) {
    const std::uint32_t file = context_.diagnostics.add_file(path);
    context_.files.push_back(path);
    merged_.kind = ValueKind::kMapping;
    merged_.at = {file, 1, 1};
    open_.push_back(std::filesystem::path(path).lexically_normal().string());
    add_text(text, file, true);
    open_.pop_back();
  }

  // False when a file could not be read as YAML: what it would have defined is unknown.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const Value& merged() const { return merged_; }

 private:
  void add_text(std::string_view text, std::uint32_t file, bool is_main) {
    std::optional<Value> root = parse_yaml(text, file, context_.diagnostics);
    if (!root) {
      complete_ = false;
      return;
    }
    if (root->kind != ValueKind::kMapping) {
      complete_ = false;
      context_.diagnostics.error(root->at, "",
                                 "expected a mapping with `version`, `listeners`, `apis`, …");
      return;
    }
    // What this file includes comes after what it says itself.
    Value included;
    included.kind = ValueKind::kRefused;
    for (Member& member : root->members) {
      if (member.key == "include")
        included = std::move(member.value);
      else if (member.key == "version" && !is_main)
        check_version(member.value);
      else
        merge(std::move(member));
    }
    include(included);
  }

  void check_version(const Value& value) {
    if (value.kind != ValueKind::kScalar || value.text != "1")
      context_.diagnostics.error(value.at, "version",
                                 "expected 1, as in the file that includes it");
  }

  void include(const Value& value) {
    if (value.kind == ValueKind::kScalar && !value.text.empty()) {
      include_file(value, "include");
    } else if (value.kind == ValueKind::kSequence) {
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Value& item = value.items[i];
        const std::string key = fmt::format("include[{}]", i);
        if (item.kind == ValueKind::kScalar && !item.text.empty())
          include_file(item, key);
        else if (item.kind != ValueKind::kRefused)
          fail_include(item, key, "expected the path of a file");
      }
    } else if (value.kind != ValueKind::kRefused) {
      fail_include(value, "include", "expected the path of a file or a list of them");
    }
  }

  void fail_include(const Value& value, const std::string& key, std::string message) {
    complete_ = false;
    context_.diagnostics.error(value.at, key, std::move(message));
  }

  void include_file(const Value& value, const std::string& key) {
    const std::string path = context_.resolve(value.text, value.at);
    const std::string name = std::filesystem::path(path).lexically_normal().string();
    if (contains(open_, name)) {
      fail_include(value, key, quote(value.text) + " includes itself");
    } else if (included_.contains(name)) {
      fail_include(value, key,
                   quote(value.text) + " is included already, at " +
                       context_.place(value.at, included_.at(name)));
    } else if (open_.size() > kMaxIncludeDepth) {
      fail_include(value, key, fmt::format("includes go deeper than {} files", kMaxIncludeDepth));
    } else if (included_.size() >= kMaxIncludes) {
      fail_include(value, key, fmt::format("more than {} included files", kMaxIncludes));
    } else {
      included_.emplace(name, value.at);
      (void)context_.note_file(value.text, value.at);  // a file that is missing is watched for
      const auto text = context_.sources.read(path, kMaxFileSize);
      if (!text) {
        fail_include(value, key, quote(path) + " cannot be read: " + text.error().detail);
        return;
      }
      open_.push_back(name);
      add_text(*text, context_.diagnostics.add_file(path), false);
      open_.pop_back();
    }
  }

  void merge(Member member) {
    const auto [place, fresh] = places_.emplace(member.key, merged_.members.size());
    if (fresh) {
      for (const Member& inner : member.value.members)
        names_.emplace(member.key + "." + inner.key, inner.at);
      merged_.members.push_back(std::move(member));
      return;
    }
    Member& earlier = merged_.members[place->second];
    const Key* key = root_block().find(member.key);
    const bool by_name =
        key != nullptr && (key->type == KeyType::kNamed || key->type == KeyType::kNamedLists) &&
        member.value.kind == ValueKind::kMapping && earlier.value.kind == ValueKind::kMapping;
    if (!by_name) {
      context_.diagnostics.error(
          member.at, member.key,
          quote(member.key) + " is also at " + context_.place(member.at, earlier.at));
      return;
    }
    for (Member& inner : member.value.members) {
      const std::string path = member.key + "." + inner.key;
      const auto [there, is_new] = names_.emplace(path, inner.at);
      if (is_new)
        earlier.value.members.push_back(std::move(inner));
      else
        context_.diagnostics.error(
            inner.at, path,
            quote(inner.key) + " is also defined at " + context_.place(inner.at, there->second));
    }
  }

  Context& context_;
  Value merged_;
  bool complete_ = true;
  std::vector<std::string> open_;  // the files around the one that is read
  std::map<std::string, Position> included_;
  std::map<std::string, std::size_t> places_;
  std::map<std::string, Position> names_;
};

void read_admin(Scope& root, Config& config) {
  root.mapping("admin", [&](Scope& scope) {
    Admin& admin = config.admin.emplace();
    admin.at = scope.at();
    const bool good = scope.endpoint("address", admin.address);
    scope.secret("token", admin.token);
    if (good && !admin.address.address.is_loopback() && !scope.has("tls"))
      scope.error("address",
                  "beyond loopback the admin listener needs `tls` with `client_ca`, which is not "
                  "built yet: use an address such as `127.0.0.1:9901`");
  });
}

void read_log(Scope& root, AccessLog& log) {
  root.mapping("log", [&](Scope& scope) {
    scope.switchable("access", log.enabled, [&](Scope& access) {
      Text to{log.to, {}};
      if (access.string("to", to))
        log.to = to.value == "stdout" || to.value == "stderr"
                     ? to.value
                     : access.context().resolve(to.value, to.at);
      enum class Format : std::uint8_t { kJson } format{};
      access.choice("format", format);
    });
  });
}

}  // namespace

Config read_root(Context& context, const Value& merged) {
  Config config;
  Scope root(context, root_block(), merged, merged.at, "");
  context.policies = root.has("policies");
  std::uint32_t version = 0;
  root.integer("version", version);
  root.workers("workers", config.workers);
  root.duration("drain_timeout", config.drain_timeout);
  read_streams(root, config.streams);
  read_connections(root, config.connections);
  read_memory(root, config.memory);
  read_overload(root, config.overload);
  read_bans(root, config.bans);
  root.cidrs("trusted_proxies", config.trusted_proxies);
  read_resolver(root, config);
  read_admin(root, config);
  read_listeners(root, config);
  read_authenticators(root, config);
  read_roles(root, config);
  read_limits(root, config);
  read_apis(root, config);
  read_upstreams(root, config);
  read_log(root, config.access_log);
  return config;
}

namespace {

std::optional<Config> load_main(std::string_view text, const std::string& path,
                                Diagnostics& diagnostics, Sources& sources,
                                std::optional<Config>* unsound = nullptr) {
  const std::size_t before = diagnostics.errors();
  Context context{.diagnostics = diagnostics,
                  .sources = sources,
                  .files = {},
                  .references = {},
                  .partial_apis = {},
                  .policies = false};
  Merger merger(context);
  merger.add_main(text, path);
  if (!merger.complete()) return std::nullopt;
  Config config = read_root(context, merger.merged());
  check_references(config, context);
  if (diagnostics.errors() != before) {
    if (unsound != nullptr) *unsound = std::move(config);
    return std::nullopt;
  }
  remark(config, context);
  config.files = std::move(context.files);
  return config;
}

std::optional<Config> load_file(const std::string& path, Diagnostics& diagnostics, Sources& sources,
                                std::optional<Config>* unsound) {
  const auto text = sources.read(path, kMaxFileSize);
  if (!text) {
    diagnostics.error({diagnostics.add_file(path), 0, 0}, "",
                      "the file cannot be read: " + text.error().detail);
    return std::nullopt;
  }
  return load_main(*text, path, diagnostics, sources, unsound);
}

}  // namespace

std::optional<Config> load(const std::string& path, Diagnostics& diagnostics, Sources& sources) {
  return load_file(path, diagnostics, sources, nullptr);
}

std::optional<Config> load(const std::string& path, Diagnostics& diagnostics) {
  return load_file(path, diagnostics, system_sources(), nullptr);
}

std::optional<Config> load(const std::string& path, Diagnostics& diagnostics,
                           std::optional<Config>& unsound) {
  return load_file(path, diagnostics, system_sources(), &unsound);
}

std::optional<Config> load_text(std::string_view text, const std::string& name,
                                Diagnostics& diagnostics, Sources& sources) {
  return load_main(text, name, diagnostics, sources);
}

}  // namespace portcullis::config

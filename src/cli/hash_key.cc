#include "cli/hash_key.h"

#include "authn/api_key.h"
#include "config/nearest.h"
#include "config/scalars.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {
    Option{"--id", 0, "ID", "what logs and policies call it; made up unless said"}, kJsonOption};

// `pc_<id>_<secret>`: the id may have `_`, the secret has none.
std::string_view id_of(std::string_view key) {
  constexpr std::size_t kPrefix = 3;
  return key.substr(kPrefix, key.rfind('_') - kPrefix);
}

int hash_key(const Arguments& arguments, Console& console) {
  const std::string wanted = arguments.value_or("--id", "");
  if (!wanted.empty() && !config::is_name(wanted)) {
    fmt::format_to(std::back_inserter(console.err),
                   "portcullis: hash key: an id is letters, digits, `_` and `-`, at most 64, and "
                   "does not begin with `-`; found {}\n",
                   config::quote(wanted));
    return kUsage;
  }
  // The one secret that a command ever prints: it is made here, and kept nowhere.
  const authn::GeneratedKey made = authn::generate_api_key(wanted);
  const std::string_view key = made.text.expose();
  const std::string_view id = id_of(key);
  const std::string hash = "sha256:" + made.sha256;
  if (arguments.has("--json")) {
    json::Writer writer(console.out);
    writer.begin_object().field("id", id).field("key", key).field("hash", hash).end_object();
    console.out.push_back('\n');
    return kFine;
  }
  fmt::format_to(std::back_inserter(console.out),
                 "{}\n\n"
                 "That is the key. Give it to its holder now: it is not kept, and cannot be shown "
                 "again.\n"
                 "The configuration has only its hash, under authenticators.NAME.api_key.keys:\n\n"
                 "  - {{ id: {}, hash: \"{}\" }}\n",
                 key, id, hash);
  return kFine;
}

}  // namespace

Command hash_key_command() {
  return {.name = "hash key",
          .summary = "make an API key, and the hash that the configuration keeps",
          .about =
              "Prints a new key of 256 random bits, once, and the line of the configuration that\n"
              "accepts it. The key cannot be found from that line.\n",
          .example = "  portcullis hash key --id nightly\n",
          .options = kOptions,
          .run = hash_key};
}

}  // namespace portcullis::cli

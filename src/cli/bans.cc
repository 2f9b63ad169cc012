#include "cli/bans.h"

#include "base/ip.h"
#include "cli/admin_call.h"
#include "json/value.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string>

namespace portcullis::cli {
namespace {

constexpr Option kAdminOption{"--admin", 0, "ADDRESS",
                              "where the admin listener is; as the configuration says unless said"};
constexpr Option kKeyOption{"--key", 0, "", "WHOM is an API key: authenticator|id"};
constexpr std::array kListOptions = {kConfigOption, kAdminOption, kJsonOption};
constexpr std::array kAddOptions = {
    kConfigOption, kAdminOption, kKeyOption,
    Option{"--for", 0, "TIME", "how long, as in 30m or 7d; 1h unless said"}};
constexpr std::array kRemoveOptions = {kConfigOption, kAdminOption, kKeyOption};
constexpr std::array<std::string_view, 1> kWhom = {"WHOM"};

// The answer, when it has `status`; else what to exit with has been said.
Result<AdminAnswer> ask(const Arguments& arguments, std::string_view method,
                        std::string_view target, std::string_view json) {
  PC_TRY(const AdminListener admin, find_admin(arguments.value_or("--config", kDefaultConfig),
                                               arguments.value("--admin").value_or("")));
  return call_admin(admin, method, target, json);
}

int say(const Error& error, Console& console) {
  console.err += "portcullis: bans: " + error.detail;
  if (!console.err.ends_with('\n')) console.err.push_back('\n');
  return error.code == ErrorCode::kBadConfig ? kUsage : kMachine;
}

int say_refused(const AdminAnswer& answer, std::string_view whom, Console& console) {
  const auto out = std::back_inserter(console.err);
  switch (answer.status) {
    case 400:
      fmt::format_to(out,
                     "portcullis: bans: WHOM or --for is not one: an address (`203.0.113.9`), "
                     "or a key with --key; a time from 1s to 365d\n");
      return kUsage;
    case 401:
      fmt::format_to(out, "portcullis: bans: the gateway has another admin token, or none\n");
      return kMachine;
    case 403:
      fmt::format_to(out,
                     "portcullis: bans: {} is never banned: `bans.never` or "
                     "`trusted_proxies` has it\n",
                     whom);
      return kNo;
    case 404:
      fmt::format_to(out, "portcullis: bans: {} is not banned\n", whom);
      return kNo;
    case 503:
      fmt::format_to(out, "portcullis: bans: the table has no room\n");
      return kNo;
    default:
      fmt::format_to(out, "portcullis: bans: the gateway answered with status {}\n", answer.status);
      return kMachine;
  }
}

std::string text_of(json::Value ban, std::string_view name) {
  const auto value = ban.find(name);
  if (!value) return {};
  if (const auto text = value->as_string()) return std::string(*text);
  if (const auto number = value->as_int64()) return fmt::format("{}", *number);
  return {};
}

std::string whom_of(json::Value ban) {
  return ban.find("key") ? "key " + text_of(ban, "key") : text_of(ban, "address");
}

int list(const Arguments& arguments, Console& console) {
  const Result<AdminAnswer> answer = ask(arguments, "GET", "/bans", {});
  if (!answer) return say(answer.error(), console);
  if (answer->status != 200) return say_refused(*answer, {}, console);
  if (arguments.has("--json")) {
    console.out += answer->body;
    return kFine;
  }
  const auto document =
      json::Document::parse(answer->body, {.size = answer->body.size(), .depth = 4});
  const auto bans = document ? document->root().find("bans") : std::nullopt;
  if (!bans) return say_refused({.status = 0, .body = {}}, {}, console);
  const auto out = std::back_inserter(console.out);
  if (bans->size() == 0) fmt::format_to(out, "nobody is banned\n");
  for (const json::Value ban : bans->elements()) {
    fmt::format_to(out, "{:<42} {:<15} {:>8} s left, until {}, strike {}\n", whom_of(ban),
                   text_of(ban, "reason"), text_of(ban, "remaining_seconds"), text_of(ban, "until"),
                   text_of(ban, "strikes"));
  }
  return kFine;
}

int add(const Arguments& arguments, Console& console) {
  const std::string_view whom = arguments.words()[0];
  std::string json;
  json::Writer writer(json);
  writer.begin_object().field(arguments.has("--key") ? "key" : "address", whom);
  writer.field("for", arguments.value_or("--for", "1h")).end_object();
  const Result<AdminAnswer> answer = ask(arguments, "POST", "/bans", json);
  if (!answer) return say(answer.error(), console);
  if (answer->status != 201) return say_refused(*answer, whom, console);
  const auto document = json::Document::parse(answer->body);
  fmt::format_to(std::back_inserter(console.out), "{} is banned until {}\n",
                 document ? whom_of(document->root()) : std::string(whom),
                 document ? text_of(document->root(), "until") : std::string("then"));
  return kFine;
}

std::string percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    if (plain)
      out.push_back(c);
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

int remove(const Arguments& arguments, Console& console) {
  const std::string_view whom = arguments.words()[0];
  const std::string target =
      std::string(arguments.has("--key") ? "/bans?key=" : "/bans?address=") + percent(whom);
  const Result<AdminAnswer> answer = ask(arguments, "DELETE", target, {});
  if (!answer) return say(answer.error(), console);
  if (answer->status != 200) return say_refused(*answer, whom, console);
  fmt::format_to(std::back_inserter(console.out), "{} is banned no more\n", whom);
  return kFine;
}

}  // namespace

Command bans_list_command() {
  return {.name = "bans list",
          .summary = "who is refused for a time",
          .about =
              "Asks the running gateway, by its admin listener, which addresses and API keys are\n"
              "banned, what for, and until when.\n",
          .example = "  portcullis bans list -c portcullis.yaml\n",
          .options = kListOptions,
          .run = list};
}

Command bans_add_command() {
  return {.name = "bans add",
          .summary = "refuse an address or an API key for a time",
          .about =
              "An IPv6 address stands for its /64. A ban by hand takes the place of one that is\n"
              "in force.\n",
          .example =
              "  portcullis bans add 203.0.113.9 --for 7d\n"
              "  portcullis bans add 'machine|nightly' --key\n",
          .options = kAddOptions,
          .words = kWhom,
          .run = add};
}

Command bans_remove_command() {
  return {.name = "bans remove",
          .summary = "let somebody in again",
          .about = "What they were banned for is forgiven: the next ban would be a first one.\n",
          .example = "  portcullis bans remove 203.0.113.9\n",
          .options = kRemoveOptions,
          .words = kWhom,
          .run = remove};
}

}  // namespace portcullis::cli

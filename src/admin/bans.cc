#include "admin/bans.h"

#include "config/scalars.h"
#include "http/query.h"
#include "json/value.h"
#include "json/writer.h"
#include "telemetry/diagnostic_log.h"

#include <optional>

namespace portcullis::admin {
namespace {

constexpr std::size_t kMostKeyName = 512;
constexpr std::chrono::hours kLongest{24 * 365};

std::unexpected<Error> wrong(std::string detail) {
  return refuse(ErrorCode::kMalformedRequest, std::move(detail));
}

// As the list shows it: an address, or an IPv6 prefix of 64.
Result<overload::Culprit> read_address(std::string_view text) {
  constexpr std::string_view kSubscriber = "/64";
  if (text.contains(':') && text.ends_with(kSubscriber)) text.remove_suffix(kSubscriber.size());
  const auto address = IpAddress::parse(text);
  if (!address) return wrong("`address` is none");
  return overload::Culprit::address(*address);
}

Result<overload::Culprit> read_key(std::string_view text) {
  if (text.empty() || text.size() > kMostKeyName) return wrong("`key` is empty or too long");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return wrong("`key` has a control character");
  }
  return overload::Culprit::key(text);
}

Result<overload::Culprit> read_whom(std::optional<std::string_view> address,
                                    std::optional<std::string_view> key) {
  if (address.has_value() == key.has_value()) return wrong("one of `address` and `key` is needed");
  return address ? read_address(*address) : read_key(*key);
}

void write_ban(json::Writer& writer, const overload::Ban& ban, TimePoint now, WallTime wall) {
  const auto seconds = [](Duration time) {
    return static_cast<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
  };
  writer.begin_object();
  writer.field(ban.whom.is_key() ? "key" : "address", ban.whom.text());
  writer.field("reason", ban.reason).field("strikes", ban.strikes);
  writer.field("lasts_seconds", seconds(ban.lasts));
  writer.field("remaining_seconds", seconds(ban.until - now));
  writer.field("until",
               telemetry::format_time(
                   wall + std::chrono::duration_cast<WallClock::duration>(ban.until - now)));
  writer.end_object();
}

}  // namespace

std::string list_bans(const BanSource& source, TimePoint now, WallTime wall) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().key("bans").begin_array();
  for (const overload::Ban& ban : source.bans->list(now)) write_ban(writer, ban, now, wall);
  writer.end_array().end_object();
  text.push_back('\n');
  return text;
}

Result<std::string> add_ban(const BanSource& source, std::string_view json, TimePoint now,
                            WallTime wall) {
  PC_TRY(const json::Document document,
         json::Document::parse(json, {.size = kMostBanText, .depth = 2}));
  if (!document.root().is_object()) return wrong("expected an object");
  std::optional<std::string_view> address;
  std::optional<std::string_view> key;
  std::optional<std::string_view> lasting;
  for (const json::Member member : document.root().members()) {
    std::optional<std::string_view>* const slot = member.name == "address" ? &address
                                                  : member.name == "key"   ? &key
                                                  : member.name == "for"   ? &lasting
                                                                           : nullptr;
    if (slot == nullptr) return wrong("only `address`, `key` and `for` are known");
    if (slot->has_value() || !member.value.is_string())
      return wrong("each member is a string, and there once");
    *slot = member.value.as_string();
  }
  PC_TRY(const overload::Culprit whom, read_whom(address, key));
  const auto lasts = config::parse_duration(lasting.value_or("1h"));
  if (!lasts || *lasts < std::chrono::seconds(1) || *lasts > kLongest)
    return wrong("`for` is a duration from 1s to 365d");
  PC_TRY(const overload::Ban ban, source.bans->add(whom, *lasts, source.rules(), now));
  source.tell(ban);
  std::string text;
  json::Writer writer(text);
  write_ban(writer, ban, now, wall);
  text.push_back('\n');
  return text;
}

Result<void> remove_ban(const BanSource& source, std::string_view query, TimePoint now) {
  std::optional<std::string> address;
  std::optional<std::string> key;
  http::ParameterReader reader(query);
  while (const auto parameter = reader.next()) {
    std::optional<std::string>* const slot = http::is_named(*parameter, "address") ? &address
                                             : http::is_named(*parameter, "key")   ? &key
                                                                                   : nullptr;
    if (slot == nullptr || slot->has_value())
      return wrong("only `address` or `key` is known, once");
    *slot = http::decode_percent(parameter->value);
  }
  PC_TRY(const overload::Culprit whom,
         read_whom(address ? std::optional<std::string_view>(*address) : std::nullopt,
                   key ? std::optional<std::string_view>(*key) : std::nullopt));
  if (!source.bans->remove(whom, now)) return refuse(ErrorCode::kNotFound, "it is not banned");
  return {};
}

}  // namespace portcullis::admin

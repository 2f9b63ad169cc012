#include "ratelimit/fields.h"

#include "ratelimit/limiter.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace portcullis::ratelimit {
namespace {

__extension__ using Wide = unsigned __int128;

// The largest Integer of structured fields (RFC 9651 3.3.1).
constexpr std::uint64_t kLargestInteger = 999'999'999'999'999;

// Appends to a buffer that the caller has checked to be large enough.
class Writer {
 public:
  explicit Writer(std::span<char> buffer) : begin_(buffer.data()), at_(buffer.data()) {}
  void text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void number(std::uint64_t value) {
    at_ = std::to_chars(at_, at_ + 20, std::min(value, kLargestInteger)).ptr;
  }
  [[nodiscard]] std::string_view view() const { return {begin_, at_}; }

 private:
  char* begin_;
  char* at_;
};

std::uint64_t narrow(Wide value) {
  return static_cast<std::uint64_t>(std::min<Wide>(value, kLargestInteger));
}

}  // namespace

std::string quote_field_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c < 0x7f ? c : '_';
  }
  return out + '"';
}

std::string policy_item(std::string_view quoted_name, const config::Rate& rate,
                        std::uint64_t burst) {
  const auto per_ms = static_cast<std::uint64_t>(rate.per.count());
  const Wide divisor = static_cast<Wide>(rate.count) * 1000;
  const Wide window = (static_cast<Wide>(burst) * per_ms + divisor - 1) / divisor;
  const Wide in_a_second = divisor / per_ms;
  const Wide quota = window > 1 ? Wide{burst} : std::max<Wide>(burst, in_a_second);
  return std::string(quoted_name) + ";q=" + std::to_string(narrow(quota)) +
         ";w=" + std::to_string(narrow(window));
}

std::string_view policy_value(const Verdict& verdict) {
  return verdict.tightest.limit == nullptr ? std::string_view{} : verdict.tightest.limit->policy;
}

std::string_view rate_limit_value(const Verdict& verdict, std::span<char> buffer) {
  const Report& report = verdict.tightest;
  if (report.limit == nullptr) return {};
  if (buffer.size() < report.limit->quoted_name.size() + kFieldRoom) return {};
  Writer out(buffer);
  out.text(report.limit->quoted_name);
  out.text(";r=");
  out.number(report.remaining);
  out.text(";t=");
  out.number(report.remaining > 0 ? report.reset_seconds : report.retry_after_seconds);
  return out.view();
}

std::string_view retry_after_value(const Verdict& verdict, std::span<char> buffer) {
  if (verdict.allowed || buffer.size() < kFieldRoom) return {};
  Writer out(buffer);
  out.number(std::max<std::uint64_t>(verdict.tightest.retry_after_seconds, 1));
  return out.view();
}

}  // namespace portcullis::ratelimit

// Other people's cases through our parsers: llhttp's and the HTTP desync guardian's. Where we and
// they differ, a sentence of an RFC decides, and no difference goes without one.

#include "base/encoding.h"
#include "http/chunked.h"
#include "http/head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace portcullis::http {
namespace {

namespace fs = std::filesystem;

#define PC_REQUIRE_CORPORA()                          \
  if (std::getenv("PORTCULLIS_CORPORA") == nullptr) { \
    GTEST_SKIP() << "PORTCULLIS_CORPORA is not set";  \
  }                                                   \
  static_assert(true)

std::string slurp(const fs::path& path) {
  std::ifstream file(fs::path(std::getenv("PORTCULLIS_CORPORA")) / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// How far our parsers come with a stream of messages.
struct Outcome {
  std::size_t complete = 0;
  bool refused = false;
  bool ignored_rest = false;  // bytes behind the last message of the connection
  std::string detail;
};

enum class Side : std::uint8_t { kRequests, kResponses };

Result<HeadFacts> parse_head(Side side, std::span<char> head, Arena& arena, BodyKind& body,
                             std::uint64_t& length) {
  if (side == Side::kRequests) {
    Request request(arena);
    const auto facts = parse_request_head(head, HeadLimits{}, PathRules{}, arena, request);
    body = request.body;
    length = request.content_length;
    return facts;
  }
  Response response(arena);
  const auto facts = parse_response_head(head, HeadLimits{}, Method::kGet, response);
  body = response.body;
  length = response.content_length;
  if (facts && response.status == 101)
    return fail(ErrorCode::kUpstreamBroken, "upgraded without being asked");
  return facts;
}

Result<bool> skip_chunks(std::string& text, Arena& arena) {
  ChunkedReader reader(32 * 1024);
  PC_TRY(const ChunkedReader::Step step, reader.feed({text.data(), text.size()}));
  text.erase(0, step.consumed);
  if (!reader.done()) return false;
  Fields trailers(arena);
  PC_CHECK_OK(parse_trailers(reader.trailer_section(), 100, trailers));
  return true;
}

// False when the connection ends with this message, or the message is not complete.
Result<bool> next_message(Side side, std::string& text, Outcome& outcome) {
  if (side == Side::kRequests && text.starts_with("\r\n")) text.erase(0, 2);
  HeadScanner scanner;
  PC_TRY(const std::optional<std::size_t> size, scanner.scan(text));
  if (!size) return false;
  Arena arena;
  BodyKind body{};
  std::uint64_t length = 0;
  std::string head = text.substr(0, *size);
  text.erase(0, *size);
  PC_TRY(const HeadFacts facts, parse_head(side, {head.data(), head.size()}, arena, body, length));
  if (facts.chunked && body == BodyKind::kUnknown) {
    PC_TRY(const bool whole, skip_chunks(text, arena));
    if (!whole) return false;
  } else if (body == BodyKind::kLength) {
    if (text.size() < length) return false;
    text.erase(0, static_cast<std::size_t>(length));
  } else if (body == BodyKind::kUnknown) {
    return false;  // until the end of the connection, which the cases do not reach
  }
  ++outcome.complete;
  outcome.ignored_rest = !facts.keep_alive && !text.empty();
  return facts.keep_alive;
}

Outcome read_all(Side side, std::string text) {
  Outcome outcome;
  while (!text.empty()) {
    const Result<bool> more = next_message(side, text, outcome);
    if (!more) {
      outcome.refused = true;
      outcome.detail = more.error().detail;
    }
    if (!more || !*more) break;
  }
  return outcome;
}

// One reason to differ: the inputs that it is about, and the sentence.
struct Difference {
  std::string_view what;
  std::string_view pattern;  // found in the input
  std::string_view sentence;
};

class Differences {
 public:
  explicit Differences(std::vector<Difference> table) : table_(std::move(table)) {
    for (const Difference& one : table_) patterns_.emplace_back(std::string(one.pattern));
  }
  bool explains(const std::string& text) {
    bool found = false;
    for (std::size_t i = 0; i < table_.size(); ++i) {
      if (!std::regex_search(text, patterns_[i])) continue;
      used_.insert(table_[i].what);
      found = true;
    }
    return found;
  }
  // Every entry is one that occurs.
  void expect_all_used() const {
    for (const Difference& one : table_) EXPECT_TRUE(used_.contains(one.what)) << one.what;
  }

 private:
  std::vector<Difference> table_;
  std::vector<std::regex> patterns_;
  std::set<std::string_view> used_;
};

// ---- llhttp

struct LlhttpCase {
  std::string type;
  std::string name;
  std::string input;
  bool lenient = false;
  bool accept = false;
  std::size_t complete = 0;
};

// The file has one member a line, which is all that is relied on here.
std::vector<LlhttpCase> load_llhttp() {
  std::vector<LlhttpCase> cases;
  std::istringstream file(slurp("llhttp-tests/llhttp-cases.json"));
  const std::regex member(R"re(^  "(\w+)": "?(.*?)"?,?$)re");
  for (std::string line; std::getline(file, line);) {
    if (line == " {") cases.emplace_back();
    std::smatch match;
    if (cases.empty() || !std::regex_match(line, match, member)) continue;
    LlhttpCase& one = cases.back();
    const std::string key = match[1];
    const std::string value = match[2];
    if (key == "type") one.type = value;
    if (key == "name") one.name = value;
    if (key == "lenient") one.lenient = value == "true";
    if (key == "accept") one.accept = value == "true";
    if (key == "messagesComplete") one.complete = std::stoul(value);
    if (key == "inputBase64") {
      std::string text = value.substr(0, value.find('='));
      std::ranges::replace(text, '+', '-');
      std::ranges::replace(text, '/', '_');
      one.input = decode_base64url(text).value();
    }
  }
  return cases;
}

// HTTP/1.1 without Host is refused for that alone (RFC 9112 3.2); with one, a case is about what it
// is about.
std::string with_host(const std::string& text) {
  static const std::regex kHost("(^|\n)host:", std::regex::icase);
  static const std::regex kLine("([A-Z-]{3,} [^\r\n]* HTTP/1\\.1\r\n)");
  if (std::regex_search(text, kHost)) return text;
  return std::regex_replace(text, kLine, "$1Host: a.test\r\n");
}

Differences we_refuse_requests() {
  return Differences({
      {"CONNECT", "^CONNECT ",
       "RFC 9110 15.6.2: The 501 (Not Implemented) status code indicates that the server does not "
       "support the functionality required to fulfill the request."},
      {"asterisk without OPTIONS", "^(M-SEARCH|PRI) \\*",
       "RFC 9112 3.2.4: The asterisk-form of request-target is only used for a server-wide OPTIONS "
       "request."},
      {"another protocol", "(RTSP|ICE)/[0-9]\\.[0-9]\r\n", "RFC 9112 2.3: HTTP-name = %s\"HTTP\""},
      {"host that is no name", "Host: [^\r\n]*=",
       "RFC 3986 3.2.2: A registered name intended for lookup in the DNS uses the syntax defined "
       "in "
       "Section 3.5 of [RFC1034] and Section 2.1 of [RFC1123]."},
      {"coding other than chunked", "Transfer-Encoding: *deflate",
       "RFC 9112 6.1: A server that receives a request message with a transfer coding it does not "
       "understand SHOULD respond with 501 (Not Implemented)."},
      {"fragment", "^[A-Z]+ [^ @]*#",
       "RFC 9112 3.2.1: origin-form = absolute-path [ \"?\" query ]: a target has no fragment."},
      {"userinfo", "^[A-Z]+ https?://[^/?# ]*@",
       "RFC 9110 4.2.4: a recipient SHOULD parse for userinfo and treat its presence as an error."},
      {"zone of an address", "\\[[0-9a-f:]+%",
       "RFC 6874 4: An HTTP client, proxy, or other intermediary MUST remove any ZoneID attached "
       "to "
       "an outgoing URI."},
      {"trailer that describes the content", "0\r\nVary: \\*\r\nContent-Type:",
       "RFC 9110 6.5.1: Many fields cannot be processed outside the header section because their "
       "evaluation is necessary prior to receiving the content, such as those that describe "
       "message "
       "framing, routing, authentication, request modifiers, response controls, or content "
       "format."},
      {"pipelined behind a body that was left out", "Content-Length: 123\r\n\r\nPOST",
       "RFC 9112 6.2: Content-Length is the anticipated number of octets of the content: what "
       "follows the head is content, whatever it looks like."},
  });
}

Differences we_accept_requests() {
  return Differences({
      {"method that llhttp does not know", "^ANNOUNCE ",
       "RFC 9110 9.1: Additional methods, outside the scope of this specification, have been "
       "specified for use in HTTP: which ones an API has is for its routes to say."},
      {"head that does not end", "^(?![^]*\r\n\r\n)",
       "RFC 9112 2.1: HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]: "
       "without its empty line there is no head yet, and its time runs out."},
  });
}

void compare(const LlhttpCase& one, Side side, const std::string& text, Differences& we_refuse,
             Differences& we_accept) {
  SCOPED_TRACE(one.type + ": " + one.name + "\n" + text);
  const Outcome ours = read_all(side, text);
  if (one.lenient) {
    // What only a lenient reader takes never makes more messages of the same bytes here.
    if (!ours.refused) EXPECT_LE(ours.complete, std::max<std::size_t>(one.complete, 1));
    return;
  }
  if (one.accept) {
    if (ours.refused || ours.complete < one.complete) {
      EXPECT_TRUE(we_refuse.explains(text))
          << "llhttp reads " << one.complete << " messages, we read " << ours.complete << ": "
          << ours.detail;
    }
    return;
  }
  EXPECT_LE(ours.complete, std::max<std::size_t>(one.complete, 1));
  if (!ours.refused && !ours.ignored_rest)
    EXPECT_TRUE(we_accept.explains(text)) << "llhttp refuses, we do not";
}

TEST(Llhttp, RequestsDifferOnlyWhereAnRfcSays) {
  PC_REQUIRE_CORPORA();
  Differences we_refuse = we_refuse_requests();
  Differences we_accept = we_accept_requests();
  const std::regex whole_head("^(\r\n)?[^\r\n]* HTTP/1\\.1\r\n([^\r\n]+\r\n)*\r\n");
  std::size_t count = 0;
  for (const LlhttpCase& one : load_llhttp()) {
    if (one.type.starts_with("response")) continue;
    ++count;
    if (one.type == "url") {
      LlhttpCase whole = one;
      whole.complete = one.accept ? 1 : 0;
      compare(whole, Side::kRequests, "GET " + one.input + " HTTP/1.1\r\nHost: a.test\r\n\r\n",
              we_refuse, we_accept);
      continue;
    }
    const std::string text = with_host(one.input);
    compare(one, Side::kRequests, text, we_refuse, we_accept);
    if (text != one.input && std::regex_search(one.input, whole_head)) {
      EXPECT_TRUE(read_all(Side::kRequests, one.input).refused) << one.input;
    }
  }
  EXPECT_GE(count, 130U);
  we_refuse.expect_all_used();
  we_accept.expect_all_used();
}

TEST(Llhttp, ResponsesDifferOnlyWhereAnRfcSays) {
  PC_REQUIRE_CORPORA();
  Differences we_refuse({
      {"101 that nobody asked for", "^HTTP/1\\.1 101",
       "RFC 9110 7.8: A server MUST NOT switch to a protocol that was not indicated by the client "
       "in the corresponding request's Upgrade header field."},
      {"another protocol", "^RTSP/", "RFC 9112 2.3: HTTP-name = %s\"HTTP\""},
      {"HTTP/0.9", "^HTTP/0\\.9",
       "RFC 9110 2.5: The first digit (major version) indicates the messaging syntax."},
      {"empty line before a response", "(^|[^\n])\r\n\r\n\r\nHTTP/|^\r\nHTTP/|[A-Z]\r\nHTTP/1",
       "RFC 9112 2.2: a server that is expecting to receive and parse a request-line SHOULD ignore "
       "at least one empty line (CRLF): of a client nothing of the kind is said."},
      {"coding other than chunked", "Transfer-Encoding: (chunked, deflate|chunkedchunked)",
       "RFC 9112 7.4: The TE field describes what transfer codings, besides chunked, the client is "
       "willing to accept in the response: we send none."},
      {"body that was left out", "Content-Length: 123\r\n\r\nHTTP/1.1",
       "RFC 9112 6.2: Content-Length is the anticipated number of octets of the content."},
  });
  Differences we_accept({
      {"head that does not end", "^(?![^]*\r\n\r\n)",
       "RFC 9112 2.1: without its empty line there is no head yet, and its time runs out."},
  });
  std::size_t count = 0;
  for (const LlhttpCase& one : load_llhttp()) {
    if (!one.type.starts_with("response")) continue;
    ++count;
    compare(one, Side::kResponses, one.input, we_refuse, we_accept);
  }
  EXPECT_GE(count, 60U);
  we_refuse.expect_all_used();
  we_accept.expect_all_used();
}

// ---- the desync guardian

struct GuardianCase {
  std::string file;
  std::string name;
  std::string method;
  std::string uri;
  std::string version;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string tier;
};

// A scalar of YAML 1.2 as these files have them: plain, 'single' or "double" with C's escapes.
// `\xHH` is that octet.
std::string scalar(std::string_view text) {
  std::string value;
  if (text.starts_with('\'')) {
    text = text.substr(1, text.rfind('\'') - 1);
    for (std::size_t i = 0; i < text.size(); ++i) {
      value += text[i];
      if (text[i] == '\'') ++i;
    }
    return value;
  }
  if (!text.starts_with('"')) return std::string(text.substr(0, text.find(" #")));
  text = text.substr(1, text.rfind('"') - 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'x':
        value += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
        i += 2;
        break;
      case 't':
        value += '\t';
        break;
      case 'r':
        value += '\r';
        break;
      case 'n':
        value += '\n';
        break;
      case '0':
        value += '\0';
        break;
      default:
        value += text[i];
    }
  }
  return value;
}

std::vector<GuardianCase> load_guardian(const fs::path& path) {
  std::vector<GuardianCase> cases;
  std::istringstream file(slurp(path));
  const std::regex member(R"re(^( *)(- )?(\w+): *(.*?)\r?$)re");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, member)) continue;
    const std::size_t depth = static_cast<std::size_t>(match[1].length() + match[2].length());
    const std::string key = match[3];
    const std::string value = scalar(std::string(match[4]));
    if (depth == 2 && key == "name") {
      cases.emplace_back();
      cases.back().name = value;
      cases.back().file = path.filename();
    }
    if (cases.empty()) continue;
    GuardianCase& one = cases.back();
    if (depth == 2 && key == "uri") one.uri = value;
    if (depth == 2 && key == "method") one.method = value;
    if (depth == 2 && key == "version") one.version = value;
    if (depth == 6 && key == "name") one.fields.emplace_back(value, "");
    if (depth == 6 && key == "value") one.fields.back().second = value;
    if (depth == 4 && key == "tier") one.tier = value;
  }
  return cases;
}

std::string wire(const GuardianCase& one) {
  std::string text = one.method + " " + one.uri;
  if (!one.version.empty()) text += " " + one.version;
  text += "\r\n";
  bool has_host = false;
  for (const auto& [name, value] : one.fields) {
    has_host = has_host || name == "Host" || name == "host";
    text += name;
    text += value.starts_with(' ') ? ":" : ": ";
    text += value;
    text += "\r\n";
  }
  if (!has_host) text += "Host: a.test\r\n";
  return text + "\r\n";
}

TEST(DesyncGuardian, NothingThatDesyncsPassesAndWhatIsRefusedHasASentence) {
  PC_REQUIRE_CORPORA();
  Differences we_refuse({
      {"name that is no token", "\r\n[^:\r\n]*[^!#$%&'*+.^_`|~0-9A-Za-z:\r\n-][^:\r\n]*:",
       "RFC 9112 5.1: A server MUST reject, with a response status code of 400 (Bad Request), any "
       "received request message that contains whitespace between a header field name and colon. "
       "The same goes for any octet outside of token."},
      {"control character in a value", "[\\x01-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]",
       "RFC 9110 5.5: Field values containing other CTL characters are also invalid."},
      {"no version, or HTTP/0.9", "^[A-Z]+ [^ \r\n]*( HTTP/0\\.9)?\r\n",
       "RFC 9110 2.5: The first digit (major version) indicates the messaging syntax."},
      {"HTTP/1.2", "^[^\r\n]* HTTP/1\\.2\r\n",
       "RFC 9110 15.6.6: The 505 (HTTP Version Not Supported) status code indicates that the "
       "server "
       "does not support, or refuses to support, the major version of HTTP that was used: we "
       "depart "
       "from the SHOULD of 2.5, since no client sends it and two readers could differ."},
      {"space behind the version", "^[^\r\n]* HTTP/1\\.1 \r\n",
       "RFC 9112 3: request-line = method SP request-target SP HTTP-version"},
      {"space in the target", "^[A-Z]+ [^ \r\n]* [^\r\n]* HTTP/1\\.1\r\n",
       "RFC 9112 3.2: No whitespace is allowed in the request-target."},
      {"empty target", "^[A-Z]+  HTTP/1\\.1\r\n",
       "RFC 9112 3.2.1: If the target URI's path component is empty, the client MUST send \"/\" as "
       "the path within the origin-form of request-target."},
      {"coding other than a single chunked",
       "\r\nTransfer-Encoding: +(gzip|deflate|identity|compress|[^\r\n]*;)",
       "RFC 9112 6.1: A server that receives a request message with a transfer coding it does not "
       "understand SHOULD respond with 501 (Not Implemented). 7.1: The chunked coding does not "
       "define any parameters. Their presence SHOULD be treated as an error."},
      {"target that no grammar gives", "^[A-Z]+ [^ ]*([\\x80-\\xff\"#<>]|%[^0-9A-Fa-f])",
       "RFC 9112 3.2.1: absolute-path = 1*( \"/\" segment ), of RFC 3986's octets."},
      {"control character that came encoded", "^[A-Z]+ [^ ?]*%(0[0-9A-F]|1[0-9A-F]|7F)",
       "RFC 3986 7.3: Security checks of the data within a URI should be applied after decoding "
       "the "
       "octets."},
  });
  // What is let pass of what the guardian calls ambiguous, and why nobody is confused by it.
  Differences we_accept({
      {"content in GET and HEAD", "^(GET|HEAD) ",
       "RFC 9112 6: Request message framing is independent of method semantics. The request is "
       "written anew for the upstream, with the framing that was read."},
  });
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(std::getenv("PORTCULLIS_CORPORA")) /
                                                  "http-desync-guardian/tests")) {
    if (entry.path().extension() != ".yaml") continue;
    for (const GuardianCase& one :
         load_guardian("http-desync-guardian/tests" / entry.path().filename())) {
      ++count;
      const std::string text = wire(one);
      SCOPED_TRACE(one.file + ": " + one.name + "\n" + text);
      ASSERT_FALSE(one.tier.empty());
      const Outcome ours = read_all(Side::kRequests, text);
      if (one.tier == "Compliant" || one.tier == "Acceptable") {
        if (ours.refused) EXPECT_TRUE(we_refuse.explains(text)) << ours.detail;
      } else if (one.tier == "Severe") {
        EXPECT_TRUE(ours.refused) << "severe, and accepted";
      } else if (!ours.refused) {
        EXPECT_TRUE(we_accept.explains(text)) << one.tier << ", and accepted";
      }
    }
  }
  EXPECT_GE(count, 140U);
  we_refuse.expect_all_used();
  we_accept.expect_all_used();
}

}  // namespace
}  // namespace portcullis::http

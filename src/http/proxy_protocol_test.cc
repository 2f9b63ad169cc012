#include "http/proxy_protocol.h"

#include "http/receive_proxy_header.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::http {
namespace {

using namespace std::string_literals;
using runtime::testing::Pair;
using runtime::testing::Runner;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kFour = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x01\xbb"s;  // two v4, two ports

// A header of version 2: its command, its family, and what its length counts.
std::string v2(char command, char family, const std::string& rest) {
  std::string header = kSignature + command + family;
  header += static_cast<char>(rest.size() >> 8U);
  header += static_cast<char>(rest.size() & 0xffU);
  return header + rest;
}

std::string ends_of(const ProxyHeader& header) {
  return header.ends ? header.ends->source.to_string() + " " + header.ends->destination.to_string()
                     : "";
}

struct Good {
  std::string_view why;
  std::string header;
  std::string_view ends;
};

std::vector<Good> good() {
  const std::string six = "PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n";
  return {
      {"version 1, IPv4", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n",
       "192.0.2.1:12345 198.51.100.2:443"},
      {"version 1, IPv6", six, "[2001:db8::1]:4660 [2001:db8::2]:443"},
      {"version 1, IPv4 mapped into IPv6", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n",
       "192.0.2.1:1 [2001:db8::2]:2"},
      {"version 1, ports at their ends", "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n",
       "0.0.0.0:0 255.255.255.255:65535"},
      {"version 1, as long as it may be",
       "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       ""},
      {"version 1, the proxy speaks for itself", "PROXY UNKNOWN\r\n", ""},
      {"version 1, whatever follows UNKNOWN is ignored", "PROXY UNKNOWN 1.2.3.4 x\r\n", ""},
      {"version 2, IPv4", v2('\x21', '\x11', kFour), "192.0.2.1:12345 198.51.100.2:443"},
      {"version 2, IPv6",
       v2('\x21', '\x21',
          "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
          "\0\x01\0\x02"s),
       "[2001:db8::1]:1 [2001:db8::2]:2"},
      {"version 2, LOCAL", v2('\x20', '\0', ""), ""},
      {"version 2, LOCAL with addresses, which are discarded", v2('\x20', '\x11', kFour), ""},
      {"version 2, LOCAL with anything", v2('\x20', '\x7f', "any thing"), ""},
      {"version 2, AF_UNSPEC", v2('\x21', '\0', "1234"), ""},
      {"version 2, with fields", v2('\x21', '\x11', kFour + "\x02\0\x03"s + "a.b" + "\x04\0\0"s),
       "192.0.2.1:12345 198.51.100.2:443"},
      {"version 2, as long as it may be",
       v2('\x21', '\x11', kFour + "\x04\x0f\xe1"s + std::string(4065, 'x')),
       "192.0.2.1:12345 198.51.100.2:443"},
      {"version 2, with its checksum", v2('\x21', '\x11', kFour + "\x03\0\x04\xc8\xcc\xd4\xb7"s),
       "192.0.2.1:12345 198.51.100.2:443"},
  };
}

TEST(ProxyHeader, IsReadAndNotAByteMore) {
  for (const Good& c : good()) {
    SCOPED_TRACE(c.why);
    const auto header = parse_proxy_header(c.header + "GET / HTTP/1.1\r\n");
    ASSERT_TRUE(header) << header.error().detail;
    ASSERT_TRUE(*header);
    EXPECT_EQ((*header)->size, c.header.size());
    EXPECT_EQ(ends_of(**header), c.ends);
    for (std::size_t size = 0; size < c.header.size(); ++size) {
      const auto part = parse_proxy_header(std::string_view(c.header).substr(0, size));
      ASSERT_TRUE(part) << size << ": " << part.error().detail;
      EXPECT_FALSE(*part) << size;
    }
  }
}

TEST(ProxyHeader, OfAnyOtherKindIsRefused) {
  struct Case {
    std::string_view why;
    std::string bytes;
  };
  const std::string whole = "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n";
  const Case cases[] = {
      {"a request", "GET / HTTP/1.1\r\n"},
      {"a TLS handshake", "\x16\x03\x01\x02\0"s},
      {"an empty line", "\r\n\r\nGET"},
      {"in lower case", "proxy TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"a bare LF", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\n"},
      {"LF at once", "PROXY \n"},
      {"no end within 107 bytes", "PROXY TCP4 " + std::string(96, '1')},
      {"an end behind 107 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"},
      {"another family", "PROXY UDP4 192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"UNKNOWN that goes on", "PROXY UNKNOWNS\r\n"},
      {"no family", "PROXY  192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"two spaces", "PROXY TCP4  192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"a tab", "PROXY TCP4\t192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"a space at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443 \r\n"},
      {"a part too many", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443 1\r\n"},
      {"a part too few", "PROXY TCP4 192.0.2.1 198.51.100.2 12345\r\n"},
      {"nothing but a family", "PROXY TCP4\r\n"},
      {"IPv6 as TCP4", "PROXY TCP4 2001:db8::1 2001:db8::2 12345 443\r\n"},
      {"IPv4 as TCP6", "PROXY TCP6 192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"one of each", "PROXY TCP4 192.0.2.1 2001:db8::2 12345 443\r\n"},
      {"mapped IPv4 as TCP4", "PROXY TCP4 ::ffff:192.0.2.1 198.51.100.2 12345 443\r\n"},
      {"leading zeros in an address", "PROXY TCP4 192.000.002.001 198.51.100.2 12345 443\r\n"},
      {"an address in octal", "PROXY TCP4 0300.0.2.1 198.51.100.2 12345 443\r\n"},
      {"an address in hexadecimal", "PROXY TCP4 0xc0.0.2.1 198.51.100.2 12345 443\r\n"},
      {"an address as one number", "PROXY TCP4 3221225985 198.51.100.2 12345 443\r\n"},
      {"three parts of an address", "PROXY TCP4 192.0.513 198.51.100.2 12345 443\r\n"},
      {"an octet of 256", "PROXY TCP4 192.0.2.256 198.51.100.2 12345 443\r\n"},
      {"a zone", "PROXY TCP6 fe80::1%eth0 2001:db8::2 12345 443\r\n"},
      {"brackets", "PROXY TCP6 [2001:db8::1] [2001:db8::2] 12345 443\r\n"},
      {"a name", "PROXY TCP4 localhost 198.51.100.2 12345 443\r\n"},
      {"a port of 65536", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n"},
      {"a port with a leading zero", "PROXY TCP4 192.0.2.1 198.51.100.2 012345 443\r\n"},
      {"a port of 00", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 00\r\n"},
      {"a signed port", "PROXY TCP4 192.0.2.1 198.51.100.2 +1234 443\r\n"},
      {"a port in hexadecimal", "PROXY TCP4 192.0.2.1 198.51.100.2 0x1f 443\r\n"},
      {"a port beyond 64 bits", "PROXY TCP4 192.0.2.1 198.51.100.2 18446744073709551617 443\r\n"},
      {"a NUL in an address", "PROXY TCP4 192.0.2.1\0 198.51.100.2 12345 443\r\n"s},
      {"a CR in the middle", "PROXY TCP4 192.0.2.1\r198.51.100.2 12345 443\r\n"},
      {"version 1 in a signature of version 2", kSignature + whole},
      {"a signature that differs in its last byte", "\r\n\r\n\0\r\nQUIT\r"s},
      {"version 1 in binary", v2('\x11', '\x11', kFour)},
      {"version 3", v2('\x31', '\x11', kFour)},
      {"command 2", v2('\x22', '\x11', kFour)},
      {"command 15", v2('\x2f', '\x11', kFour)},
      {"datagrams", v2('\x21', '\x12', kFour)},
      {"a stream of no family", v2('\x21', '\x01', kFour)},
      {"IPv4 of no kind", v2('\x21', '\x10', kFour)},
      {"a socket in a file system", v2('\x21', '\x31', std::string(216, '/'))},
      {"a family of nobody", v2('\x21', '\x41', kFour)},
      {"shorter than IPv4", v2('\x21', '\x11', kFour.substr(0, 11))},
      {"shorter than IPv6", v2('\x21', '\x21', kFour)},
      {"longer than 4096", v2('\x21', '\x11', kFour + "\x04\x0f\xe2"s + std::string(4066, 'x'))},
      {"as long as 16 bits can say", kSignature + "\x21\x11\xff\xff"s},
      {"LOCAL as long as 16 bits can say", kSignature + "\x20\x11\xff\xff"s},
      {"half a field", v2('\x21', '\x11', kFour + "\x04\0"s)},
      {"a field beyond the header", v2('\x21', '\x11', kFour + "\x04\0\x02x"s)},
      {"a byte behind the fields", v2('\x21', '\x11', kFour + "\x04\0\0\x04"s)},
      {"a wrong checksum", v2('\x21', '\x11', kFour + "\x03\0\x04\xc8\xcc\xd4\xb6"s)},
      {"a checksum of zero", v2('\x21', '\x11', kFour + "\x03\0\x04\0\0\0\0"s)},
      {"a checksum of three bytes", v2('\x21', '\x11', kFour + "\x03\0\x03\xc8\xcc\xd4"s)},
      {"a checksum of no bytes", v2('\x21', '\x11', kFour + "\x03\0\0"s)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto header = parse_proxy_header(c.bytes);
    ASSERT_FALSE(header) << (*header ? ends_of(**header) : "more is wanted");
    EXPECT_EQ(header.error().code, ErrorCode::kMalformedRequest);
    EXPECT_EQ(header.error().source, ErrorSource::kClient);
  }
}

TEST(ProxyHeader, IsWrittenAsItIsRead) {
  const auto end = [](std::string_view address, std::uint16_t port) {
    return IpEndpoint{*IpAddress::parse(address), port};
  };
  const ProxyHeader::Ends cases[] = {
      {end("192.0.2.1", 12345), end("198.51.100.2", 443)},
      {end("2001:db8::1", 1), end("2001:db8::2", 65535)},
      {end("192.0.2.1", 1), end("2001:db8::2", 2)},
      {end("2001:db8::1", 0), end("198.51.100.2", 443)},
  };
  for (const ProxyVersion version : {ProxyVersion::kV1, ProxyVersion::kV2}) {
    for (const ProxyHeader::Ends& ends : cases) {
      const std::string text = write_proxy_header(version, ends);
      const auto header = parse_proxy_header(text);
      ASSERT_TRUE(header && *header) << text;
      EXPECT_EQ((*header)->size, text.size());
      EXPECT_EQ(ends_of(**header), ends.source.to_string() + " " + ends.destination.to_string());
    }
    const std::string own = write_proxy_header(version, std::nullopt);
    const auto header = parse_proxy_header(own);
    ASSERT_TRUE(header && *header) << own;
    EXPECT_EQ(ends_of(**header), "");
  }
  EXPECT_EQ(write_proxy_header(ProxyVersion::kV1, cases[0]),
            "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n");
  EXPECT_EQ(write_proxy_header(ProxyVersion::kV1, cases[2]),
            "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
}

Task<void> receive_in_pieces(Loop& loop) {
  const TimePoint deadline = loop.now() + std::chrono::seconds(10);
  for (const Good& c : good()) {
    SCOPED_TRACE(c.why);
    for (const std::size_t first : {std::size_t{0}, std::size_t{1}, c.header.size() - 1}) {
      Pair pair(loop);
      struct Outcome {
        std::string ends = "nothing";
        std::string behind;
      } outcome;
      TaskGroup group;
      const auto receive = [](runtime::Stream& stream, Outcome& got, TimePoint by) -> Task<void> {
        const auto header = co_await receive_proxy_header(stream, by);
        EXPECT_TRUE(header) << header.error().detail;
        if (header) got.ends = ends_of(*header);
        got.behind = (co_await runtime::testing::receive_all(stream)).text;
      };
      group.spawn(receive(*pair.b, outcome, deadline));
      EXPECT_TRUE(co_await runtime::testing::send_text(*pair.a, c.header.substr(0, first)));
      co_await runtime::testing::settle(loop);
      EXPECT_TRUE(co_await runtime::testing::send_text(*pair.a, c.header.substr(first) + "GET"));
      pair.a->shutdown_write();
      co_await group.join();
      EXPECT_EQ(outcome.ends, c.ends);
      EXPECT_EQ(outcome.behind, "GET");
    }
  }
}

TEST(ReceiveProxyHeader, LeavesWhatStandsBehindItInTheSocket) {
  Runner runner;
  runner.run(receive_in_pieces(runner.loop));
}

Task<void> receive_in_vain(Loop& loop) {
  for (const std::string_view part : {"", "P", "PROXY TCP4 1.2"}) {
    Pair ended(loop);
    EXPECT_TRUE(co_await runtime::testing::send_text(*ended.a, std::string(part)));
    ended.a->shutdown_write();
    const auto cut = co_await receive_proxy_header(*ended.b, loop.now() + std::chrono::seconds(10));
    EXPECT_FALSE(cut);
    if (!cut) EXPECT_EQ(cut.error().code, ErrorCode::kClosed) << part;
    Pair silent(loop);
    EXPECT_TRUE(co_await runtime::testing::send_text(*silent.a, std::string(part)));
    const auto late =
        co_await receive_proxy_header(*silent.b, loop.now() + std::chrono::milliseconds(20));
    EXPECT_FALSE(late);
    if (!late) EXPECT_EQ(late.error().code, ErrorCode::kTimeout) << part;
  }
}

TEST(ReceiveProxyHeader, WaitsForNobodyForEver) {
  Runner runner;
  runner.run(receive_in_vain(runner.loop));
}

}  // namespace
}  // namespace portcullis::http

#include "runtime/tls.h"

#include "runtime/testing/runner.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using testing::Pair;
using testing::Received;
using testing::Runner;

namespace fs = std::filesystem;

// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "portcullis-tls-XXXXXX").string();
    PC_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// A self-signed certificate for `names` (`DNS:a,IP:127.0.0.1`), and its key.
TlsCertificate make_certificate(const Folder& folder, const std::string& file,
                                const std::string& names) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  PC_CHECK(key != nullptr && certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(file.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  PC_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  PC_CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);

  const TlsCertificate files{folder.file(file + ".pem"), folder.file(file + ".key")};
  FILE* out = std::fopen(files.cert_file.c_str(), "w");
  PC_CHECK(out != nullptr && PEM_write_X509(out, certificate) == 1);
  std::fclose(out);
  out = std::fopen(files.key_file.c_str(), "w");
  PC_CHECK(out != nullptr &&
           PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

// A server of two certificates and a client that trusts both of them.
struct Scene {
  Folder folder;
  TicketKeys tickets;
  std::shared_ptr<const TlsServerContext> server;
  std::shared_ptr<const TlsClientContext> client;

  Scene() {
    TlsServerOptions options;
    options.name = "test";
    options.certificates = {
        make_certificate(folder, "first", "DNS:first.test,IP:127.0.0.1"),
        make_certificate(folder, "second", "DNS:second.test,DNS:*.wild.test"),
    };
    auto made = TlsServerContext::create(options, tickets);
    PC_CHECK(made.has_value());
    server = *made;
    std::ofstream trusted(folder.file("trusted.pem"));
    for (const TlsCertificate& files : options.certificates)
      trusted << std::ifstream(files.cert_file).rdbuf();
    trusted.close();
    setenv("SSL_CERT_FILE", folder.file("trusted.pem").c_str(), 1);
    auto trusting = TlsClientContext::create();
    unsetenv("SSL_CERT_FILE");
    PC_CHECK(trusting.has_value());
    client = *trusting;
  }
};

struct Outcome {
  Result<void> result = fail(ErrorCode::kInternal, "not tried");
};

Task<void> accept(Stream& stream, const TlsServerContext& context, TimePoint deadline,
                  Outcome& outcome) {
  outcome.result = co_await stream.accept_tls(context, deadline);
}

// Both handshakes at once.
Task<bool> shake_hands(Pair& pair, Scene& scene, std::string host) {
  Outcome server;
  TaskGroup group;
  const TimePoint deadline = pair.a->loop().now() + milliseconds(10'000);
  group.spawn(accept(*pair.b, *scene.server, deadline, server));
  const Result<void> client = co_await pair.a->connect_tls(*scene.client, host, deadline);
  if (!client) pair.b->cancel();
  co_await group.join();
  co_return client.has_value() && server.result.has_value();
}

Task<void> pump(Stream& stream, std::size_t size) {
  EXPECT_TRUE(co_await testing::send_text(stream, std::string(size, 'x')));
  stream.shutdown_write();
}

Task<void> move_bytes(Loop& loop, Scene& scene) {
  for (const std::size_t size : {1U, 16'383U, 16'384U, 16'385U, 1'000'000U}) {
    Pair pair(loop);
    EXPECT_TRUE(co_await shake_hands(pair, scene, "first.test"));
    EXPECT_EQ(pair.b->tls()->server_name(), "first.test");
    EXPECT_EQ(pair.b->tls()->version(), "TLSv1.3");
    TaskGroup group;
    group.spawn(pump(*pair.a, size));
    const Received received = co_await testing::receive_all(*pair.b);
    EXPECT_TRUE(received.clean);
    EXPECT_EQ(received.text.size(), size);
    co_await group.join();
  }
}

TEST(Tls, MovesMoreThanARecordAndSeesTheEnd) {
  Scene scene;
  Runner runner;
  runner.run(move_bytes(runner.loop, scene));
}

Task<void> verify(Loop& loop, Scene& scene) {
  struct Case {
    std::string host;
    bool good;
  };
  for (const Case& c :
       {Case{"first.test", true}, Case{"second.test", true}, Case{"a.wild.test", true},
        Case{"127.0.0.1", true}, Case{"a.b.wild.test", false}, Case{"wild.test", false},
        Case{"other.test", false}, Case{"127.0.0.2", false}}) {
    Pair pair(loop);
    const bool good = co_await shake_hands(pair, scene, c.host);
    EXPECT_EQ(good, c.good) << c.host;
  }
}

TEST(Tls, ChoosesTheCertificateAndVerifiesTheHost) {
  Scene scene;
  Runner runner;
  runner.run(verify(runner.loop, scene));
}

Task<void> wait_past_tickets(Loop& loop, Scene& scene) {
  Pair pair(loop);
  EXPECT_TRUE(co_await shake_hands(pair, scene, "first.test"));
  // The server's session tickets have arrived, and are no data: the client still waits.
  co_await testing::settle(loop);
  const auto nothing = co_await pair.a->wait_available(loop.now() + milliseconds(30));
  EXPECT_FALSE(nothing);
  if (!nothing) EXPECT_EQ(nothing.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(co_await testing::send_text(*pair.b, "hello"));
  const auto something = co_await pair.a->wait_available(loop.now() + milliseconds(5'000));
  EXPECT_TRUE(something);
  // Waiting took nothing; and what stands in the session, not in the socket, is seen as well.
  char two[2];
  const auto first = co_await pair.a->read(two, loop.now() + milliseconds(5'000));
  EXPECT_EQ(first.value_or(0), 2U);
  const auto more = co_await pair.a->wait_available(loop.now() + milliseconds(5'000));
  EXPECT_TRUE(more);
  char rest[16];
  const auto last = co_await pair.a->read(rest, loop.now() + milliseconds(5'000));
  EXPECT_EQ(last.value_or(0), 3U);
}

TEST(Tls, TicketsAreNoData) {
  Scene scene;
  Runner runner;
  runner.run(wait_past_tickets(runner.loop, scene));
}

// The octets that a client would send, one at a time: records arrive in parts.
Task<void> relay_octets(Stream& from, Stream& to) {
  char buffer[4096];
  for (;;) {
    const auto n = co_await from.read(buffer, from.loop().now() + milliseconds(5'000));
    if (!n || *n == 0) break;
    for (std::size_t i = 0; i < *n; ++i) {
      if (!co_await testing::send_text(to, std::string(1, buffer[i]))) co_return;
      co_await to.loop().yield();
    }
  }
  to.shutdown_write();
}

// Takes what comes, tickets above all, so that nobody waits for room.
Task<void> take_all(Stream& stream, Received& received) {
  received = co_await testing::receive_all(stream);
}

Task<void> partial_records(Loop& loop, Scene& scene) {
  Pair near(loop);  // client: near.a
  Pair far(loop);   // server: far.b
  TaskGroup group;
  group.spawn(relay_octets(*near.b, *far.a));
  group.spawn(relay_octets(*far.a, *near.b));
  Outcome server;
  TaskGroup accepting;
  const TimePoint deadline = loop.now() + milliseconds(10'000);
  accepting.spawn(accept(*far.b, *scene.server, deadline, server));
  const Result<void> client = co_await near.a->connect_tls(*scene.client, "first.test", deadline);
  EXPECT_TRUE(client);
  co_await accepting.join();
  EXPECT_TRUE(server.result);
  group.spawn(pump(*near.a, 300));
  Received back;
  group.spawn(take_all(*near.a, back));
  const auto available = co_await far.b->wait_available(deadline);
  EXPECT_TRUE(available);
  const Received received = co_await testing::receive_all(*far.b);
  EXPECT_TRUE(received.clean);
  EXPECT_EQ(received.text, std::string(300, 'x'));
  EXPECT_TRUE(co_await testing::send_text(*far.b, "bye"));
  far.b->shutdown_write();
  co_await group.join();
  EXPECT_TRUE(back.clean);
  EXPECT_EQ(back.text, "bye");
}

TEST(Tls, ReadsRecordsThatArriveOctetByOctet) {
  Scene scene;
  Runner runner;
  runner.run(partial_records(runner.loop, scene));
}

Task<void> refuse_plain_text(Loop& loop, Scene& scene) {
  Pair pair(loop);
  EXPECT_TRUE(co_await testing::send_text(*pair.a, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto outcome = co_await pair.b->accept_tls(*scene.server, loop.now() + milliseconds(5'000));
  EXPECT_FALSE(outcome);
  if (!outcome) EXPECT_EQ(outcome.error().code, ErrorCode::kClosed);
  Pair silent(loop);
  const auto late = co_await silent.b->accept_tls(*scene.server, loop.now() + milliseconds(30));
  EXPECT_FALSE(late);
  if (!late) EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  Pair gone(loop);
  gone.a.reset();
  const auto left = co_await gone.b->accept_tls(*scene.server, loop.now() + milliseconds(5'000));
  EXPECT_FALSE(left);
  if (!left) EXPECT_EQ(left.error().code, ErrorCode::kClosed);
}

TEST(Tls, EndsAHandshakeThatIsNone) {
  Scene scene;
  Runner runner;
  runner.run(refuse_plain_text(runner.loop, scene));
}

TEST(Tls, SaysWhichFileIsWrong) {
  Folder folder;
  TicketKeys tickets;
  const TlsCertificate one = make_certificate(folder, "one", "DNS:one.test");
  const TlsCertificate two = make_certificate(folder, "two", "DNS:two.test");
  std::ofstream(folder.file("empty.pem")) << "";
  struct Case {
    std::string_view why;
    TlsCertificate files;
    std::string_view named;
  };
  const Case cases[] = {
      {"no certificate", {folder.file("none.pem"), one.key_file}, "none.pem"},
      {"nothing in it", {folder.file("empty.pem"), one.key_file}, "empty.pem"},
      {"no key", {one.cert_file, folder.file("none.key")}, "none.key"},
      {"a key for a certificate", {one.key_file, one.key_file}, "one.key"},
      {"another's key", {one.cert_file, two.key_file}, "two.key"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    TlsServerOptions options;
    options.name = "test";
    options.certificates = {c.files};
    const auto made = TlsServerContext::create(options, tickets);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kBadConfig);
    EXPECT_TRUE(made.error().detail.contains(c.named)) << made.error().detail;
  }
}

}  // namespace
}  // namespace portcullis::runtime

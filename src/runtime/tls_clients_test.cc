// Client certificates in handshakes, and what a resumed session is worth.
#include "runtime/client_certificate.h"
#include "runtime/testing/certificates.h"
#include "runtime/testing/runner.h"
#include "runtime/tls.h"
#include "runtime/trust.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using testing::Folder;
using testing::Made;
using testing::make_certificate;
using testing::make_list;
using testing::Pair;
using testing::Runner;

struct Scene {
  Folder folder;
  TicketKeys tickets;
  Made root = make_certificate(folder, {.name = "root", .authority = true});
  Made intermediate = make_certificate(folder, {.name = "intermediate", .authority = true}, &root);
  Made server =
      make_certificate(folder, {.name = "server", .alternatives = "DNS:a.test,DNS:b.test"}, &root);
  Made partner = make_certificate(
      folder, {.name = "partner", .alternatives = "URI:urn:partner", .usage = "clientAuth"},
      &intermediate);

  std::shared_ptr<const TlsServerContext> listener(const std::string& name,
                                                   const std::string& lists) {
    auto authorities = Authorities::load(root.cert_file());
    auto taken_back = RevocationLists::load(lists);
    PC_CHECK(authorities.has_value() && taken_back.has_value());
    TlsServerOptions options;
    options.name = name;
    options.certificates = {server.pair()};
    options.clients = Trust::make(*authorities, *taken_back);
    auto made = TlsServerContext::create(options, tickets);
    PC_CHECK(made.has_value());
    return *made;
  }

  std::string list(const std::string& name, const std::vector<const Made*>& revoked,
                   long ends = 3600) {
    return make_list(folder, name, intermediate, revoked, -60, ends);
  }

  // With the certificate of `who` and its chain, or without one.
  std::shared_ptr<const TlsClientContext> client(const Made* who) {
    TlsClientOptions options;
    auto authorities = Authorities::load(root.cert_file());
    PC_CHECK(authorities.has_value());
    options.authorities = *authorities;
    if (who != nullptr) {
      auto pair = KeyPair::load(
          {testing::join_files(folder, "chain.pem", {who->cert_file(), intermediate.cert_file()}),
           who->files().key_file});
      PC_CHECK(pair.has_value());
      options.certificate = *pair;
    }
    auto made = TlsClientContext::create(options);
    PC_CHECK(made.has_value());
    return *made;
  }
};

struct Met {
  bool up = false;
  bool resumed = false;
  std::string fault;
  std::unique_ptr<ClientCertificate> certificate;
};

Task<void> accept(Stream& stream, const TlsServerContext& context, TimePoint deadline, Met& met) {
  met.up = (co_await stream.accept_tls(context, deadline)).has_value();
  met.fault = stream.tls()->certificate_fault();
  if (!met.up) co_return;
  met.resumed = stream.tls()->resumed();
  met.certificate = stream.tls()->client_certificate(context);
  EXPECT_TRUE(co_await testing::send_text(stream, "hello"));
}

// A handshake, and as much after it as brings the ticket.
Task<Met> meet(Loop& loop, const TlsServerContext& server, const TlsClientContext& client,
               std::string host, std::shared_ptr<TlsResumption> resumption = nullptr) {
  Pair pair(loop);
  Met met;
  TaskGroup group;
  const TimePoint deadline = loop.now() + milliseconds(10'000);
  group.spawn(accept(*pair.b, server, deadline, met));
  const Result<void> connected =
      co_await pair.a->connect_tls(client, host, deadline, std::move(resumption));
  if (connected) {
    char text[16];
    (void)co_await pair.a->read(text, deadline);
  } else {
    pair.b->cancel();
  }
  co_await group.join();
  co_return met;
}

Task<void> show_certificates(Loop& loop, Scene& scene) {
  const auto server = scene.listener("public", scene.list("good.crl", {}));
  const Met none = co_await meet(loop, *server, *scene.client(nullptr), "a.test");
  EXPECT_TRUE(none.up) << "a certificate is asked for, not demanded";
  EXPECT_EQ(none.certificate, nullptr);

  const Met good = co_await meet(loop, *server, *scene.client(&scene.partner), "A.test");
  EXPECT_TRUE(good.up);
  if (good.certificate == nullptr) {
    ADD_FAILURE() << "no certificate";
    co_return;
  }
  EXPECT_EQ(good.certificate->facts().uris, std::vector<std::string>{"urn:partner"});
  EXPECT_EQ(good.certificate->server_name(), "a.test");
  EXPECT_TRUE(good.certificate->holds(WallClock::now()));
  EXPECT_EQ(good.certificate->chain_base64().size(), 1U) << "the intermediate, and not the root";
  EXPECT_TRUE(good.certificate->leaf_base64().starts_with("MII"));

  const auto strict = scene.listener("public", scene.list("bad.crl", {&scene.partner}));
  const Met revoked = co_await meet(loop, *strict, *scene.client(&scene.partner), "a.test");
  EXPECT_FALSE(revoked.up);
  EXPECT_EQ(revoked.fault, "revoked");
  const auto late = scene.listener("public", scene.list("late.crl", {}, -10));
  const Met out_of_date = co_await meet(loop, *late, *scene.client(&scene.partner), "a.test");
  EXPECT_FALSE(out_of_date.up);
  EXPECT_EQ(out_of_date.fault, "list_expired");
  const Met without = co_await meet(loop, *late, *scene.client(nullptr), "a.test");
  EXPECT_TRUE(without.up) << "who shows none is not concerned";
}

TEST(TlsClients, AreVerifiedWhenTheyShowACertificate) {
  Scene scene;
  Runner runner;
  runner.run(show_certificates(runner.loop, scene));
}

Task<void> resume(Loop& loop, Scene& scene) {
  const std::string list = scene.list("list.crl", {});
  const auto server = scene.listener("public", list);
  const auto client = scene.client(&scene.partner);
  const auto resumption = std::make_shared<TlsResumption>();
  const Met first = co_await meet(loop, *server, *client, "a.test", resumption);
  EXPECT_TRUE(first.up && !first.resumed);
  for (int again = 0; again < 2; ++again) {
    const Met second = co_await meet(loop, *server, *client, "a.test", resumption);
    EXPECT_TRUE(second.resumed) << again;
    if (second.certificate == nullptr) {
      ADD_FAILURE() << "the session has lost its certificate";
      co_return;
    }
    EXPECT_EQ(second.certificate->facts().uris, std::vector<std::string>{"urn:partner"});
    EXPECT_EQ(second.certificate->chain_base64(), first.certificate->chain_base64());
    EXPECT_TRUE(second.certificate->holds(WallClock::now()));
  }
  const Met reloaded =
      co_await meet(loop, *scene.listener("public", list), *client, "a.test", resumption);
  EXPECT_TRUE(reloaded.resumed) << "the same files, read again";
}

TEST(TlsClients, ResumeWithTheirCertificate) {
  Scene scene;
  Runner runner;
  runner.run(resume(runner.loop, scene));
}

struct Elsewhere {
  std::string_view why;
  std::string listener = "public";
  std::string host = "a.test";
  bool revoked = false;
  bool relisted = false;
};

Task<void> resume_elsewhere(Loop& loop, Scene& scene, Elsewhere where) {
  const auto server = scene.listener("public", scene.list("list.crl", {}));
  const auto client = scene.client(&scene.partner);
  const auto resumption = std::make_shared<TlsResumption>();
  const Met first = co_await meet(loop, *server, *client, "a.test", resumption);
  EXPECT_TRUE(first.up);
  std::vector<const Made*> revoked;
  if (where.revoked) revoked.push_back(&scene.partner);
  const auto other = scene.listener(where.listener, where.revoked || where.relisted
                                                        ? scene.list("next.crl", revoked, 3000)
                                                        : scene.folder.file("list.crl"));
  const Met second = co_await meet(loop, *other, *client, where.host, resumption);
  EXPECT_FALSE(second.resumed);
  EXPECT_EQ(second.up, !where.revoked);
}

TEST(TlsClients, ResumeNowhereElse) {
  for (const Elsewhere& where : {Elsewhere{.why = "another listener", .listener = "inside"},
                                 Elsewhere{.why = "another host", .host = "b.test"},
                                 Elsewhere{.why = "another list", .relisted = true},
                                 Elsewhere{.why = "revoked meanwhile", .revoked = true}}) {
    SCOPED_TRACE(where.why);
    Scene scene;
    Runner runner;
    runner.run(resume_elsewhere(runner.loop, scene, where));
  }
}

Task<void> resume_too_late(Loop& loop, Scene& scene) {
  const auto server = scene.listener("public", scene.list("brief.crl", {}, 2));
  const auto client = scene.client(&scene.partner);
  const auto resumption = std::make_shared<TlsResumption>();
  const Met first = co_await meet(loop, *server, *client, "a.test", resumption);
  EXPECT_TRUE(first.up);
  if (first.certificate == nullptr) {
    ADD_FAILURE() << "no certificate";
    co_return;
  }
  while (first.certificate->holds(WallClock::now()))
    co_await loop.sleep_until(loop.now() + milliseconds(10));
  const Met second = co_await meet(loop, *server, *client, "a.test", resumption);
  EXPECT_FALSE(second.resumed);
  EXPECT_FALSE(second.up);
  EXPECT_EQ(second.fault, "list_expired");
}

TEST(TlsClients, DoNotResumePastTheEndOfAList) {
  Scene scene;
  Runner runner;
  runner.run(resume_too_late(runner.loop, scene));
}

}  // namespace
}  // namespace portcullis::runtime

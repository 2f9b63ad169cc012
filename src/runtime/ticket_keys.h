// For the contexts of TLS: what session tickets are sealed with.
#pragma once

#include "base/check.h"
#include "base/clock.h"
#include "base/secret.h"
#include "runtime/tls.h"

#include <openssl/types.h>

#include <array>
#include <chrono>
#include <mutex>

namespace portcullis::runtime {

struct TicketKeys::State {
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> aes{};
    std::array<unsigned char, 32> mac{};
    TimePoint made;

    static Key make(TimePoint now);
    ~Key();
  };
  static constexpr std::chrono::hours kLifetime{12};

  std::mutex mutex;  // taken in handshakes only
  std::array<Key, 2> keys{Key::make(Clock::now()), Key::make(Clock::now())};  // current, previous

  void renew(TimePoint now);
};

// For SSL_CTX_set_tlsext_ticket_key_evp_cb, with the State as the context's application data.
int seal_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, int sealing);

}  // namespace portcullis::runtime

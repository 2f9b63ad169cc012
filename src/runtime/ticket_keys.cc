// Session tickets (RFC 5077 4, RFC 8446 4.6.1).
#include "runtime/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <cstring>

namespace portcullis::runtime {
namespace {

// Looked up once: OpenSSL searches its providers under a lock for each name.
const EVP_CIPHER* cipher_of_tickets() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return fetched;
}

}  // namespace

TicketKeys::TicketKeys() : state_(std::make_unique<State>()) {}
TicketKeys::~TicketKeys() = default;

TicketKeys::State::Key TicketKeys::State::Key::make(TimePoint now) {
  Key key;
  PC_CHECK(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
           RAND_priv_bytes(key.aes.data(), static_cast<int>(key.aes.size())) == 1 &&
           RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
  key.made = now;
  return key;
}

TicketKeys::State::Key::~Key() {
  wipe(aes.data(), aes.size());
  wipe(mac.data(), mac.size());
}

void TicketKeys::State::renew(TimePoint now) {
  if (now - keys[0].made < kLifetime) return;
  keys[1] = keys[0];
  keys[0] = Key::make(now);
}

int seal_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, int sealing) {
  auto* state = static_cast<TicketKeys::State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(state->mutex);
  state->renew(Clock::now());
  std::size_t index = 0;
  if (sealing != 0) {
    std::memcpy(name, state->keys[0].name.data(), 16);
    if (RAND_bytes(iv, 16) != 1) return -1;
  } else {
    while (index < 2 && std::memcmp(name, state->keys[index].name.data(), 16) != 0) ++index;
    if (index == 2) return 0;  // sealed by nobody that we know: a full handshake
  }
  const auto& key = state->keys[index];
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
  const int ready =
      sealing != 0 ? EVP_EncryptInit_ex2(cipher, cipher_of_tickets(), key.aes.data(), iv, nullptr)
                   : EVP_DecryptInit_ex2(cipher, cipher_of_tickets(), key.aes.data(), iv, nullptr);
  if (ready != 1) return -1;
  // 2: a new ticket is due, since it was the previous key, or since in 1.3 a client should use each
  // ticket once (RFC 8446 C.4).
  return index == 0 && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

}  // namespace portcullis::runtime

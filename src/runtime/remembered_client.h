// For the contexts of TLS: what a session ticket remembers of a client's certificate beyond the
// certificate itself. OpenSSL seals it with the rest of the ticket, so nobody but us has written
// it.
#pragma once

#include "base/clock.h"
#include "runtime/certificate_files.h"

#include <vector>

struct ssl_session_st;
struct ssl_st;

namespace portcullis::runtime {

class Trust;

struct RememberedClient {
  WallTime good_until = WallTime::min();
  std::vector<CertificatePtr> intermediates;  // without a self-signed root

  // Of the handshake that has just verified the client.
  static RememberedClient of_handshake(const ssl_st* ssl, const Trust& trust);
  // Of a session that is resumed; good for nothing (`good_until` long ago) when it holds no such
  // thing.
  static RememberedClient of_session(ssl_session_st* session);
  // False when OpenSSL has no memory.
  [[nodiscard]] bool write_to(ssl_session_st* session) const;
};

}  // namespace portcullis::runtime

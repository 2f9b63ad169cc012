// sockaddr in and out of IpEndpoint.
#pragma once

#include "base/ip.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace portcullis::runtime {

class SocketAddress {
 public:
  SocketAddress() = default;  // empty, with room for any address of the kernel
  explicit SocketAddress(const IpEndpoint& endpoint);
  // The local address of a bound socket.
  static IpEndpoint of_socket(int fd);

  [[nodiscard]] IpEndpoint endpoint() const;
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] socklen_t* size_pointer() { return &size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

}  // namespace portcullis::runtime

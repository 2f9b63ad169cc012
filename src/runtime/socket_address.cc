#include "runtime/socket_address.h"

#include <cstring>

namespace portcullis::runtime {

SocketAddress::SocketAddress(const IpEndpoint& endpoint) {
  if (endpoint.address.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    std::memcpy(&four.sin_addr, endpoint.address.bytes.data() + 12, 4);
    std::memcpy(&storage_, &four, sizeof four);
    size_ = sizeof four;
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::memcpy(&six.sin6_addr, endpoint.address.bytes.data(), 16);
    std::memcpy(&storage_, &six, sizeof six);
    size_ = sizeof six;
  }
}

IpEndpoint SocketAddress::of_socket(int fd) {
  SocketAddress address;
  getsockname(fd, address.get(), address.size_pointer());
  return address.endpoint();
}

IpEndpoint SocketAddress::endpoint() const {
  IpEndpoint endpoint;
  if (storage_.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage_, sizeof four);
    endpoint.address = IpAddress::v4(ntohl(four.sin_addr.s_addr));
    endpoint.port = ntohs(four.sin_port);
  } else if (storage_.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &storage_, sizeof six);
    std::memcpy(endpoint.address.bytes.data(), &six.sin6_addr, 16);
    endpoint.port = ntohs(six.sin6_port);
  }
  return endpoint;
}

}  // namespace portcullis::runtime

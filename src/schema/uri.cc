#include "schema/uri.h"

#include "base/encoding.h"

#include <algorithm>

namespace portcullis::schema {
namespace {

// The five components of RFC 3986 appendix B.
struct Parts {
  std::string_view scheme;     // with its `:`
  std::string_view authority;  // with its `//`
  std::string_view path;
  std::string_view query;     // with its `?`
  std::string_view fragment;  // with its `#`
};

std::size_t scheme_size(std::string_view uri) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (uri.empty() || !letter(uri[0])) return 0;
  for (std::size_t at = 1; at < uri.size(); ++at) {
    const char c = uri[at];
    if (c == ':') return at + 1;
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

Parts split(std::string_view uri) {
  Parts parts;
  const std::size_t hash = std::min(uri.find('#'), uri.size());
  parts.fragment = uri.substr(hash);
  uri = uri.substr(0, hash);
  const std::size_t question = std::min(uri.find('?'), uri.size());
  parts.query = uri.substr(question);
  uri = uri.substr(0, question);
  const std::size_t scheme = scheme_size(uri);
  parts.scheme = uri.substr(0, scheme);
  uri.remove_prefix(scheme);
  if (uri.starts_with("//")) {
    const std::size_t end = std::min(uri.find('/', 2), uri.size());
    parts.authority = uri.substr(0, end);
    uri.remove_prefix(end);
  }
  parts.path = uri;
  return parts;
}

// RFC 3986 5.2.4.
std::string remove_dot_segments(std::string_view in) {
  std::string out;
  const auto drop_last = [&out] { out.resize(std::min(out.rfind('/'), out.size())); };
  while (!in.empty()) {
    if (in.starts_with("../")) {
      in.remove_prefix(3);
    } else if (in.starts_with("./")) {
      in.remove_prefix(2);
    } else if (in.starts_with("/./")) {
      in.remove_prefix(2);
    } else if (in == "/.") {
      in = "/";
    } else if (in.starts_with("/../")) {
      in.remove_prefix(3);
      drop_last();
    } else if (in == "/..") {
      in = "/";
      drop_last();
    } else if (in == "." || in == "..") {
      in = {};
    } else {
      const std::size_t end = std::min(in.find('/', 1), in.size());
      out += in.substr(0, end);
      in.remove_prefix(end);
    }
  }
  return out;
}

// RFC 3986 5.2.3.
std::string merge(const Parts& base, std::string_view path) {
  if (!base.authority.empty() && base.path.empty()) return "/" + std::string(path);
  const std::size_t slash = base.path.rfind('/');
  const std::size_t keep = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(base.path.substr(0, keep)) + std::string(path);
}

std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

}  // namespace

std::string resolve_uri(std::string_view base_text, std::string_view reference) {
  const Parts base = split(base_text);
  const Parts ref = split(reference);
  if (!ref.scheme.empty()) {
    // The path of a URN or the like has no segments.
    const std::string path =
        ref.path.starts_with('/') ? remove_dot_segments(ref.path) : std::string(ref.path);
    return join({ref.scheme, ref.authority, path, ref.query, ref.fragment});
  }
  if (!ref.authority.empty()) {
    return join(
        {base.scheme, ref.authority, remove_dot_segments(ref.path), ref.query, ref.fragment});
  }
  if (ref.path.empty()) {
    const std::string_view query = ref.query.empty() ? base.query : ref.query;
    return join({base.scheme, base.authority, base.path, query, ref.fragment});
  }
  const std::string path = remove_dot_segments(ref.path.starts_with('/') ? std::string(ref.path)
                                                                         : merge(base, ref.path));
  return join({base.scheme, base.authority, path, ref.query, ref.fragment});
}

SplitUri split_fragment(std::string_view uri) {
  const std::size_t hash = uri.find('#');
  if (hash == std::string_view::npos) return {uri, {}, false};
  return {uri.substr(0, hash), uri.substr(hash + 1), true};
}

bool is_absolute_uri(std::string_view uri) { return scheme_size(uri) > 0; }

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    const int octet = percent_octet(text, at);
    if (octet < 0) return false;
    out.push_back(static_cast<char>(octet));
    at += 2;
  }
  return true;
}

}  // namespace portcullis::schema

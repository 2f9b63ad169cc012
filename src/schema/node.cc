#include "schema/node.h"

namespace portcullis::schema {

void append_pointer(std::string& out, std::string_view token) {
  out.push_back('/');
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
}

std::string extend_pointer(std::string_view pointer, std::string_view token) {
  std::string made(pointer);
  append_pointer(made, token);
  return made;
}

}  // namespace portcullis::schema

// How a schema is to be compiled, and what may be wrong with it.
#pragma once

#include "base/result.h"
#include "schema/dialect.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::schema {

// The text of the document at an absolute URI (without fragment); nothing when there is none by
// that URI; an error when there is one and it cannot be had.
using Loader = std::function<std::optional<Result<std::string>>(std::string_view uri)>;

struct Options {
  Dialect dialect = kDraft2020;  // of documents that have no `$schema`
  bool assert_formats = false;   // `format` is an annotation unless this or the dialect says so
  bool assert_content = false;   // the same of contentEncoding and contentMediaType
  std::string uri = {};          // of the schema; what relative references in it are resolved by
  Loader load = {};              // for references to other documents; nothing is ever fetched

  // What a schema may cost.
  std::size_t document_bytes = 16 * 1024 * 1024;
  std::uint32_t depth = 256;  // at most 400
  std::uint32_t documents = 512;
  std::uint32_t schemas = 1'000'000;
  std::size_t errors = 50;  // after so many the compiler gives up
};

struct SchemaError {
  std::string document;  // its URI; empty for the schema that was given
  std::uint32_t line = 0;
  std::uint32_t column = 0;  // in bytes; both from 1; 0 for the document as a whole
  std::string pointer;       // JSON Pointer of what is wrong
  std::string message;       // lower case, no full stop
};

}  // namespace portcullis::schema

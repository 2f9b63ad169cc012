#include "openapi/parameter_text.h"

#include "base/json_text.h"
#include "openapi/decode.h"

#include <string_view>

namespace portcullis::openapi {

namespace {

using Kind = Shape::Kind;

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && text[at + count] >= '0' && text[at + count] <= '9') ++count;
  return count;
}

// RFC 8259 6.
bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

void append_scalar(std::string& out, const Shape& shape, std::string_view text) {
  const bool number = (shape.types & (kInteger | kNumber)) != 0 && is_json_number(text);
  const bool boolean = (shape.types & kBoolean) != 0 && (text == "true" || text == "false");
  if (number || boolean) {
    out += text;
  } else if ((shape.types & kNull) != 0 && text.empty() && (shape.types & kString) == 0) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

void append_value(std::string& out, const Shape& shape, const Value& value) {
  if (value.kind == Kind::kScalar) {
    append_scalar(out, shape, value.text);
    return;
  }
  const bool object = value.kind == Kind::kObject;
  out += object ? '{' : '[';
  bool first = true;
  for (const Member& member : value.items) {
    if (!first) out += ',';
    first = false;
    if (object) {
      append_json_string(out, member.name);
      out += ':';
    }
    append_value(out, object ? shape.member(member.name) : shape.item(), member.value);
  }
  out += object ? '}' : ']';
}

class Writer {
 public:
  Writer(std::string& out, const ParameterDefinition& definition)
      : out_(out),
        definition_(definition),
        keep_(definition.allow_reserved && definition.place == Place::kQuery ? Keep::kReserved
                                                                             : Keep::kUnreserved),
        exploded_(definition.explode == Explode::kYes) {}

  void write(const Value& value) {
    switch (definition_.style) {
      case Style::kSimple:
        pieces(value, ",");
        break;
      case Style::kLabel:
        out_ += '.';
        pieces(value, exploded_ ? "." : ",");
        break;
      case Style::kMatrix:
        matrix(value);
        break;
      case Style::kForm:
      case Style::kSpaceDelimited:
      case Style::kPipeDelimited:
        form(value);
        break;
      case Style::kDeepObject:
        deep(value, encoded(definition_.name));
        break;
      case Style::kContent:
        if (definition_.place == Place::kQuery || definition_.place == Place::kCookie)
          name(definition_.name);
        text(value.text);
        break;
    }
  }

 private:
  void text(std::string_view raw) {
    if (definition_.place == Place::kHeader) {
      out_ += raw;
    } else if (definition_.style == Style::kLabel && exploded_) {
      // Dots divide here, and are the one divider that encoding leaves as it is.
      for (std::size_t dot = raw.find('.'); dot != std::string_view::npos; dot = raw.find('.')) {
        append_encoded(out_, raw.substr(0, dot), keep_);
        out_ += "%2E";
        raw.remove_prefix(dot + 1);
      }
      append_encoded(out_, raw, keep_);
    } else {
      append_encoded(out_, raw, keep_);
    }
  }

  void name(std::string_view raw) {
    append_encoded(out_, raw, Keep::kUnreserved);
    out_ += '=';
  }

  static std::string encoded(std::string_view raw) {
    std::string made;
    append_encoded(made, raw, Keep::kUnreserved);
    return made;
  }

  // Everything in one text: `a,b`, `R,100,G,200`, `R=100,G=200`.
  void pieces(const Value& value, std::string_view divider) {
    if (value.kind == Kind::kScalar) {
      text(value.text);
      return;
    }
    bool first = true;
    for (const Member& member : value.items) {
      if (!first) out_ += divider;
      first = false;
      if (value.kind == Kind::kObject) {
        text(member.name);
        out_ += exploded_ ? std::string_view("=") : divider;
      }
      text(member.value.text);
    }
  }

  // Pairs of their own: `a=1&a=2`, `R=100&G=200`.
  void pairs(const Value& value, std::string_view divider) {
    bool first = true;
    for (const Member& member : value.items) {
      if (!first) out_ += divider;
      first = false;
      name(value.kind == Kind::kObject ? member.name : std::string_view(definition_.name));
      text(member.value.text);
    }
  }

  void matrix(const Value& value) {
    out_ += ';';
    if (exploded_ && value.kind != Kind::kScalar) {
      pairs(value, ";");
    } else {
      name(definition_.name);
      pieces(value, ",");
    }
  }

  void form(const Value& value) {
    if (exploded_ && value.kind != Kind::kScalar) {
      pairs(value, definition_.place == Place::kCookie ? "; " : "&");
      return;
    }
    name(definition_.name);
    pieces(value, definition_.style == Style::kSpaceDelimited  ? "%20"
                  : definition_.style == Style::kPipeDelimited ? "%7C"
                                                               : ",");
  }

  void deep(const Value& value, const std::string& prefix) {
    if (value.kind == Kind::kScalar) {
      if (!out_first_) out_ += '&';
      out_first_ = false;
      out_ += prefix + "=";
      text(value.text);
      return;
    }
    for (const Member& member : value.items) {
      const bool object = value.kind == Kind::kObject;
      deep(member.value, object ? prefix + "%5B" + encoded(member.name) + "%5D" : prefix);
    }
  }

  std::string& out_;
  const ParameterDefinition& definition_;
  Keep keep_;
  bool exploded_;
  bool out_first_ = true;
};

}  // namespace

void append_json(std::string& out, const ParameterDefinition& definition, const Value& value) {
  if (definition.style == Style::kContent) {
    out += value.text;
  } else {
    append_value(out, definition.shape, value);
  }
}

void append_parameter(std::string& out, const ParameterDefinition& definition, const Value& value) {
  Writer(out, definition).write(value);
}

}  // namespace portcullis::openapi

// Values of parameters written: as the JSON that a schema validates, and again as the text that the
// upstream gets, which says what was validated and nothing else.
#pragma once

#include "openapi/parameter.h"

#include <string>

namespace portcullis::openapi {

// A scalar becomes a number, a boolean or null where its shape allows that and its text is exactly
// one; otherwise a string, of which the schema then says what it should have been. The text of
// `content` is appended as it came: whoever parses it finds what is wrong with it.
void append_json(std::string& out, const ParameterDefinition& definition, const Value& value);

// Path: what stands for `{name}`. Query: `name=value` pairs joined by `&`. Header: the field's
// value. Cookie: pairs joined by `; `. Reading the result gives the same value.
void append_parameter(std::string& out, const ParameterDefinition& definition, const Value& value);

}  // namespace portcullis::openapi

#include "cedar/value_json.h"

#include "base/result.h"
#include "cedar/escape.h"
#include "cedar/extension_types.h"

#include <fmt/format.h>

#include <optional>

namespace portcullis::cedar {
namespace {

std::optional<std::string_view> string_member(json::Value object, std::string_view name) {
  const auto member = object.find(name);
  return member ? member->as_string() : std::nullopt;
}

// The only member of an object, if it is of that name.
std::optional<json::Value> only_member(json::Value object, std::string_view name) {
  return object.is_object() && object.size() == 1 ? object.find(name) : std::nullopt;
}

// JSON Pointer (RFC 6901 3).
void append_step(std::string& pointer, std::string_view step) {
  pointer += '/';
  for (const char c : step) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

}  // namespace

std::string to_string(const JsonFault& fault) {
  return fault.pointer.empty() ? fault.message
                               : fmt::format("at {}: {}", fault.pointer, fault.message);
}

std::unexpected<JsonFault> ValueReader::fault(std::string message) const {
  JsonFault made{{}, std::move(message)};
  for (const std::string& step : path_) append_step(made.pointer, step);
  return std::unexpected(std::move(made));
}

JsonResult<Value> ValueReader::read(json::Value json) {
  switch (json.kind()) {
    case json::Kind::kBoolean:
      return Value::of_bool(*json.as_bool());
    case json::Kind::kInteger:
      return Value::of_long(*json.as_int64());
    case json::Kind::kString:
      return Value::of_string(arena_.copy(*json.as_string()));
    case json::Kind::kArray:
      return read_array(json);
    case json::Kind::kObject:
      return read_object(json);
    case json::Kind::kNull:
      return fault("null is no value of Cedar; leave the attribute out");
    case json::Kind::kUnsigned:
      return fault("this number is too great for a Long");
    case json::Kind::kDouble:
      return fault(
          "a number with a fraction or an exponent is no value of Cedar; write a decimal "
          "as {\"__extn\": {\"fn\": \"decimal\", \"arg\": \"1.5\"}}");
  }
  return fault("no value of Cedar");
}

JsonResult<Value> ValueReader::read_array(json::Value json) {
  std::vector<Value> elements;
  elements.reserve(json.size());
  for (const json::Value element : json.elements()) {
    enter(std::to_string(elements.size()));
    PC_TRY(const Value value, read(element));
    leave();
    elements.push_back(value);
  }
  return Value::of_set(make_set(arena_, elements));
}

JsonResult<Value> ValueReader::read_object(json::Value json) {
  if (const auto entity = only_member(json, "__entity")) {
    if (string_member(*entity, "type") && string_member(*entity, "id")) {
      PC_TRY(const EntityId id, read_uid(json));
      return Value::of_entity(id);
    }
  }
  if (const auto call = only_member(json, "__extn")) {
    if (string_member(*call, "fn") && (call->find("arg") || call->find("args")))
      return read_call(*call);
  }
  if (const auto expr = only_member(json, "__expr"); expr && expr->is_string())
    return fault("the escape `__expr` is no longer part of Cedar's JSON");
  PC_TRY(std::vector<Field> fields, read_fields(json));
  return Value::of_record(make_record(arena_, fields));
}

JsonResult<std::vector<Field>> ValueReader::read_fields(json::Value json) {
  if (!json.is_object()) return fault("expected an object");
  std::vector<Field> fields;
  fields.reserve(json.size());
  for (const json::Member member : json.members()) {
    enter(member.name);
    PC_TRY(const Value value, read(member.value));
    leave();
    fields.push_back({names_.name(member.name), value});
  }
  return fields;
}

JsonResult<Value> ValueReader::read_call(json::Value call) {
  const std::string_view name = *string_member(call, "fn");
  const FunctionInfo* info = find_function(name);
  if (info == nullptr)
    return fault(fmt::format("there is no extension function {}", escaped(name)));
  std::vector<Value> arguments;
  if (const auto one = call.find("arg")) {
    PC_TRY(const Value argument, read(*one));
    arguments.push_back(argument);
  } else {
    const json::Value many = *call.find("args");
    if (!many.is_array()) return fault("`args` is not an array");
    for (const json::Value each : many.elements()) {
      PC_TRY(const Value argument, read(each));
      arguments.push_back(argument);
    }
  }
  const CallResult result = call_function(info->function, arguments, arena_);
  switch (result.fault) {
    case CallFault::kNone:
      return result.value;
    case CallFault::kCount:
      return fault(fmt::format("`{}` takes {} arguments, not {}", name, info->arguments.size(),
                               arguments.size()));
    case CallFault::kArgument:
      return fault(fmt::format("`{}` takes {} here, not {}", name,
                               name_of(info->arguments[result.position]),
                               name_of(arguments[result.position].kind)));
    case CallFault::kText:
      return fault(fmt::format("{} cannot be read as {}", to_string(arguments.front(), names_),
                               name_of(info->result)));
    case CallFault::kOverflow:
      return fault(fmt::format("`{}` overflows", name));
  }
  return fault("no value of Cedar");
}

JsonResult<EntityId> ValueReader::read_uid(json::Value json) {
  const auto inner = only_member(json, "__entity");
  const json::Value object = inner ? *inner : json;
  const auto type = string_member(object, "type");
  const auto id = string_member(object, "id");
  if (!type || !id) return fault("expected an entity: {\"type\": \"User\", \"id\": \"alice\"}");
  return entity_of(*type, *id);
}

JsonResult<EntityId> ValueReader::entity_of(std::string_view type, std::string_view id) {
  if (!is_type_name(type))
    return fault(fmt::format("{} is no name of an entity type", escaped(type)));
  return names_.entity(names_.type(type), id);
}

}  // namespace portcullis::cedar

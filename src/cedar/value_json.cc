#include "cedar/value_json.h"

#include "base/result.h"
#include "cedar/escape.h"
#include "cedar/extension_types.h"

#include <fmt/format.h>

#include <algorithm>
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

JsonResult<Value> ValueReader::read(json::Value json, TypeRef expected) {
  if (expected == nullptr) return read_plain(json);
  Value value;
  switch (expected->kind) {
    case Type::Kind::kEntity: {
      PC_TRY(const EntityId id, read_uid(json));
      value = Value::of_entity(id);
      break;
    }
    case Type::Kind::kExtension: {
      PC_TRY(value, read_extension(json, expected));
      break;
    }
    case Type::Kind::kSet:
      if (!json.is_array()) return fault(fmt::format("expected {}", to_string(expected)));
      return read_set(json, expected->element);
    case Type::Kind::kRecord: {
      if (!json.is_object()) return fault(fmt::format("expected {}", to_string(expected)));
      PC_TRY(std::vector<Field> fields, read_fields(json, expected));
      return Value::of_record(make_record(arena_, fields));
    }
    default: {
      PC_TRY(value, read_plain(json));
    }
  }
  PC_CHECK_OK(check_type(value, expected));
  return value;
}

// Of the types that are no set and no record: those are checked as they are read.
JsonResult<> ValueReader::check_type(const Value& value, TypeRef expected) const {
  bool fits = false;
  switch (expected->kind) {
    case Type::Kind::kTrue:
    case Type::Kind::kFalse:
    case Type::Kind::kBool:
      fits = value.is(ValueKind::kBool);
      break;
    case Type::Kind::kLong:
      fits = value.is(ValueKind::kLong);
      break;
    case Type::Kind::kString:
      fits = value.is(ValueKind::kString);
      break;
    case Type::Kind::kEntity:
      fits = value.is(ValueKind::kEntity) &&
             names_.text_of_type(names_.type_of(value.entity)) == expected->name;
      break;
    case Type::Kind::kExtension:
      fits = name_of(value.kind) == expected->name;
      break;
    default:
      break;
  }
  if (fits) return {};
  return fault(fmt::format("expected {}, found {}", to_string(expected), to_string(value, names_)));
}

JsonResult<Value> ValueReader::read_plain(json::Value json) {
  switch (json.kind()) {
    case json::Kind::kBoolean:
      return Value::of_bool(json.as_bool().value_or(false));
    case json::Kind::kInteger:
      return Value::of_long(json.as_int64().value_or(0));
    case json::Kind::kString:
      return Value::of_string(arena_.copy(json.as_string().value_or("")));
    case json::Kind::kArray:
      return read_set(json, nullptr);
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

JsonResult<Value> ValueReader::read_set(json::Value json, TypeRef element) {
  std::vector<Value> elements;
  elements.reserve(json.size());
  for (const json::Value each : json.elements()) {
    enter(std::to_string(elements.size()));
    PC_TRY(const Value value, read(each, element));
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
      return read_call(*call, false);
  }
  if (const auto expr = only_member(json, "__expr"); expr && expr->is_string())
    return fault("the escape `__expr` is no longer part of Cedar's JSON");
  PC_TRY(std::vector<Field> fields, read_fields(json));
  return Value::of_record(make_record(arena_, fields));
}

JsonResult<std::vector<Field>> ValueReader::read_fields(json::Value json, TypeRef expected) {
  if (!json.is_object()) return fault("expected an object");
  if (expected != nullptr) PC_CHECK_OK(check_attributes(json, expected));
  std::vector<Field> fields;
  fields.reserve(json.size());
  for (const json::Member member : json.members()) {
    const AttributeType* attribute =
        expected == nullptr ? nullptr : expected->attribute(member.name);
    enter(member.name);
    PC_TRY(const Value value, read(member.value, attribute == nullptr ? nullptr : attribute->type));
    leave();
    fields.push_back({names_.name(member.name), value});
  }
  return fields;
}

JsonResult<> ValueReader::check_attributes(json::Value json, TypeRef expected) const {
  for (const json::Member member : json.members()) {
    if (expected->attribute(member.name) != nullptr) continue;
    std::vector<std::string> known;
    for (const AttributeType& attribute : expected->attributes) known.push_back(attribute.name);
    const std::string meant = did_you_mean(member.name, known);
    return fault(fmt::format("the schema has no attribute {} here{}{}", escaped(member.name),
                             meant.empty() ? "" : "; ", meant));
  }
  for (const AttributeType& attribute : expected->attributes) {
    if (attribute.required && !json.find(attribute.name))
      return fault(fmt::format("the attribute {} is missing", escaped(attribute.name)));
  }
  return {};
}

// Where the type is known, `"10.0.0.1"` will do for `{"__extn": {"fn": "ip", "arg": "10.0.0.1"}}`.
JsonResult<Value> ValueReader::read_extension(json::Value json, TypeRef expected) {
  if (json.is_object()) {
    const auto escape = only_member(json, "__extn");
    const json::Value call = escape ? *escape : json;
    if (string_member(call, "fn") && (call.find("arg") || call.find("args")))
      return read_call(call, true);
  }
  const FunctionInfo* constructor =
      find_function(expected->name == "ipaddr" ? "ip" : std::string_view(expected->name));
  const auto text = json.as_string();
  if (constructor == nullptr || !text)
    return fault(fmt::format("expected {}, as a string", to_string(expected)));
  return apply(*constructor, {Value::of_string(*text)});
}

JsonResult<Value> ValueReader::read_call(json::Value call, bool typed) {
  const std::string_view name = string_member(call, "fn").value_or("");
  const FunctionInfo* info = find_function(name);
  if (info == nullptr)
    return fault(fmt::format("there is no extension function {}", escaped(name)));
  std::vector<Value> arguments;
  const auto read_argument = [&](json::Value each) -> JsonResult<> {
    // Types of the pool of nobody: only what an argument can be.
    Type type;
    const bool known = typed && arguments.size() < info->arguments.size();
    const FunctionType wanted = known ? info->arguments[arguments.size()] : FunctionType::kString;
    const bool extension = known && wanted != FunctionType::kString &&
                           wanted != FunctionType::kBool && wanted != FunctionType::kLong;
    type.kind = Type::Kind::kExtension;
    type.name = name_of(wanted);
    PC_TRY(const Value argument, read(each, extension ? &type : nullptr));
    arguments.push_back(argument);
    return {};
  };
  if (const auto one = call.find("arg")) {
    PC_CHECK_OK(read_argument(*one));
  } else {
    const auto many = call.find("args");
    if (!many || !many->is_array()) return fault("`args` is not an array");
    for (const json::Value each : many->elements()) PC_CHECK_OK(read_argument(each));
  }
  return apply(*info, arguments);
}

JsonResult<Value> ValueReader::apply(const FunctionInfo& info,
                                     const std::vector<Value>& arguments) {
  const CallResult result = call_function(info.function, arguments, arena_);
  switch (result.fault) {
    case CallFault::kNone:
      return result.value;
    case CallFault::kCount:
      return fault(fmt::format("`{}` takes {} arguments, not {}", info.name, info.arguments.size(),
                               arguments.size()));
    case CallFault::kArgument:
      return fault(fmt::format("`{}` takes {} here, not {}", info.name,
                               name_of(info.arguments[result.position]),
                               name_of(arguments[result.position].kind)));
    case CallFault::kText:
      return fault(fmt::format("{} cannot be read as {}", to_string(arguments.front(), names_),
                               name_of(info.result)));
    case CallFault::kOverflow:
      return fault(fmt::format("`{}` overflows", info.name));
  }
  return fault("no value of Cedar");
}

JsonResult<EntityId> ValueReader::read_uid(json::Value json) {
  const auto inner = only_member(json, "__entity");
  const json::Value object = inner ? *inner : json;
  const auto type = string_member(object, "type");
  const auto id = string_member(object, "id");
  if (!type || !id) return fault("expected an entity: {\"type\": \"User\", \"id\": \"alice\"}");
  if (!is_type_name(*type))
    return fault(fmt::format("{} is no name of an entity type", escaped(*type)));
  PC_CHECK_OK(check_uid({*type, *id}));
  return names_.entity(names_.type(*type), *id);
}

JsonResult<> ValueReader::check_uid(const EntityUid& uid) const {
  if (schema_ == nullptr) return {};
  if (is_action_name(uid.type)) {
    if (schema_->action(uid.type, uid.id) != nullptr) return {};
    return fault(fmt::format("the schema has no action `{}`", to_string(uid)));
  }
  const SchemaEntity* entity = schema_->entity(uid.type);
  if (entity == nullptr || !entity->enumerated()) return {};
  if (std::ranges::find(entity->choices, uid.id) != entity->choices.end()) return {};
  const std::string meant = did_you_mean(uid.id, entity->choices);
  return fault(fmt::format("`{}` is none of the entities of that type{}{}", to_string(uid),
                           meant.empty() ? "" : "; ", meant));
}

}  // namespace portcullis::cedar

// What a schema is compiled to: blocks of instructions in one flat array, and the tables that they
// point into. Immutable; any number of threads check by one at once.
//
// A block is one schema. It has a list of instructions for each kind of value, so that what does
// not concern a value is never looked at; each list ends with kEnd.
#pragma once

#include "schema/decimal.h"
#include "schema/format.h"
#include "schema/name_table.h"
#include "schema/pattern.h"
#include "schema/text.h"

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace portcullis::schema {

// Blocks that are none: `true`, and `false` where whoever holds it says so.
inline constexpr std::uint32_t kAccept = 0xfffffffe;
inline constexpr std::uint32_t kReject = 0xfffffffd;

// Operands are called a and b; most are an index into a table of the Program.
enum class Op : std::uint8_t {
  kEnd,
  kFail,
  // any value
  kCall,         // a: block
  kDynamicCall,  // a: dynamic anchor; b: block when nobody has it
  kAnyOf,        // a: first in `lists`; b: how many
  kOneOf,        // the same
  kNot,          // a: block
  kIf,           // a: conditions
  kEqual,        // a: first of the `constants`; b: how many
  // numbers
  kInteger,
  kPlainInteger,  // without fraction or exponent: draft 4
  kRange,         // a: ranges
  kMultipleOf,    // a: divisors
  kEnumNumbers,   // a: number_sets
  // strings
  kLength,       // a: spans
  kPattern,      // a: patterns
  kFormat,       // a: a Format
  kEnumStrings,  // a: string_sets
  kContent,      // a: 1 when base64; b: 1 when JSON
  // arrays
  kItemCount,         // a: spans
  kUnique,            //
  kItems,             // a: item_rules
  kContains,          // a: contains_rules
  kUnevaluatedItems,  // a: block, kAccept or kReject
  // objects
  kPropertyCount,          // a: spans
  kProperties,             // a: property_rules
  kPropertyNames,          // a: block
  kDependent,              // a: dependent_rules
  kUnevaluatedProperties,  // a: block, kAccept or kReject
};

struct Instruction {
  Op op = Op::kEnd;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t rule = 0;  // what is broken when it fails
};

struct Block {
  std::array<std::uint32_t, kKinds> lists{};  // first instruction for each kind
  std::uint8_t kinds = 0x3f;                  // a bit for each Kind that may be at all
  bool marks = false;                         // has unevaluated*: keeps book of what was looked at
  std::uint32_t resource = 0;
  std::uint32_t type_rule = 0;
};

// What a violation says, but for where in the instance it is.
struct Rule {
  std::string keyword;
  std::string location;  // of the keyword: `#/properties/sku/pattern`, or a URI with a fragment
  std::string message;
};

struct Span {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
  std::uint32_t min_rule = 0;
  std::uint32_t max_rule = 0;
};

struct Range {
  struct End {
    Number number{0};
    bool exists = false;
    bool excluded = false;
    std::uint32_t rule = 0;
  };
  // Small numbers from `low` to `high` are within for sure; of others the ends are asked.
  std::int64_t low = INT64_MIN;
  std::int64_t high = INT64_MAX;
  End min;
  End max;
};

struct Condition {
  std::uint32_t test = kAccept;
  std::uint32_t pass = kAccept;
  std::uint32_t fail = kAccept;
};

// Values of the schema, as one array.
struct Constants {
  std::vector<char> text{'['};  // no string: one that is short moves when its owner does
  Text tokens;
  std::vector<At> places;
};

struct NumberSet {
  std::vector<Number> numbers;  // in order
};

struct ItemRules {
  std::vector<std::uint32_t> prefix;  // blocks
  std::uint32_t rest = kAccept;       // block, kAccept or kReject
  bool marks_all = false;             // the rest was spoken about
  std::uint32_t rest_rule = 0;
};

struct ContainsRule {
  std::uint32_t block = kAccept;
  bool marks = false;
  Span count{1};
};

struct PropertyRules {
  struct Known {
    std::uint32_t block = kAccept;
    bool in_properties = false;
    std::uint32_t required = kNone;  // its bit among the required
    std::uint32_t required_rule = 0;
  };
  struct Matching {
    std::uint32_t pattern = 0;
    std::uint32_t block = kAccept;
  };
  NameTable names;
  std::vector<Known> known;  // by number of the name
  std::vector<Matching> matching;
  std::uint32_t rest = kAccept;  // block, kAccept or kReject
  bool marks_rest = false;
  std::uint32_t rest_rule = 0;
  std::uint32_t required = 0;                 // how many
  std::vector<std::uint32_t> required_names;  // by bit: number of the name
};

struct DependentRules {
  struct Need {
    std::string name;
    std::uint32_t hash = 0;
    std::uint32_t rule = 0;
  };
  struct Row {
    std::vector<std::uint32_t> blocks;
    std::vector<Need> needs;
  };
  NameTable names;
  std::vector<Row> rows;  // by number of the name
};

struct Program {
  std::vector<Block> blocks;
  std::vector<Instruction> code;
  std::vector<std::uint32_t> entries;  // blocks

  std::vector<Rule> rules;
  std::vector<std::uint32_t> lists;  // blocks
  std::vector<Condition> conditions;
  Constants constants;
  std::vector<Range> ranges;
  std::vector<Divisor> divisors;
  std::vector<NumberSet> number_sets;
  std::vector<Span> spans;
  std::vector<Pattern> patterns;
  std::vector<NameTable> string_sets;
  std::vector<ItemRules> item_rules;
  std::vector<ContainsRule> contains_rules;
  std::vector<PropertyRules> property_rules;
  std::vector<DependentRules> dependent_rules;
  // By dynamic anchor, then by resource: the block, or kNone. Empty when nothing is dynamic.
  std::vector<std::vector<std::uint32_t>> dynamic;
  std::deque<std::string> number_texts;  // what big numbers borrow
};

}  // namespace portcullis::schema

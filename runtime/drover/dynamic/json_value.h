// JSON text (RFC 8259, UTF-8), parsed by nlohmann/json.
//
//   absl::StatusOr<JsonValue> value = ParseJson(R"({"a": [1, true]})");
//
// Numbers keep their text, since a double does not hold all that an Int64 does. Values nest at most
// 64 deep, and numbers are at most as large as a double can be.
//
// A value; thread-compatible. Errors: InvalidArgument, which says what is wrong and, unless that is
// the nesting, where.
#ifndef DROVER_DYNAMIC_JSON_VALUE_H_
#define DROVER_DYNAMIC_JSON_VALUE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace drover::dynamic {

struct JsonValue {
  enum class Kind { kNull, kBoolean, kNumber, kString, kList, kObject };
  static constexpr int kMaxDepth = 64;

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;                // nearest to the text
  std::string text;                 // of a number, as it was written; of a string, its characters
  std::vector<JsonValue> elements;  // of a list; of an object, the members' values
  std::vector<std::string> names;   // of the members, in order; may occur twice

  bool is(Kind k) const { return kind == k; }
};

absl::StatusOr<JsonValue> ParseJson(std::string_view json);

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_JSON_VALUE_H_

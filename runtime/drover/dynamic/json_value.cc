#include "drover/dynamic/json_value.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace drover::dynamic {
namespace {

// What the parser finds, as a tree. A function that returns false ends the parsing.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonValue Take() { return std::move(root_); }
  absl::Status error() const { return absl::InvalidArgumentError(error_); }

  bool null() override {
    Add(Kind::kNull);
    return true;
  }
  bool boolean(bool value) override {
    Add(Kind::kBoolean).boolean = value;
    return true;
  }
  // Those that begin with '-'.
  bool number_integer(int64_t value) override {
    if (value == 0) return Number(-0.0, "-0");
    return Number(static_cast<double>(value), absl::StrCat(value));
  }
  bool number_unsigned(uint64_t value) override {
    return Number(static_cast<double>(value), absl::StrCat(value));
  }
  // With a fraction, an exponent or more than 64 bits.
  bool number_float(double value, const std::string& text) override { return Number(value, text); }
  bool string(std::string& value) override {
    Add(Kind::kString).text = std::move(value);
    return true;
  }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool start_object(size_t) override { return Open(Kind::kObject); }
  bool key(std::string& name) override {
    open_.back()->names.push_back(std::move(name));
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Kind::kList); }
  bool end_array() override { return Close(); }

  // The library's exceptions say, for example,
  //   [json.exception.parse_error.101] parse error at line 1, column 9: syntax error while ...
  //   [json.exception.out_of_range.406] number overflow parsing '1e999'
  // What was read last may be long, and no UTF-8; the place is enough.
  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception& e) override {
    std::string_view what = e.what();
    what.remove_prefix(what.find(' ') + 1);
    what = what.substr(0, what.find("; last read: "));
    error_ = what;
    if (what.find(" at line ") == what.npos) absl::StrAppend(&error_, ", at byte ", at);
    return false;
  }

 private:
  using Kind = JsonValue::Kind;

  JsonValue& Add(Kind kind) {
    JsonValue& value = open_.empty() ? root_ : open_.back()->elements.emplace_back();
    value.kind = kind;
    return value;
  }
  bool Number(double number, std::string text) {
    JsonValue& value = Add(Kind::kNumber);
    value.number = number;
    value.text = std::move(text);
    return true;
  }
  bool Open(Kind kind) {
    if (open_.size() == JsonValue::kMaxDepth) {
      error_ = absl::StrCat("values are nested more than ", JsonValue::kMaxDepth, " deep");
      return false;
    }
    open_.push_back(&Add(kind));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue*> open_;  // lists and objects, each in the one before it
  std::string error_;
};

}  // namespace

absl::StatusOr<JsonValue> ParseJson(std::string_view json) {
  // The library takes it for the end of the text.
  if (const size_t at = json.find('\0'); at != json.npos) {
    return absl::InvalidArgumentError(absl::StrCat("there is a NUL, at byte ", at));
  }
  Builder builder;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) return builder.error();
  return builder.Take();
}

}  // namespace drover::dynamic

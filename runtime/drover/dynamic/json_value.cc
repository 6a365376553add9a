#include "drover/dynamic/json_value.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"

namespace drover::dynamic {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t c, std::string& out) {
  const auto continuation = [&](int shift) {
    out += static_cast<char>(0x80 | (c >> shift & 0x3f));
  };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    continuation(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

class Parser {
 public:
  explicit Parser(std::string_view json) : json_(json) {}

  absl::StatusOr<JsonValue> Run() {
    JsonValue value;
    DROVER_RETURN_IF_ERROR(Value(value));
    SkipSpace();
    if (at_ < json_.size()) return Fail("there is more after the value");
    return value;
  }

 private:
  using Kind = JsonValue::Kind;

  absl::Status Fail(const std::string& why) const {
    return absl::InvalidArgumentError(absl::StrCat(why, ", at byte ", at_));
  }
  char Peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (json_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void SkipSpace() {
    while (Take(' ') || Take('\t') || Take('\n') || Take('\r')) {
    }
  }

  absl::Status Value(JsonValue& value) {
    SkipSpace();
    if (at_ >= json_.size()) return Fail("the text ends where a value should be");
    switch (json_[at_]) {
      case '{':
        return Object(value);
      case '[':
        return List(value);
      case '"':
        value.kind = Kind::kString;
        return String(value.text);
      case 't':
      case 'f':
        value.kind = Kind::kBoolean;
        value.boolean = json_[at_] == 't';
        if (TakeWord(value.boolean ? "true" : "false")) return absl::OkStatus();
        break;
      case 'n':
        if (TakeWord("null")) return absl::OkStatus();
        break;
      default:
        if (json_[at_] == '-' || IsDigit(json_[at_])) return Number(value);
    }
    return Fail("there is no value");
  }

  // What is between brackets, with commas: `item` for each.
  template <class F>
  absl::Status Items(char end, F item) {
    ++at_;
    if (++depth_ > JsonValue::kMaxDepth) return Fail("values are nested too deeply");
    SkipSpace();
    if (!Take(end)) {
      do {
        DROVER_RETURN_IF_ERROR(item());
        SkipSpace();
      } while (Take(','));
      if (!Take(end)) return Fail(absl::StrCat("expected ',' or '", std::string(1, end), "'"));
    }
    --depth_;
    return absl::OkStatus();
  }
  absl::Status List(JsonValue& value) {
    value.kind = Kind::kList;
    return Items(']', [&] { return Value(value.elements.emplace_back()); });
  }
  absl::Status Object(JsonValue& value) {
    value.kind = Kind::kObject;
    return Items('}', [&] {
      SkipSpace();
      if (Peek() != '"') return Fail("expected a member's name");
      DROVER_RETURN_IF_ERROR(String(value.names.emplace_back()));
      SkipSpace();
      if (!Take(':')) return Fail("expected ':'");
      return Value(value.elements.emplace_back());
    });
  }

  absl::Status Number(JsonValue& value) {
    value.kind = Kind::kNumber;
    const size_t begin = at_;
    Take('-');
    if (!Take('0')) DROVER_RETURN_IF_ERROR(Digits());
    if (Take('.')) DROVER_RETURN_IF_ERROR(Digits());
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      DROVER_RETURN_IF_ERROR(Digits());
    }
    value.text = json_.substr(begin, at_ - begin);
    return absl::OkStatus();
  }
  absl::Status Digits() {
    if (!IsDigit(Peek())) return Fail("expected a digit");
    while (IsDigit(Peek())) ++at_;
    return absl::OkStatus();
  }

  absl::Status String(std::string& out) {
    ++at_;
    while (!Take('"')) {
      if (at_ >= json_.size()) return Fail("a string does not end");
      const char c = json_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return Fail("a control character in a string");
      ++at_;
      if (c == '\\') {
        DROVER_RETURN_IF_ERROR(Escape(out));
      } else {
        out += c;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (!Take('u')) {
      const size_t which = at_ < json_.size() ? kNames.find(json_[at_]) : kNames.npos;
      if (which == kNames.npos) return Fail("an escape that does not exist");
      ++at_;
      out += kMeant[which];
      return absl::OkStatus();
    }
    DROVER_ASSIGN_OR_RETURN(uint32_t unit, Unit());
    if (unit >= 0xd800 && unit < 0xe000) {
      uint32_t low = 0;
      if (unit < 0xdc00 && TakeWord("\\u")) {
        DROVER_ASSIGN_OR_RETURN(low, Unit());
      }
      if (low < 0xdc00 || low >= 0xe000) return Fail("half of a character");
      unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
    }
    AppendUtf8(unit, out);
    return absl::OkStatus();
  }
  // Four hexadecimal digits.
  absl::StatusOr<uint32_t> Unit() {
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = Peek();
      const char letter = static_cast<char>(c | 0x20);
      if (IsDigit(c)) {
        unit = unit << 4 | static_cast<uint32_t>(c - '0');
      } else if (letter >= 'a' && letter <= 'f') {
        unit = unit << 4 | static_cast<uint32_t>(letter - 'a' + 10);
      } else {
        return Fail("expected four hexadecimal digits");
      }
    }
    return unit;
  }

  const std::string_view json_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<JsonValue> ParseJson(std::string_view json) { return Parser(json).Run(); }

}  // namespace drover::dynamic

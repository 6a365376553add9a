// The text of JSON: what we promise beyond what the library's own tests show.
#include "drover/dynamic/json_value.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::dynamic {
namespace {

using Kind = JsonValue::Kind;
using ::testing::HasSubstr;

JsonValue Parsed(const std::string& json) {
  const auto value = ParseJson(json);
  EXPECT_TRUE(value.ok()) << json << ": " << value.status();
  return value.ok() ? *value : JsonValue();
}
std::string ErrorOf(const std::string& json) {
  const absl::Status status = ParseJson(json).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
  return std::string(status.message());
}

TEST(JsonValue, HasTheKindOfItsText) {
  EXPECT_TRUE(Parsed("null").is(Kind::kNull));
  EXPECT_TRUE(Parsed("true").boolean);
  EXPECT_TRUE(Parsed("false").is(Kind::kBoolean));
  EXPECT_FALSE(Parsed("false").boolean);
  EXPECT_TRUE(Parsed("\"\"").is(Kind::kString));
  EXPECT_TRUE(Parsed("[]").is(Kind::kList));
  EXPECT_TRUE(Parsed("{}").is(Kind::kObject));
  EXPECT_TRUE(Parsed("0").is(Kind::kNumber));
}

TEST(JsonValue, HoldsElementsAndMembersInOrder) {
  const JsonValue value = Parsed("\r\n { \"a\" : [ 1 ,\t2 ] , \"b\" : { } , \"a\" : null } ");
  EXPECT_EQ(value.names, (std::vector<std::string>{"a", "b", "a"}));
  ASSERT_EQ(value.elements.size(), 3u);
  ASSERT_EQ(value.elements[0].elements.size(), 2u);
  EXPECT_EQ(value.elements[0].elements[1].text, "2");
  EXPECT_TRUE(value.elements[1].is(Kind::kObject));
  EXPECT_TRUE(value.elements[2].is(Kind::kNull));
}

TEST(JsonValue, KeepsTheTextOfNumbers) {
  for (const char* number :
       {"0", "-0", "12", "-1.50", "1e5", "1E+5", "10.25e-300", "123456789012345678901234567890"}) {
    EXPECT_EQ(Parsed(number).text, number);
  }
}

TEST(JsonValue, IsUnicode) {
  EXPECT_EQ(Parsed(R"("\u00e9\ud83d\ude00a\u0000b")").text, std::string("é😀a\0b", 9));
  EXPECT_EQ(ErrorOf("\"\xff\""),
            "parse error at line 1, column 2: syntax error while parsing value - invalid string: "
            "ill-formed UTF-8 byte");
}

TEST(JsonValue, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(ErrorOf(""), testing::StartsWith("parse error at line 1, column 1: "));
  EXPECT_EQ(ErrorOf("{\n  \"a\": [1 2]}"),
            "parse error at line 2, column 11: syntax error while parsing array - unexpected "
            "number literal; expected ']'");
  EXPECT_EQ(ErrorOf("[1, 1e999]"), "number overflow parsing '1e999', at byte 9");
  EXPECT_EQ(ErrorOf(std::string("{}\0{}", 5)), "there is a NUL, at byte 2");
}

TEST(JsonValue, EndsWithTheText) { EXPECT_THAT(ErrorOf("{} {}"), HasSubstr("line 1, column 4")); }

TEST(JsonValue, ErrorsAreShort) {
  EXPECT_LT(ErrorOf('"' + std::string(1'000'000, 'a')).size(), 200u);
}

TEST(JsonValue, NestsSixtyFourDeep) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Parsed(nested(64)).is(Kind::kList));
  EXPECT_EQ(ErrorOf(nested(65)), "values are nested more than 64 deep");
  EXPECT_EQ(ErrorOf(std::string(1'000'000, '[')), "values are nested more than 64 deep");
}

}  // namespace
}  // namespace drover::dynamic

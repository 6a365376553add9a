// The text of JSON.
#include "drover/dynamic/json_value.h"

#include <string>

#include "gtest/gtest.h"

namespace drover::dynamic {
namespace {

using Kind = JsonValue::Kind;

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

TEST(JsonValue, TakesEscapes) {
  EXPECT_EQ(Parsed(R"("\"\\\/\b\f\n\r\t")").text, "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Parsed(R"("\u0041\u00e9\u00E9\u20ac")").text, "Aéé€");
  EXPECT_EQ(Parsed(R"("a\u0000b")").text, std::string("a\0b", 3));
  EXPECT_EQ(Parsed(R"("\ud83d\ude00")").text, "😀");
  EXPECT_EQ(Parsed(R"("\ud7ff\ue000")").text, "\xed\x9f\xbf\xee\x80\x80");
  EXPECT_EQ(Parsed("\"é😀\x7f\"").text, "é😀\x7f");
}

TEST(JsonValue, RefusesHalfACharacter) {
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ude00\ud83d")", R"("\ud83d\u0041")"}) {
    EXPECT_TRUE(ErrorOf(text).starts_with("half of a character")) << text;
  }
}

TEST(JsonValue, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ErrorOf(""), "the text ends where a value should be, at byte 0");
  EXPECT_EQ(ErrorOf("  "), "the text ends where a value should be, at byte 2");
  EXPECT_EQ(ErrorOf("{"), "expected a member's name, at byte 1");
  EXPECT_EQ(ErrorOf("{\"a\"}"), "expected ':', at byte 4");
  EXPECT_EQ(ErrorOf("{\"a\":}"), "there is no value, at byte 5");
  EXPECT_EQ(ErrorOf("{\"a\":1,}"), "expected a member's name, at byte 7");
  EXPECT_EQ(ErrorOf("{\"a\":1"), "expected ',' or '}', at byte 6");
  EXPECT_EQ(ErrorOf("[1 2]"), "expected ',' or ']', at byte 3");
  EXPECT_EQ(ErrorOf("[1,]"), "there is no value, at byte 3");
  EXPECT_EQ(ErrorOf("[1}"), "expected ',' or ']', at byte 2");
  EXPECT_EQ(ErrorOf("nil"), "there is no value, at byte 0");
  EXPECT_EQ(ErrorOf("{} {}"), "there is more after the value, at byte 3");
  EXPECT_EQ(ErrorOf("01"), "there is more after the value, at byte 1");
  EXPECT_EQ(ErrorOf("-"), "expected a digit, at byte 1");
  EXPECT_EQ(ErrorOf("1."), "expected a digit, at byte 2");
  EXPECT_EQ(ErrorOf("1e+"), "expected a digit, at byte 3");
  EXPECT_EQ(ErrorOf("+1"), "there is no value, at byte 0");
  EXPECT_EQ(ErrorOf("\"a"), "a string does not end, at byte 2");
  EXPECT_EQ(ErrorOf("\"a\n\""), "a control character in a string, at byte 2");
  EXPECT_EQ(ErrorOf("\"\\q\""), "an escape that does not exist, at byte 2");
  EXPECT_EQ(ErrorOf("\"\\"), "an escape that does not exist, at byte 2");
  EXPECT_EQ(ErrorOf("\"\\u12g4\""), "expected four hexadecimal digits, at byte 5");
  EXPECT_EQ(ErrorOf("\"\\u12"), "expected four hexadecimal digits, at byte 5");
}

TEST(JsonValue, NestsSixtyFourDeep) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Parsed(nested(64)).is(Kind::kList));
  EXPECT_EQ(ErrorOf(nested(65)), "values are nested too deeply, at byte 65");
  EXPECT_EQ(ErrorOf(std::string(1'000'000, '[')), "values are nested too deeply, at byte 65");
}

}  // namespace
}  // namespace drover::dynamic

#include <cmath>
#include <limits>
#include <string>

#include "drover/object/codec.h"
#include "everything.drover.h"
#include "gtest/gtest.h"
#include "parts/wheel.drover.h"

namespace drover {
namespace {

// A message whose root is a struct without a word in it: every field has its default.
const std::string kEmptyMessage("\0\0\0\0\1\0\0\0\xfc\xff\xff\xff\0\0\0\0", 16);

TEST(Defaults, AreThoseOfTheSchema) {
  const everything::Defaults value;
  EXPECT_TRUE(value.flag);
  EXPECT_EQ(value.i8, -128);
  EXPECT_EQ(value.i64, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(value.u64, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(value.f32, 1.5f);
  EXPECT_TRUE(std::isinf(value.infinite));
  EXPECT_TRUE(std::isnan(value.not_a_number));
  EXPECT_EQ(value.text, "a \"quoted\"\nline\t\001é");
  EXPECT_EQ(value.data, (std::vector<uint8_t>{0, 0xff, 0x7f}));
  EXPECT_EQ(value.color, everything::Color::kDarkBlue);
  EXPECT_EQ(value.words, (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(value.wheel.inches, 19);
  EXPECT_EQ(value.wheels.size(), 2u);
  EXPECT_EQ(value.wheels[1].inches, 17);
  EXPECT_EQ(value.shape.scale, 2.0f);
  EXPECT_EQ(value.shape.square().side, 3.0);
  EXPECT_EQ(value.grid.size(), 3u);
}

TEST(Defaults, OfAMessageAreThoseOfANewValue) {
  absl::StatusOr<everything::Defaults> decoded = Decode<everything::Defaults>(kEmptyMessage);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(std::isnan(decoded->not_a_number));
  decoded->not_a_number = 0;  // which NaN would not equal
  everything::Defaults fresh;
  fresh.not_a_number = 0;
  EXPECT_TRUE(*decoded == fresh);
}

TEST(Constants, AreConstantExpressionsWhereTheyCanBe) {
  static_assert(everything::kAnswer == 42);
  static_assert(everything::kRatio == 0.5f);
  static_assert(everything::kGreeting == "hello");
  static_assert(everything::kFavourite == everything::Color::kDarkBlue);
  static_assert(everything::Car::kDoors == 5);
  static_assert(everything::Car::kMotto == "drive");
  static_assert(everything::Store::kLimit == 1000);
}

TEST(Constants, ThatNeedMemoryAreFunctions) {
  EXPECT_EQ(everything::kPrimes(), (std::vector<uint16_t>{2, 3, 5}));
  EXPECT_EQ(everything::kMagic(), (std::vector<uint8_t>{0xca, 0xfe}));
  EXPECT_EQ(everything::Car::kStandard().power, 90u);
  EXPECT_EQ(acme::parts::kSpare().inches, 15);
  const everything::Car& cart = everything::kCart();
  EXPECT_EQ(cart.engine.power, 7u);
  EXPECT_EQ(cart.owner.name, "me");
  EXPECT_EQ(cart.owner.address.number, 3);
  ASSERT_TRUE(cart.state.is_driving());
  EXPECT_EQ(cart.state.driving().passengers, (std::vector<std::string>{"you"}));
}

}  // namespace
}  // namespace drover

#include "drover/object/codec.h"
#include "everything.drover.h"
#include "evolution_new.drover.h"
#include "evolution_old.drover.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

using everything::Shape;

Shape RoundTrip(const Shape& shape) {
  absl::StatusOr<std::string> bytes = Encode(shape);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<Shape> back = Decode<Shape>(bytes.ok() ? *bytes : "");
  EXPECT_TRUE(back.ok()) << back.status();
  return back.ok() ? *std::move(back) : Shape{};
}

TEST(Union, StartsAsItsFirstAlternativeWithItsDefault) {
  const Shape shape;
  EXPECT_EQ(shape.which(), Shape::Which::kCircle);
  EXPECT_TRUE(shape.is_circle());
  EXPECT_EQ(shape.circle(), 1.0);
}

TEST(Union, TellsAlternativesOfOneTypeApart) {
  Shape circle, ellipse;
  circle.set_circle(2);
  ellipse.set_ellipse(2);
  EXPECT_FALSE(circle == ellipse);
  EXPECT_EQ(RoundTrip(ellipse).which(), Shape::Which::kEllipse);
  EXPECT_EQ(RoundTrip(ellipse).ellipse(), 2.0);
}

TEST(Union, ReadsADefaultFromAnAlternativeThatIsNotSet) {
  Shape shape;
  shape.set_none();
  EXPECT_EQ(shape.label(), "");
  EXPECT_EQ(shape.circle(), 0.0);
  EXPECT_EQ(shape.square().side, 0.0);
  EXPECT_EQ(shape.which(), Shape::Which::kNone);
}

TEST(Union, MutableSelectsTheAlternativeWithItsDefault) {
  Shape shape;
  shape.mutable_label() += "!";
  EXPECT_EQ(shape.label(), "unnamed!");
  shape.mutable_label() += "!";
  EXPECT_EQ(shape.label(), "unnamed!!");
  shape.mutable_square().side = 4;
  EXPECT_TRUE(shape.is_square());
}

TEST(Union, EveryAlternativeSurvivesEncoding) {
  Shape shape{.scale = 3};
  auto expect_same = [&] {
    EXPECT_TRUE(RoundTrip(shape) == shape) << static_cast<int>(shape.which());
  };
  expect_same();
  shape.set_ellipse(-1);
  expect_same();
  shape.set_none();
  expect_same();
  shape.mutable_square().side = 2;
  expect_same();
  shape.set_label("");
  expect_same();
  shape.set_pixels({1, 2, 3});
  expect_same();
  shape.set_pixels({});
  expect_same();
  shape.set_color(everything::Color::kDarkBlue);
  expect_same();
  shape.set_parts({Shape{}, Shape{.scale = 2}});
  expect_same();
  shape.set_mirrored(Shape{.scale = 5});
  expect_same();
  shape.set_mirrored({});
  expect_same();
  shape.set_wheel({.inches = 3});
  expect_same();
  shape.set_grid({{1, -1}, {}});
  expect_same();
}

TEST(Union, KeepsAnAlternativeItDoesNotKnowAsItsNumber) {
  evolution_new::Order order{.id = 3};
  order.set_voucher("free");
  absl::StatusOr<std::string> bytes = Encode(order);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<evolution_old::Order> old = Decode<evolution_old::Order>(*bytes);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->id, 3u);
  EXPECT_EQ(static_cast<int>(old->which()), 2);
  EXPECT_FALSE(old->is_cash());
  EXPECT_FALSE(old->is_card());
  EXPECT_EQ(old->card(), "");
  evolution_old::Order copy = *old;
  EXPECT_TRUE(copy == *old);
}

TEST(Union, CannotEncodeAnAlternativeItDoesNotKnow) {
  evolution_new::Order order;
  order.set_voucher("free");
  absl::StatusOr<std::string> bytes = Encode(order);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<evolution_old::Order> old = Decode<evolution_old::Order>(*bytes);
  ASSERT_TRUE(old.ok()) << old.status();
  absl::StatusOr<std::string> again = Encode(*old);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(again.status().message(),
            "Order holds alternative number 2, which this program's schema does not know and so "
            "cannot encode");
}

}  // namespace
}  // namespace drover

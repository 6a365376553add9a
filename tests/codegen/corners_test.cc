// Schemas that are legal and rare.
#include <memory>
#include <string>
#include <vector>

#include "corners/corners.drover.h"
#include "drover/object/codec.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

template <class T>
void ExpectRoundTrip(const T& value) {
  absl::StatusOr<std::string> bytes = Encode(value);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<T> back = Decode<T>(*bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == value);
}

TEST(Corners, ANestedTypeAndOneOutsideMayShareTheirName) {
  corners::Car car;
  EXPECT_EQ(car.mine.kind, "nested");
  EXPECT_EQ(car.mine.top.kind, "top");
  EXPECT_EQ(car.other.kind, "top");
  car.mine.top.kind = "changed";
  ExpectRoundTrip(car);
}

TEST(Corners, UnionsNestInGroupsOfUnions) {
  corners::Car car;
  car.address.which_ = 3;
  car.address.set_home({.line = "home"});
  ExpectRoundTrip(car);
  car.address.mutable_office().floor = -1;
  car.address.mutable_office().door.set_right({});
  EXPECT_TRUE(car.address.office().door.is_right());
  ExpectRoundTrip(car);
}

TEST(Corners, TypesMayHoldEachOtherThroughLists) {
  corners::Tree tree;
  tree.name = "root";
  tree.branches = {{.tree = {.branches = {}, .name = "leaf"}, .thick = true}, {.tree = {}}};
  ExpectRoundTrip(tree);
}

TEST(Corners, ScopesMayGoInACircleWhereNoValueDoes) {
  corners::Left left;
  left.inner.right.leaf.n = 7;
  ExpectRoundTrip(left);
}

TEST(Corners, VoidAlternativesAreToldApart) {
  corners::Voids voids;
  ExpectRoundTrip(voids);
  voids.mutable_e();
  EXPECT_TRUE(voids.is_e());
  ExpectRoundTrip(voids);
}

TEST(Corners, AlternativesHaveDefaultsOfEveryKind) {
  corners::Comment comment;
  ASSERT_TRUE(comment.is_first());
  ASSERT_EQ(comment.first().size(), 1u);
  EXPECT_EQ(comment.first()[0].inches, 3);
  EXPECT_EQ(comment.mutable_second().tread, acme::parts::Tread::kWinter);
  EXPECT_EQ(comment.mutable_fourth(), (std::vector{acme::parts::Tread::kWinter}));
  EXPECT_EQ(comment.field,
            "trigraph ?"
            "?/ and \x7f");
  comment.set_fifth(corners::Comment{});
  ExpectRoundTrip(comment);
}

TEST(Corners, ConstantsHoldUnionsNulsAndExtremes) {
  EXPECT_EQ(corners::kUnions().second().inches, 4);
  EXPECT_TRUE(corners::kShapes()[1].is_e());
  static_assert(corners::kText.size() == 4 && corners::kText[0] == '\0');
  static_assert(corners::kBig == ~uint64_t{0});
  static_assert(corners::kTiny > 0);
  EXPECT_EQ(corners::Car::Driver::kLongest().mood, corners::Car::Driver::Mood::kAngry);
  EXPECT_EQ(corners::Car::Driver::kMoods().size(), 2u);
}

TEST(Corners, AConstantHoldsAnAlternativeThatIsNotThere) {
  ASSERT_TRUE(corners::kStump().is_next());
  ASSERT_TRUE(corners::kStump().next().has_value());
  EXPECT_TRUE(corners::kStump().next()->is_next());
  EXPECT_FALSE(corners::kStump().next()->next().has_value());
}

class Diamond : public corners::DiamondServant {
 public:
  absl::StatusOr<std::string> Top(std::string call, std::vector<uint8_t> target,
                                  std::vector<uint8_t> method) override {
    return call + std::to_string(target.size() + method.size());
  }
  absl::Status Right() override { return absl::OkStatus(); }
};

TEST(Corners, ADiamondOfInterfacesHasOneTop) {
  const corners::DiamondProxy diamond = std::make_shared<Diamond>();
  const std::vector<uint8_t> bytes = {1, 2};
  EXPECT_EQ(*diamond.Top("c", bytes, {3}), "c3");
  EXPECT_TRUE(diamond.Right().ok());
  EXPECT_EQ(diamond.Left().code(), absl::StatusCode::kUnimplemented);
  const corners::TopProxy top = corners::LeftSideProxy(diamond);
  EXPECT_EQ(*top.Top("t", {}, {}), "t0");
}

}  // namespace
}  // namespace drover

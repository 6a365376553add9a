// A value written by a program with one version of a schema is read by one with another.
#include "drover/object/codec.h"
#include "evolution_new.drover.h"
#include "evolution_old.drover.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

template <class To, class From>
To Convert(const From& from) {
  absl::StatusOr<std::string> bytes = Encode(from);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<To> to = Decode<To>(bytes.ok() ? *bytes : "");
  EXPECT_TRUE(to.ok()) << to.status();
  return to.ok() ? *std::move(to) : To{};
}

TEST(Evolution, AnOldValueHasTheDefaultsOfNewFields) {
  evolution_old::Order old{.id = 7,
                           .color = evolution_old::Color::kGreen,
                           .names = {"a", "b"},
                           .points = {{.x = 1}, {.x = 2}},
                           .point = {.x = 3}};
  old.set_card("visa");
  const auto order = Convert<evolution_new::Order>(old);
  EXPECT_EQ(order.id, 7u);
  EXPECT_EQ(order.color, evolution_new::Color::kGreen);
  EXPECT_EQ(order.names, old.names);
  EXPECT_EQ(order.card(), "visa");
  EXPECT_EQ(order.note, "none");
  EXPECT_EQ(order.total, 7u);
  EXPECT_EQ(order.tags, (std::vector<std::string>{"new"}));
  EXPECT_FALSE(order.store);
  EXPECT_TRUE(order.stores.empty());
  ASSERT_EQ(order.points.size(), 2u);
  EXPECT_EQ(order.points[1].x, 2);
  EXPECT_EQ(order.points[1].y, -1);
  EXPECT_EQ(order.points[1].label, "origin");
  EXPECT_EQ(order.point.x, 3);
  EXPECT_EQ(order.point.label, "origin");
}

TEST(Evolution, ANewValueIsReadWithoutWhatIsUnknown) {
  evolution_new::Order order{.id = 9,
                             .color = evolution_new::Color::kBlue,
                             .names = {"c"},
                             .points = {{.x = 4, .y = 5, .label = "p"}},
                             .point = {.x = 6, .y = 7, .label = "q"},
                             .note = "note",
                             .total = 8};
  order.set_cash(10);
  const auto old = Convert<evolution_old::Order>(order);
  EXPECT_EQ(old.id, 9u);
  EXPECT_EQ(static_cast<int>(old.color), 2);
  EXPECT_EQ(old.names, order.names);
  ASSERT_EQ(old.points.size(), 1u);
  EXPECT_EQ(old.points[0].x, 4);
  EXPECT_EQ(old.point.x, 6);
  EXPECT_EQ(old.cash(), 10u);
}

TEST(Evolution, AListOfNumbersMayBecomeAListOfStructs) {
  const auto order = Convert<evolution_new::Order>(evolution_old::Order{.counts = {1, 2}});
  ASSERT_EQ(order.counts.size(), 2u);
  EXPECT_EQ(order.counts[1].number, 2u);
  EXPECT_EQ(order.counts[1].unit, "pieces");
  evolution_new::Order fresh;
  fresh.counts = {{.number = 3, .unit = "kg"}, {.number = 4}};
  EXPECT_EQ(Convert<evolution_old::Order>(fresh).counts, (std::vector<uint32_t>{3, 4}));
}

}  // namespace
}  // namespace drover

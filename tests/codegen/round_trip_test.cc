// Every type of value survives encoding and decoding.
#include <limits>

#include "drover/object/codec.h"
#include "everything.drover.h"
#include "gtest/gtest.h"
#include "keywords.drover.h"

namespace drover {
namespace {

template <class T>
void ExpectRoundTrip(const T& value) {
  absl::StatusOr<std::string> bytes = Encode(value);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->size() % 8, 0u);
  absl::StatusOr<T> back = Decode<T>(*bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(*back == value);
}

template <class T>
T RoundTrip(const T& value) {
  absl::StatusOr<std::string> bytes = Encode(value);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<T> back = Decode<T>(bytes.ok() ? *bytes : "");
  EXPECT_TRUE(back.ok()) << back.status();
  return back.ok() ? *std::move(back) : T{};
}

TEST(RoundTrip, EmptyStruct) { ExpectRoundTrip(everything::Empty{}); }

TEST(RoundTrip, ScalarsAtTheirExtremes) {
  ExpectRoundTrip(everything::Scalars{});
  ExpectRoundTrip(everything::Scalars{.flag = true,
                                      .i8 = std::numeric_limits<int8_t>::min(),
                                      .i16 = std::numeric_limits<int16_t>::min(),
                                      .i32 = std::numeric_limits<int32_t>::min(),
                                      .i64 = std::numeric_limits<int64_t>::min(),
                                      .u8 = std::numeric_limits<uint8_t>::max(),
                                      .u16 = std::numeric_limits<uint16_t>::max(),
                                      .u32 = std::numeric_limits<uint32_t>::max(),
                                      .u64 = std::numeric_limits<uint64_t>::max(),
                                      .f32 = std::numeric_limits<float>::denorm_min(),
                                      .f64 = -std::numeric_limits<double>::infinity(),
                                      .text = "text",
                                      .data = {0, 255, 7},
                                      .color = everything::Color::kDelete});
}

TEST(RoundTrip, TextKeepsEveryByte) {
  const std::string text("\0 nul, \xff no UTF-8, \xc3\xa9 UTF-8\0", 27);
  EXPECT_EQ(RoundTrip(everything::Scalars{.text = text}).text, text);
}

TEST(RoundTrip, UnknownEnumerantKeepsItsNumber) {
  const auto color = static_cast<everything::Color>(77);
  EXPECT_EQ(RoundTrip(everything::Scalars{.color = color}).color, color);
}

TEST(RoundTrip, ListsOfEveryKind) {
  ExpectRoundTrip(everything::Lists{});
  ExpectRoundTrip(everything::Lists{
      .nothings = std::vector<std::monostate>(3),
      .flags = {true, false, true, true, false, false, true, false, true},
      .bytes = {1, 2, 255},
      .doubles = {0.5, -1e300},
      .texts = {"", "one", std::string(100, 'x')},
      .blobs = {{}, {1}, {2, 3}},
      .colors = {everything::Color::kDarkBlue, everything::Color::kRed},
      .wheels = {{.inches = 15}, {}, {.tread = acme::parts::Tread::kWinter}},
      .cube = {{{1, 2}, {}, {-3}}, {}, {{}}},
      .bits = {{true}, {}, {false, true}},
      .names = {{"a", ""}, {}},
      .lots = {{{.inches = 1}}, {}},
  });
}

TEST(RoundTrip, GroupsAndNamedUnions) {
  everything::Car car{.engine = {.power = 90, .fuel = everything::Car::Engine::Fuel::kDiesel},
                      .owner = {.name = "owner", .address = {.street = "street", .number = 7}}};
  ExpectRoundTrip(car);
  car.state.mutable_driving() = {.speed = 1.5f, .passengers = {"a", "b"}};
  ExpectRoundTrip(car);
  car.state.set_broken("axle");
  ExpectRoundTrip(car);
}

TEST(RoundTrip, RecursiveStructs) {
  everything::Node node{.label = "root"};
  node.next = everything::Node{.label = "next", .next = everything::Node{.label = "last"}};
  node.children = {{.label = "a"}, {.label = "b", .children = {{.label = "c"}}}};
  node.partner->years = 3;
  node.partner->back = everything::Node{.label = "back"};
  ExpectRoundTrip(node);
  EXPECT_FALSE(RoundTrip(everything::Node{}).next.has_value());
}

TEST(RoundTrip, EmptyValuesReplaceDefaults) {
  everything::Defaults value;
  value.text.clear();
  value.data.clear();
  value.numbers.clear();
  value.words.clear();
  value.wheels.clear();
  value.grid.clear();
  value.wheel = {};
  value.flag = false;
  value.not_a_number = 0;
  ExpectRoundTrip(value);
}

TEST(RoundTrip, NullProxiesInValues) {
  ExpectRoundTrip(everything::Handles{});
  everything::Handles handles;
  handles.stores.resize(2);
  handles.either.mutable_watchers().resize(3);
  ExpectRoundTrip(handles);
}

TEST(RoundTrip, NamesThatCppReserves) {
  keywords::Class value{.int_ = 1, .class_ = "c", .namespace_ = {"n"}};
  value.template_.typename_ = true;
  value.template_.errno_ = 2;
  value.friend_.set_operator(keywords::Operator::kDelete);
  value.co_await_ = "co";
  value.is_a = true;
  value.http_url = "http";
  value.renamed = "r";
  value.set_which("w");
  ExpectRoundTrip(value);
  EXPECT_TRUE(value.is_which());
  EXPECT_FALSE(value.is_a_());
}

TEST(RoundTrip, DecodeReplacesWhatWasThere) {
  absl::StatusOr<std::string> bytes = Encode(everything::Node{});
  ASSERT_TRUE(bytes.ok());
  everything::Node node{.label = "x", .next = everything::Node{}, .children = {{}}};
  absl::Status status =
      object::DecodeStruct(*bytes, &node, [](const object::StructReader& in, void* value) {
        Codec<everything::Node>::Read(in, *static_cast<everything::Node*>(value));
      });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(node == everything::Node{});
}

}  // namespace
}  // namespace drover

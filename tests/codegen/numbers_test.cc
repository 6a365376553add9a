// Calls whose params and results hold no pointers arrive with every value whole, over a connection,
// where no message is built for them, and in one process, where one is.
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "numbers.drover.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using numbers::Sign;

class Numbers final : public numbers::NumbersServant {
 public:
  absl::StatusOr<std::string> All(bool first, int8_t i8, int16_t i16, int32_t i32, int64_t i64,
                                  uint8_t u8, uint16_t u16, uint32_t u32, uint64_t u64, float f32,
                                  double f64, numbers::Sign sign, std::monostate,
                                  bool last) override {
    return absl::StrCat(first, " ", i8, " ", i16, " ", i32, " ", i64, " ", u8, " ", u16, " ", u32,
                        " ", u64, " ", f32, " ", f64, " ", static_cast<int>(sign), " ", last);
  }
  absl::StatusOr<bool> Bool(bool x) override { return x; }
  absl::StatusOr<int8_t> Int8(int8_t x) override { return x; }
  absl::StatusOr<int64_t> Int64(int64_t x) override { return x; }
  absl::StatusOr<uint16_t> Uint16(uint16_t x) override { return x; }
  absl::StatusOr<float> Float32(float x) override { return x; }
  absl::StatusOr<double> Float64(double x) override { return x; }
  absl::StatusOr<numbers::Sign> Sign(numbers::Sign x) override { return x; }
  absl::StatusOr<uint32_t> Defaults(uint32_t x) override { return x; }
  absl::StatusOr<uint64_t> Many(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                uint64_t f, uint64_t g, uint64_t h) override {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
  }
  absl::StatusOr<uint64_t> TooMany(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                   uint64_t f, uint64_t g, uint64_t h, uint64_t i) override {
    return *Many(a, b, c, d, e, f, g, h) + 9 * i;
  }
  absl::Status Nothing() override {
    ++nothings;
    return absl::OkStatus();
  }
  std::atomic<int> nothings = 0;
};

// Whether the servant is behind a connection.
class PlainCalls : public testing::TestWithParam<bool> {
 protected:
  PlainCalls() {
    if (GetParam()) {
      proxy_ = Connect<numbers::NumbersProxy>(server_->endpoint());
    } else {
      proxy_ = servant_;
    }
  }

  const std::shared_ptr<Numbers> servant_ = std::make_shared<Numbers>();
  testing_support::TempDir dir_;
  absl::StatusOr<Server> server_ = Serve("unix://" + dir_.path("numbers"), servant_);
  numbers::NumbersProxy proxy_;
};

INSTANTIATE_TEST_SUITE_P(Through, PlainCalls, testing::Bool(), [](const auto& info) {
  return info.param ? "AConnection" : "NoConnection";
});

template <class T>
using Limits = std::numeric_limits<T>;

TEST_P(PlainCalls, CarryParametersOfEveryType) {
  EXPECT_EQ(proxy_
                .All(true, Limits<int8_t>::min(), Limits<int16_t>::min(), Limits<int32_t>::min(),
                     Limits<int64_t>::min(), Limits<uint8_t>::max(), Limits<uint16_t>::max(),
                     Limits<uint32_t>::max(), Limits<uint64_t>::max(), 1.5f, -2.25, Sign::kMinus,
                     {}, true)
                .value(),
            "1 -128 -32768 -2147483648 -9223372036854775808 255 65535 4294967295 "
            "18446744073709551615 1.5 -2.25 1 1");
  EXPECT_EQ(proxy_.All(false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Sign::kPlus, {}, true).value(),
            "0 1 2 3 4 5 6 7 8 9 10 0 1");
  EXPECT_EQ(proxy_.All(true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Sign::kPlus, {}, false).value(),
            "1 0 0 0 0 0 0 0 0 0 0 0 0");
}

TEST_P(PlainCalls, CarryResultsOfEveryType) {
  EXPECT_TRUE(proxy_.Bool(true).value());
  EXPECT_FALSE(proxy_.Bool(false).value());
  EXPECT_EQ(proxy_.Int8(-128).value(), -128);
  EXPECT_EQ(proxy_.Int64(Limits<int64_t>::min()).value(), Limits<int64_t>::min());
  EXPECT_EQ(proxy_.Uint16(65535).value(), 65535);
  EXPECT_EQ(proxy_.Float32(-0.5f).value(), -0.5f);
  EXPECT_TRUE(std::isnan(proxy_.Float64(Limits<double>::quiet_NaN()).value()));
  EXPECT_EQ(proxy_.Sign(static_cast<Sign>(0xffff)).value(), static_cast<Sign>(0xffff));
}

TEST_P(PlainCalls, KeepValuesThatAreNoDefaults) {
  for (uint32_t x : {0u, 7u, 9u, 0xffffffffu}) EXPECT_EQ(proxy_.Defaults(x).value(), x);
}

TEST_P(PlainCalls, CarryAsManyWordsAsThereAre) {
  EXPECT_EQ(proxy_.Many(1, 2, 3, 4, 5, 6, 7, 8).value(), 204u);
  EXPECT_EQ(proxy_.TooMany(1, 2, 3, 4, 5, 6, 7, 8, 9).value(), 285u);
}

TEST_P(PlainCalls, CarryNothing) {
  EXPECT_EQ(proxy_.Nothing(), absl::OkStatus());
  EXPECT_EQ(servant_->nothings, 1);
}

TEST_P(PlainCalls, CarryWhatComesWithTheCallToo) {
  CallOptions options;
  options.timeout = absl::Minutes(5);
  EXPECT_EQ(proxy_.With(options).Many(1, 2, 3, 4, 5, 6, 7, 8).value(), 204u);
}

}  // namespace
}  // namespace drover

// The stock programs against each other: what they find of Drover is worth something only if they
// find nothing here.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interop/stock_process.h"

namespace drover::interop {
namespace {

class StockPrograms : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/stock.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(StockPrograms, AgreeOverUnix) {
  StockServer server("unix://" + folder_ + "/worker");
  StockClientResult result = RunStockClient(server.endpoint());
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(StockPrograms, AgreeOverAbstractUnix) {
  StockServer server("unix:@" + folder_);
  StockClientResult result = RunStockClient(server.endpoint());
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(StockPrograms, AgreeOverTcp) {
  StockServer server("tcp://127.0.0.1:0");
  EXPECT_THAT(server.endpoint(), testing::Not(testing::EndsWith(":0")));
  StockClientResult result = RunStockClient(server.endpoint());
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(StockPrograms, ServeOneClientAfterAnother) {
  StockServer server("unix://" + folder_ + "/worker");
  EXPECT_EQ(RunStockClient(server.endpoint()).status, 0);
  EXPECT_EQ(RunStockClient(server.endpoint()).status, 0);
}

TEST_F(StockPrograms, ClientFailsWhereNobodyServes) {
  StockClientResult result = RunStockClient("unix://" + folder_ + "/nobody");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, testing::StartsWith("FAILED: "));
}

}  // namespace
}  // namespace drover::interop

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

// What every server can be asked.
const char* const kGroups[] = {"everything",   "order",    "tail calls",       "tail calls back",
                               "cancellation", "releases", "too large message"};

TEST_F(StockPrograms, AgreeOverUnix) {
  StockServer server("unix://" + folder_ + "/worker");
  for (const char* group : kGroups) {
    EXPECT_EQ(RunStockClient(server.endpoint(), group), kAllHeld) << group;
  }
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(StockPrograms, AgreeOverTcp) {
  StockServer server("tcp://127.0.0.1:0");
  EXPECT_THAT(server.endpoint(), testing::Not(testing::EndsWith(":0")));
  for (const char* group : kGroups) {
    EXPECT_EQ(RunStockClient(server.endpoint(), group), kAllHeld) << group;
  }
}

TEST_F(StockPrograms, AgreeOverAbstractUnix) {
  StockServer server("unix:@" + folder_);
  EXPECT_EQ(RunStockClient(server.endpoint()), kAllHeld);
}

TEST_F(StockPrograms, AgreeOnHugeMessages) {
  StockServer server("unix://" + folder_ + "/worker", "huge");
  EXPECT_EQ(RunStockClient(server.endpoint(), "huge messages"), kAllHeld);
  EXPECT_EQ(RunStockClient(server.endpoint(), "too large answer"), kAllHeld);
}

TEST_F(StockPrograms, AgreeOnALostConnection) {
  StockServer server("unix://" + folder_ + "/worker");
  StockClient client(server.endpoint(), "lost connection");
  EXPECT_EQ(client.ReadLine(), "waiting");
  server.Kill();
  EXPECT_EQ(client.Wait(), kAllHeld);
}

TEST_F(StockPrograms, ClientFailsWhereNobodyServes) {
  const std::string says = RunStockClient("unix://" + folder_ + "/nobody");
  EXPECT_THAT(says, testing::StartsWith("FAILED: "));
  EXPECT_THAT(says, testing::EndsWith("exit status 1"));
}

}  // namespace
}  // namespace drover::interop

// For tests of Drover against the stock runtime, in either direction, over UNIX and TCP.
#ifndef DROVER_TESTS_INTEROP_INTEROP_FIXTURE_H_
#define DROVER_TESTS_INTEROP_INTEROP_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interop/drover_worker.h"
#include "interop/stock_process.h"
#include "support/temp_dir.h"

namespace drover::interop {

// Takes the descriptors that the stock programs send.
constexpr Limits kWithFds{.max_fds_per_message = 16};
// Above the stock runtime's limit of 64 MiB, and Drover's.
constexpr size_t kAboveTheDefault = 72 << 20;
constexpr size_t kRoomForHuge = 512 << 20;

class Interop : public testing::TestWithParam<const char*> {
 protected:
  bool over_unix() const { return std::string(GetParam()) == "unix"; }
  // Where a server may listen, a new place for each name.
  std::string Endpoint(const std::string& name = "worker") const {
    return over_unix() ? "unix://" + dir_.path(name) : "tcp://127.0.0.1:0";
  }

 private:
  testing_support::TempDir dir_;
};

// A stock client of a Drover server.
class StockClientOfDrover : public Interop {
 protected:
  void ServeWorker(Worker::Options worker = {}, ServerOptions options = {.limits = kWithFds}) {
    auto server = Serve(Endpoint(), std::make_shared<Worker>(std::move(worker)), options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_.emplace(std::move(*server));
  }
  std::string endpoint() const { return server_->endpoint().ToString(); }
  std::string Run(const std::string& group) const { return RunStockClient(endpoint(), group); }

  std::optional<Server> server_;
};

// A Drover proxy of a stock server.
class DroverProxyOfStock : public Interop {};

}  // namespace drover::interop

#endif  // DROVER_TESTS_INTEROP_INTEROP_FIXTURE_H_

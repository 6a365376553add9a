// Starts the stock programs of this folder from a test.
//
//   StockServer server("tcp://127.0.0.1:0");
//   StockClientResult result = RunStockClient(server.endpoint());
//   EXPECT_EQ(result.status, 0) << result.output;
//
// Not thread-safe. Everything here blocks; what cannot be started fails the test.
#ifndef DROVER_TESTS_INTEROP_STOCK_PROCESS_H_
#define DROVER_TESTS_INTEROP_STOCK_PROCESS_H_

#include <sys/types.h>

#include <string>

#include "drover/base/unique_fd.h"

namespace drover::interop {

// A running stock_server; the destructor ends it.
class StockServer {
 public:
  // Waits until it serves.
  explicit StockServer(const std::string& endpoint);
  ~StockServer();
  StockServer(const StockServer&) = delete;
  StockServer& operator=(const StockServer&) = delete;

  // Where it serves: with the kernel's port where 0 was asked for. Empty if it did not start.
  const std::string& endpoint() const { return endpoint_; }
  pid_t pid() const { return pid_; }

  // Ends it without warning.
  void Kill();
  // Asks it to end and returns its exit status, or 128 plus the signal that ended it.
  int Stop();

 private:
  pid_t pid_ = -1;
  std::string endpoint_;
};

struct StockClientResult {
  int status;          // as for StockServer::Stop
  std::string output;  // the checks that failed, one a line
};

// A running stock_client; the destructor kills it.
class StockClient {
 public:
  explicit StockClient(const std::string& endpoint);
  ~StockClient();
  StockClient(const StockClient&) = delete;
  StockClient& operator=(const StockClient&) = delete;

  StockClientResult Wait();
  void Kill();

 private:
  pid_t pid_ = -1;
  base::UniqueFd output_;
};

StockClientResult RunStockClient(const std::string& endpoint);

}  // namespace drover::interop

#endif  // DROVER_TESTS_INTEROP_STOCK_PROCESS_H_

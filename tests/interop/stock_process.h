// Starts the stock programs of this folder from a test.
//
//   StockServer server("tcp://127.0.0.1:0");
//   EXPECT_EQ(RunStockClient(server.endpoint(), "order"), kAllHeld);
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
  // `option`: "huge" or the endpoint of a neighbour, as stock_server takes it.
  explicit StockServer(const std::string& endpoint, const std::string& option = "");
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

// What a stock_client says at its end: the checks that failed, one a line, and its exit status, as
// for StockServer::Stop, if that is not 0.
constexpr const char* kAllHeld = "";

// A running stock_client; the destructor kills it.
class StockClient {
 public:
  // `group`: the checks to make.
  explicit StockClient(const std::string& endpoint, const std::string& group = "everything");
  ~StockClient();
  StockClient(const StockClient&) = delete;
  StockClient& operator=(const StockClient&) = delete;

  // The next line that it prints.
  std::string ReadLine();
  // Waits for its end; what it says after the lines that were read.
  std::string Wait();
  void Kill();

 private:
  pid_t pid_ = -1;
  base::UniqueFd output_;
};

std::string RunStockClient(const std::string& endpoint, const std::string& group = "everything");

}  // namespace drover::interop

#endif  // DROVER_TESTS_INTEROP_STOCK_PROCESS_H_

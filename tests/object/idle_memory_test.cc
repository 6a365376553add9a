// What a server remembers of a connection that is idle and of an object that nobody calls, counted
// by a malloc of the test's own.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace {

std::atomic<int64_t> bytes_in_use{0};

void* Count(void* memory) {
  if (memory != nullptr) bytes_in_use += static_cast<int64_t>(malloc_usable_size(memory));
  return memory;
}
void Uncount(void* memory) {
  if (memory != nullptr) bytes_in_use -= static_cast<int64_t>(malloc_usable_size(memory));
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) { return Count(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return Count(__libc_calloc(count, size)); }
void* realloc(void* memory, size_t size) {
  Uncount(memory);
  return Count(__libc_realloc(memory, size));
}
void free(void* memory) {
  Uncount(memory);
  __libc_free(memory);
}
}

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::ChildProcess;
using testing_support::Pipe;
using testing_support::TempDir;
using testing_support::Until;

constexpr int64_t kFirst = 64;  // for whatever is made once

// An object that is no more than one, and makes more of them.
class PlainCook final : public kitchen::CookServant {
 public:
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
  absl::StatusOr<CookProxy> MakeCook() override { return CookProxy(std::make_shared<PlainCook>()); }
};

// A server in a process of its own, which says what it has.
class CountedServer {
 public:
  CountedServer() { Bytes(); }  // is said once it serves

  // Bytes that it has allocated.
  int64_t Bytes() { return Ask("bytes"); }
  // Objects that its clients refer to.
  int64_t Exports() { return Ask("exports"); }

  CookProxy Connect() {
    auto proxy = drover::Connect<CookProxy>(endpoint_);
    EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
    return proxy;
  }

 private:
  int64_t Ask(const std::string& what) {
    to_server_.Send(what);
    return std::stoll(from_server_.Receive());
  }

  int Run() {
    to_server_.CloseWriter();
    auto server = Serve(endpoint_, std::make_shared<PlainCook>());
    if (!server.ok()) return 1;
    for (std::string what; (what = to_server_.Receive()) != "EOF";) {
      int64_t number = bytes_in_use.load();
      if (what == "exports") {
        number = 0;
        for (const ConnectionStats& connection : server->Stats().connections) {
          number += connection.exports;
        }
      }
      from_server_.Send(std::to_string(number));
    }
    return 0;
  }

  const TempDir folder_;
  const std::string endpoint_ = "unix://" + folder_.path("socket");
  Pipe to_server_, from_server_;
  ChildProcess server_{[this] { return Run(); }};
};

// Every connection has said hello and made a call: it has a peer, an export, and has had a buffer
// for each direction and answers in its table.
TEST(AnIdleConnection, TakesAtMostOneAndAHalfKibibytesOfTheServersMemory) {
  // So many that it makes no difference which of the server's threads took a buffer meanwhile.
  constexpr int64_t kConnections = 2048;
  constexpr int64_t kMostBytesEach = 1536;
  rlimit descriptors;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 8192);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  CountedServer server;
  std::vector<CookProxy> proxies;
  for (int64_t i = 0; i < kFirst; ++i) proxies.push_back(server.Connect());
  const int64_t before = server.Bytes();
  for (int64_t i = 0; i < kConnections; ++i) proxies.push_back(server.Connect());
  // Until the clients' last words have been read.
  Until([&] { return (server.Bytes() - before) / kConnections <= kMostBytesEach; });
}

// Each was given by an answer and has been called; the servant itself counts. What is waited for is
// that threads end which the server started meanwhile, for each has buffers.
TEST(AnExportedObject, TakesAtMostOneKibibyteAndGivesItBack) {
  constexpr int64_t kObjects = 10'000;
  constexpr int64_t kMostBytesEach = 1024;
  constexpr int64_t kRounds = 20;
  constexpr int64_t kMostKeptEach = 4;
  CountedServer server;
  const CookProxy front = server.Connect();
  std::vector<CookProxy> proxies;
  const auto make = [&](int64_t objects) {
    for (int64_t i = 0; i < objects; ++i) {
      proxies.push_back(front.MakeCook().value());
      ASSERT_EQ(proxies.back().Add(1, 2).value(), 3u);
    }
  };
  const auto drop = [&] {
    proxies.clear();
    Until([&] { return server.Exports() == 1; });
  };
  make(kFirst);
  const int64_t few = server.Bytes();
  make(kObjects);
  EXPECT_EQ(server.Exports(), 1 + kFirst + kObjects);
  Until([&] { return (server.Bytes() - few) / kObjects <= kMostBytesEach; });
  drop();
  // The connection's tables have room for as many now. So many more are made that what threads take
  // and give back meanwhile makes no difference.
  const int64_t before = server.Bytes();
  for (int round = 0; round < kRounds; ++round) {
    make(kObjects);
    EXPECT_EQ(server.Exports(), 1 + kObjects);
    drop();
  }
  Until([&] { return (server.Bytes() - before) / (kRounds * kObjects) <= kMostKeptEach; });
}

}  // namespace
}  // namespace drover

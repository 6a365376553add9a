// What a server remembers of a connection that is idle, counted by a malloc of the test's own.
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
#include "support/cook.h"
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
using testing_support::Cook;
using testing_support::Pipe;
using testing_support::Until;

constexpr int64_t kFirst = 64;
// So many that it makes no difference which of the server's threads took a buffer meanwhile.
constexpr int64_t kConnections = 2048;
constexpr int64_t kMostBytesEach = 1536;

// Every connection has said hello and made a call: it has a peer, an export, and has had a buffer
// for each direction and answers in its table.
TEST(AnIdleConnection, TakesAtMostOneAndAHalfKibibytesOfTheServersMemory) {
  rlimit descriptors;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 8192);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  Pipe to_server, from_server;
  ChildProcess server([&] {
    auto serving = Serve(endpoint, std::make_shared<Cook>());
    if (!serving.ok()) return 1;
    from_server.Send("serving");
    while (to_server.Receive() == "count") {
      from_server.Send(std::to_string(bytes_in_use.load()));
    }
    return 0;
  });
  EXPECT_EQ(from_server.Receive(), "serving");
  const auto count = [&] {
    to_server.Send("count");
    return std::stoll(from_server.Receive());
  };
  std::vector<CookProxy> proxies;
  const auto connect = [&](int64_t connections) {
    for (int i = 0; i < connections; ++i) {
      proxies.push_back(Connect<CookProxy>(endpoint));
      ASSERT_EQ(proxies.back().Add(1, 2).value(), 3u);
    }
  };
  connect(kFirst);  // whatever is made once
  const int64_t before = count();
  connect(kConnections);
  // Until the clients' last words have been read.
  Until([&] { return (count() - before) / kConnections <= kMostBytesEach; });
}

}  // namespace
}  // namespace drover

// What a blocking call without pointers costs once everything is warm: no memory is asked for, on
// either side, over any transport. What the C library is asked for is counted here, thread by
// thread, operator new included; mmap() is not, nor are valloc() and pvalloc(), which nobody uses.
//
// Not built with the sanitizers, which have an allocator of their own and no memory recycled.
#include <malloc.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace {
thread_local uint64_t allocations = 0;
}  // namespace

extern "C" {
// The C library's own.
void* __libc_malloc(size_t size);                      // NOLINT: its names
void* __libc_calloc(size_t count, size_t size);        // NOLINT
void* __libc_realloc(void* memory, size_t size);       // NOLINT
void* __libc_memalign(size_t alignment, size_t size);  // NOLINT

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* memalign(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* const made = memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *memory = made;
  return 0;
}
}

namespace drover {
namespace {

constexpr int kCalls = 1000;
constexpr int kMostSeries = 100;

// Counts what the thread that runs it allocated from one call to the next.
class CountingCook final : public testing_support::Cook,
                           public std::enable_shared_from_this<CountingCook> {
 public:
  absl::StatusOr<kitchen::CookProxy> MakeCook() override {
    return kitchen::CookProxy(shared_from_this());
  }
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    if (thread_ == std::this_thread::get_id()) {
      counted_ += allocations - seen_;
      ++calls_;
    }
    thread_ = std::this_thread::get_id();
    seen_ = allocations;
    return a + b;
  }
  void Reset() { counted_ = calls_ = 0; }
  uint64_t counted() const { return counted_; }
  uint64_t calls() const { return calls_; }

 private:
  std::thread::id thread_;
  uint64_t seen_ = 0;
  uint64_t counted_ = 0;
  uint64_t calls_ = 0;
};

// Remembers nothing.
class OneWayCook final : public testing_support::Cook {
 public:
  absl::Status Note(uint32_t) override { return absl::OkStatus(); }
};

struct Carrier {
  std::string name;
  bool tcp;
  bool shares_memory;
  friend std::ostream& operator<<(std::ostream& out, const Carrier& c) { return out << c.name; }
};

class BlockingCalls : public testing::TestWithParam<Carrier> {};
INSTANTIATE_TEST_SUITE_P(Over, BlockingCalls,
                         testing::Values(Carrier{"Unix", false, false},
                                         Carrier{"SharedMemory", false, true},
                                         Carrier{"Tcp", true, false}),
                         [](const auto& info) { return info.param.name; });

TEST_P(BlockingCalls, AllocateNothingOnceWarm) {
  const testing_support::TempDir dir;
  const auto cook = std::make_shared<CountingCook>();
  const std::string endpoint =
      GetParam().tcp ? "tcp://127.0.0.1:0" : "unix://" + dir.path("cook.sock");
  absl::StatusOr<Server> server = Serve(endpoint, cook);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto proxy =
      Connect<kitchen::CookProxy>(server->endpoint(), {.shared_memory = GetParam().shares_memory});
  const auto call = [&] {
    for (uint32_t i = 0; i < kCalls; ++i) ASSERT_EQ(proxy.Add(i, 1).value(), i + 1);
  };
  call();
  while (server->Stats().connections.at(0).shares_memory != GetParam().shares_memory) call();
  // A thread that begins to stay with the connection, or leaves it, allocates then: so there are
  // series of calls in which something does, but as long as no call does there is one in which none
  // does. The server's calls are counted as long as one thread runs them.
  uint64_t by_caller = 1;
  uint64_t by_server = 1;
  uint64_t counted = 0;
  for (int series = 0; series < kMostSeries; ++series) {
    cook->Reset();
    const uint64_t before = allocations;
    call();
    by_caller = allocations - before;
    by_server = cook->counted();
    counted = cook->calls();
    if (by_caller + by_server == 0 && counted >= kCalls / 2) break;
  }
  EXPECT_EQ(by_caller, 0u);
  EXPECT_EQ(by_server, 0u);
  EXPECT_GE(counted, kCalls / 2u);
}

// A call to an object that was asked for inside an answer is, once that is here, one as any other.
TEST(PipelinedProxies, AllocateNothingOnceTheAnswerIsHere) {
  const testing_support::TempDir dir;
  const auto cook = std::make_shared<CountingCook>();
  const Server server = Serve("unix://" + dir.path("cook.sock"), cook).value();
  const auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  const kitchen::CookProxy::Async other = proxy.async().MakeCook().Pipeline();
  uint64_t by_caller = 1;
  for (int series = 0; series < kMostSeries && by_caller > 0; ++series) {
    const uint64_t before = allocations;
    for (uint32_t i = 0; i < kCalls; ++i) ASSERT_EQ(other.Add(i, 1).Get().value(), i + 1);
    by_caller = allocations - before;
  }
  EXPECT_EQ(by_caller, 0u);
}

TEST(OneWayCalls, AllocateNothingForTheirCallerOnceWarm) {
  const testing_support::TempDir dir;
  Server server = Serve("unix://" + dir.path("cook.sock"), std::make_shared<OneWayCook>()).value();
  const auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  const auto one_way = proxy.one_way();
  uint64_t by_caller = 1;
  for (int series = 0; series < kMostSeries && by_caller > 0; ++series) {
    by_caller = 0;
    for (int round = 0; round < 10; ++round) {
      // The queue is empty, and the socket takes all of them: what waits to be written needs
      // memory.
      ASSERT_TRUE(proxy.Add(1, 2).ok());
      const uint64_t before = allocations;
      for (uint32_t i = 0; i < kCalls / 10; ++i) ASSERT_EQ(one_way.Note(i), absl::OkStatus());
      by_caller += allocations - before;
    }
  }
  EXPECT_EQ(by_caller, 0u);
}

struct alignas(4 * alignof(std::max_align_t)) Aligned {
  std::byte bytes[64];
};

// What each way of asking for memory, and of giving it back, adds.
TEST(Allocations, AreCounted) {
  const auto count = [](auto&& allocate) {
    const uint64_t before = allocations;
    allocate();
    return allocations - before;
  };
  void* volatile memory = nullptr;  // so that none is left out
  const auto release = [&] { free(memory); };
  EXPECT_EQ(count([&] { memory = malloc(1000); }), 1u);
  EXPECT_EQ(count([&] { memory = realloc(memory, 2000); }), 1u);
  EXPECT_EQ(count(release), 0u);
  EXPECT_EQ(count([&] { memory = calloc(10, 100); }), 1u);
  release();
  EXPECT_EQ(count([&] { memory = aligned_alloc(64, 128); }), 1u);
  release();
  EXPECT_EQ(count([&] { memory = memalign(64, 128); }), 1u);
  release();
  void* aligned = nullptr;
  EXPECT_EQ(count([&] { EXPECT_EQ(posix_memalign(&aligned, 64, 128), 0); }), 1u);
  free(aligned);
  EXPECT_EQ(count([&] { memory = operator new(1000); }), 1u);
  operator delete(memory);
  EXPECT_EQ(count([&] { memory = new Aligned; }), 1u);
  delete static_cast<Aligned*>(memory);
}

}  // namespace
}  // namespace drover

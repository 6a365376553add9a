// What a blocking call without pointers costs once everything is warm: no memory is asked for, on
// either side. Every way of asking the C library for memory is counted here, thread by thread.
//
// Not built with the sanitizers, which have an allocator of their own and no memory recycled.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

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
void* __libc_malloc(size_t size);                 // NOLINT: its names
void* __libc_calloc(size_t count, size_t size);   // NOLINT
void* __libc_realloc(void* memory, size_t size);  // NOLINT

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
}

namespace drover {
namespace {

constexpr int kCalls = 1000;
constexpr int kMostSeries = 100;

// Counts what the thread that runs it allocated from one call to the next.
class CountingCook final : public testing_support::Cook {
 public:
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

TEST(BlockingCalls, AllocateNothingOnceWarm) {
  const testing_support::TempDir dir;
  const auto cook = std::make_shared<CountingCook>();
  absl::StatusOr<Server> server = Serve("unix://" + dir.path("cook.sock"), cook);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
  const auto call = [&] {
    for (uint32_t i = 0; i < kCalls; ++i) ASSERT_EQ(proxy.Add(i, 1).value(), i + 1);
  };
  // A thread that begins to stay with the connection, or leaves it, allocates then: so there are
  // series of calls in which something does, but as long as no call does there is one in which none
  // does.
  uint64_t by_caller = 1;
  uint64_t by_server = 1;
  for (int series = 0; series < kMostSeries && by_caller + by_server > 0; ++series) {
    cook->Reset();
    const uint64_t before = allocations;
    call();
    by_caller = allocations - before;
    by_server = cook->counted();
    EXPECT_GT(cook->calls(), 0u);
  }
  EXPECT_EQ(by_caller, 0u);
  EXPECT_EQ(by_server, 0u);
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

TEST(Allocations, AreCounted) {
  const uint64_t before = allocations;
  const auto memory = std::make_unique<std::byte[]>(1000);
  EXPECT_NE(memory.get(), nullptr);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace drover

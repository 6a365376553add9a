// What leaves in one write, between two connections of which one has its writes noted.
#include "drover/rpc/batching.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "drover/async/cpu.h"
#include "drover/async/spin_setting.h"
#include "drover/async/steady_clock.h"
#include "drover/base/mutex.h"
#include "drover/base/sanitizer.h"
#include "rpc/peer_fixture.h"
#include "support/forwarding_stream.h"

namespace drover::rpc {
namespace {

using testing::Le;

class Writes {
 public:
  void Note(size_t bytes) {
    base::MutexLock lock(&mu_);
    sizes_.push_back(bytes);
  }
  // Those since the last call of this.
  std::vector<size_t> Take() {
    base::MutexLock lock(&mu_);
    return std::exchange(sizes_, {});
  }

 private:
  base::Mutex mu_;
  std::vector<size_t> sizes_ ABSL_GUARDED_BY(mu_);
};

class NotedStream final : public testing_support::ForwardingStream {
 public:
  NotedStream(base::UniqueFd fd, std::shared_ptr<Writes> writes)
      : ForwardingStream(transport::SocketStream::Make(std::move(fd), "unix")),
        writes_(std::move(writes)) {}

  transport::IoResult Write(std::span<const iovec> from) override {
    const transport::IoResult result = ForwardingStream::Write(from);
    writes_->Note(result.bytes);
    return result;
  }

 private:
  const std::shared_ptr<Writes> writes_;  // it may be written to after its test
};

// Takes its time for each sum, and does not sleep.
class SlowCook : public Cook {
 public:
  explicit SlowCook(int64_t nanos) : nanos_(nanos) {}

  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    const int64_t until = async::SteadyNanos() + nanos_;
    while (async::SteadyNanos() < until) {
    }
    return a + b;
  }

 private:
  const int64_t nanos_;
};

class Batching : public testing::Test {
 protected:
  ~Batching() override { Stop(); }

  void Stop() {
    proxy_ = {};
    if (!client_) return;
    client_->Close(absl::CancelledError("the test is over"));
    server_->Close(absl::CancelledError("the test is over"));
  }

  void Start(std::shared_ptr<Cook> cook) {
    auto [ours, theirs] = testing_support::SocketPair();
    server_ = Connection::Create(std::make_unique<NotedStream>(std::move(ours), server_writes_),
                                 Options("client", LocalCapability::Of(std::move(cook))));
    client_ = Connection::Create(std::make_unique<NotedStream>(std::move(theirs), client_writes_),
                                 Options("server", nullptr));
    proxy_ = kitchen::CookProxy(Proxy::FromCapability(client_->Bootstrap()));
    ASSERT_EQ(*proxy_.Add(1, 2), 3u);  // the front object is here: calls go to it in short frames
    greeting_writes_ = server_writes_->Take().size();
    client_writes_->Take();
  }

  // Makes so many calls, waits until all answers are here, then takes one after the other and makes
  // a call in its place; only the writes of these calls and of their answers are remembered.
  void TurnWindow(uint32_t count) {
    std::vector<Future<uint32_t>> answers;
    for (uint32_t i = 0; i < count; ++i) answers.push_back(proxy_.async().Add(i, 0));
    for (Future<uint32_t>& answer : answers) answer.WaitUntil(absl::InfiniteFuture());
    server_writes_->Take();
    client_writes_->Take();
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(*answers[i].Get(), i);
      answers[i] = proxy_.async().Add(i, 0);
    }
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(*answers[i].Get(), i);
  }

  // Turns windows until one took fewer writes than calls, or for kMostTries.
  size_t FewestWrites(Writes& writes, uint32_t count) {
    size_t fewest = SIZE_MAX;
    for (int i = 0; i < kMostTries && fewest >= count; ++i) {
      TurnWindow(count);
      fewest = std::min(fewest, writes.Take().size());
    }
    return fewest;
  }

  // An end that is slow, because it shares its CPU, writes in between.
  static constexpr int kMostTries = 1000;
  const std::shared_ptr<Writes> server_writes_ = std::make_shared<Writes>();
  const std::shared_ptr<Writes> client_writes_ = std::make_shared<Writes>();
  size_t greeting_writes_ = 0;  // of the server's, until the first call was answered
  kitchen::CookProxy proxy_;

 private:
  static ConnectionOptions Options(std::string name, base::Ref<Capability> front) {
    ConnectionOptions options;
    options.name = std::move(name);
    options.terms = std::make_shared<const ConnectionTerms>();
    options.front_object = std::move(front);
    return options;
  }

  base::Ref<Connection> server_;
  base::Ref<Connection> client_;
};

TEST_F(Batching, RepliesWaitForHalfOfThePollingAtMost) {
  if (async::AvailableCpus() == 1) GTEST_SKIP() << "with one CPU nobody polls";
  EXPECT_THAT(2 * MostReplyWaitNanos(), Le(absl::ToInt64Nanoseconds(async::kDefaultSpin)));
}

TEST_F(Batching, CallsOfAWindowLeaveTogether) {
  Start(std::make_shared<Cook>());
  EXPECT_LT(FewestWrites(*client_writes_, 256), 256u);
}

TEST_F(Batching, GivesThePeerWorkBeforeAllOfAWindowIsCollected) {
  Start(std::make_shared<Cook>());
  constexpr size_t kMostOfACall = 256;
  const size_t most = MostWaitingCallBytes() + kMostOfACall;
  size_t first = SIZE_MAX;
  // More may have collected behind a writer that lost its CPU.
  for (int i = 0; i < kMostTries && first > most; ++i) {
    TurnWindow(256);
    first = client_writes_->Take().front();
  }
  EXPECT_LE(first, most);
}

class BatchingOfReplies : public Batching {
 protected:
  void SetUp() override {
#ifdef DROVER_TSAN
    GTEST_SKIP() << "calls that take as long as there go to the pool, each for itself";
#endif
  }
};

TEST_F(BatchingOfReplies, ToRequestsThatCameTogetherLeaveTogether) {
  Start(std::make_shared<Cook>());
  EXPECT_LT(FewestWrites(*server_writes_, 32), 32u);
}

TEST_F(BatchingOfReplies, ToBootstrapLeaveWithThoseToTheCallBehindIt) {
  for (int i = 0; i < kMostTries && greeting_writes_ != 1; ++i) {
    Stop();
    Start(std::make_shared<Cook>());
  }
  EXPECT_EQ(greeting_writes_, 1u);
}

TEST_F(Batching, RepliesDoNotWaitForAllRequestsThatCameTogether) {
  constexpr int64_t kNanos = 40'000;
  Start(std::make_shared<SlowCook>(kNanos));
  const int64_t most_replies = 1 + (MostReplyWaitNanos() + kNanos - 1) / kNanos;
  const size_t fewest = 32u / most_replies;
  size_t writes = 0;
  for (int i = 0; i < kMostTries && writes < fewest; ++i) {
    TurnWindow(32);
    writes = server_writes_->Take().size();
  }
  EXPECT_GE(writes, fewest);
}

}  // namespace
}  // namespace drover::rpc

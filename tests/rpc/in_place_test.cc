// Large messages between processes that trust each other: built where the peer reads them.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/trusted_processes.h"
#include "drover/object/connect.h"
#include "drover/object/one_way.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/mapping.h"
#include "support/temp_dir.h"
#include "support/zero_copy_cook.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::CookZeroCopyProxy;
using testing_support::IsInArena;
using testing_support::ZeroCopyCook;

constexpr size_t kMega = 1 << 20;

std::vector<uint8_t> Bytes(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + i / 257);
  return bytes;
}

// One process is both peers. It trusts itself where a test says so.
class LargeMessages : public testing::Test {
 protected:
  ~LargeMessages() override { base::TrustedProcesses::Forget(getpid()); }

  void Start() {
    server_.emplace(Serve("shm://" + dir_.path("cook"), cook_).value());
    cook_proxy_ = Connect<CookProxy>(server_->endpoint());
    ASSERT_EQ(cook_proxy_.Add(1, 2).value(), 3u);
  }
  // Whether params and results of an echo lay in the memory that is shared.
  std::pair<bool, bool> EchoInPlace(size_t size) {
    const auto params = std::make_shared<bool>(false);
    cook_->on_echo = [params](ZeroCopyCook::EchoContext& call) {
      const capnp::Data::Reader data = call.params().getData();
      *params = IsInArena(data.begin());
      call.results(data.size()).setData(data);
      return absl::OkStatus();
    };
    const std::vector<uint8_t> bytes = Bytes(size);
    auto call = CookZeroCopyProxy(cook_proxy_).Echo(size);
    call.params().setData(capnp::Data::Reader(bytes.data(), bytes.size()));
    const auto reply = call.Send();
    EXPECT_TRUE(reply.ok()) << reply.status();
    const capnp::Data::Reader echoed = reply->results().getData();
    EXPECT_TRUE(std::equal(echoed.begin(), echoed.end(), bytes.begin(), bytes.end()));
    return {*params, IsInArena(echoed.begin())};
  }

  testing_support::TempDir dir_;
  const std::shared_ptr<ZeroCopyCook> cook_ = std::make_shared<ZeroCopyCook>();
  std::optional<Server> server_;
  CookProxy cook_proxy_;
};

TEST_F(LargeMessages, AreReadInPlaceFromAPeerThatIsTrusted) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  EXPECT_EQ(EchoInPlace(kMega), std::pair(true, true));
}

TEST_F(LargeMessages, AreCopiedFromOneThatIsNot) {
  Start();
  EXPECT_EQ(EchoInPlace(kMega), std::pair(false, false));
}

TEST_F(LargeMessages, ArriveWholeWhateverTheirSize) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{4'000}, size_t{16'383}, size_t{16'384},
                            size_t{16'385}, size_t{100'003}, kMega - 1, 5 * kMega, 20 * kMega}) {
    EchoInPlace(size);
    const std::vector<uint8_t> bytes = Bytes(size);
    EXPECT_EQ(cook_proxy_.Echo(bytes).value(), bytes);
  }
}

// Each of these is done so often that what one left behind would fill the memory.
class LargeMessagesLeaveNothingBehind : public LargeMessages {
 protected:
  static constexpr int kTimes = 80;           // more than there are blocks
  static constexpr size_t kSize = 256 << 10;  // more than there is room for

  void SetUp() override {
    base::TrustedProcesses::Trust(getpid());
    Start();
    cook_->on_echo = nullptr;
  }
  void TearDown() override {
    // A call that nobody waits for ends when it likes.
    while (EchoInPlace(kMega) != std::pair(true, true)) std::this_thread::yield();
  }
  const std::vector<uint8_t> bytes_ = Bytes(kSize);
};

TEST_F(LargeMessagesLeaveNothingBehind, ThatWereAnswered) {
  for (int i = 0; i < kTimes; ++i) ASSERT_EQ(cook_proxy_.Echo(bytes_).value(), bytes_);
}

TEST_F(LargeMessagesLeaveNothingBehind, ThatWereSentBackAsTheyAre) {
  cook_->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(call.params().getData()));
    return absl::OkStatus();
  };
  for (int i = 0; i < kTimes; ++i) {
    auto call = CookZeroCopyProxy(cook_proxy_).Echo();
    const uint8_t* const built = [&] {
      auto data = call.params().initData(kSize);
      std::copy(bytes_.begin(), bytes_.end(), data.begin());
      return data.begin();
    }();
    const auto reply = call.Send();
    ASSERT_TRUE(reply.ok()) << reply.status();
    const capnp::Data::Reader data = reply->results().getData();
    EXPECT_EQ(data.begin(), built);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), bytes_.begin(), bytes_.end()));
  }
}

TEST_F(LargeMessagesLeaveNothingBehind, WhoseCallsFailed) {
  cook_->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results(kSize).initData(kSize);
    return absl::DataLossError("burnt");
  };
  for (int i = 0; i < kTimes; ++i) {
    ASSERT_EQ(cook_proxy_.Echo(bytes_).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(LargeMessagesLeaveNothingBehind, WhoseCallsWereCancelled) {
  for (int i = 0; i < kTimes; ++i) {
    const Future<std::vector<uint8_t>> dropped = cook_proxy_.async().Echo(bytes_);
  }
}

TEST_F(LargeMessagesLeaveNothingBehind, ThatWereNeverSent) {
  for (int i = 0; i < kTimes; ++i) {
    auto call = CookZeroCopyProxy(cook_proxy_).Echo(kSize);
    call.params().initData(kSize);
  }
}

TEST_F(LargeMessagesLeaveNothingBehind, ThatWereSentOneWay) {
  for (int i = 0; i < kTimes; ++i) {
    ASSERT_EQ(cook_proxy_.one_way().Fail(0, std::string(kSize, 't')), absl::OkStatus());
  }
  ASSERT_EQ(Sync(cook_proxy_), absl::OkStatus());
}

TEST_F(LargeMessagesLeaveNothingBehind, WhoseResultsHoldObjects) {
  ASSERT_EQ(cook_proxy_.Keep(std::make_shared<testing_support::Parrot>()), absl::OkStatus());
  for (int i = 0; i < kTimes; ++i) {
    ASSERT_EQ(cook_proxy_.Tell(std::make_shared<testing_support::Parrot>(), std::string(kSize, 't'))
                      .value()
                      .size() > 0,
              true);
  }
}

// The two ends must agree on how much of the window a call takes.
TEST_F(LargeMessagesLeaveNothingBehind, OfOneSegmentThatWereSentOneWay) {
  for (int i = 0; i < kTimes; ++i) {
    ASSERT_EQ(cook_proxy_.one_way().Fail(0, std::string(15'900 + 8 * i, 't')), absl::OkStatus());
  }
  ASSERT_EQ(Sync(cook_proxy_), absl::OkStatus());
  EXPECT_EQ(cook_proxy_.Add(1, 2).value(), 3u);
}

TEST_F(LargeMessages, ArriveWholeFromManyThreads) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<uint8_t> bytes = Bytes(50'000 + 30'000 * t);
      std::vector<Future<std::vector<uint8_t>>> answers;
      for (int i = 0; i < 40; ++i) answers.push_back(cook_proxy_.async().Echo(bytes));
      for (auto& answer : answers) EXPECT_EQ(answer.Get().value(), bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(LargeMessages, StayAsLongAsTheyAreRead) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  const std::vector<uint8_t> first = Bytes(kMega);
  auto call = CookZeroCopyProxy(cook_proxy_).Echo(kMega);
  call.params().setData(capnp::Data::Reader(first.data(), first.size()));
  const auto reply = call.Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(cook_proxy_.Echo(std::vector<uint8_t>(kMega, 'o')).value().size(), kMega);
  }
  // Nor does it end with its connection.
  cook_proxy_ = CookProxy();
  server_.reset();
  const capnp::Data::Reader kept = reply->results().getData();
  EXPECT_TRUE(IsInArena(kept.begin()));
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), first.begin(), first.end()));
}

TEST_F(LargeMessages, ThatAreKeptDoNotKeepOthersFromBeingSent) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  const std::vector<uint8_t> bytes = Bytes(kMega);
  std::vector<decltype(CookZeroCopyProxy(cook_proxy_).Echo())::Reply> kept;
  for (int i = 0; i < 40; ++i) {  // more than the memory takes
    auto call = CookZeroCopyProxy(cook_proxy_).Echo(kMega);
    call.params().setData(capnp::Data::Reader(bytes.data(), bytes.size()));
    auto reply = call.Send();
    ASSERT_TRUE(reply.ok()) << reply.status();
    kept.push_back(*std::move(reply));
  }
  EXPECT_TRUE(IsInArena(kept.front().results().getData().begin()));
  EXPECT_FALSE(IsInArena(kept.back().results().getData().begin()));
  for (const auto& reply : kept) {
    const capnp::Data::Reader data = reply.results().getData();
    EXPECT_TRUE(std::equal(data.begin(), data.end(), bytes.begin(), bytes.end()));
  }
}

TEST_F(LargeMessages, OfAParentAreNotBuiltByAForkedChild) {
  base::TrustedProcesses::Trust(getpid());
  Start();
  ASSERT_EQ(EchoInPlace(kMega), std::pair(true, true));
  testing_support::ChildProcess child([&] {
    const absl::Status status = cook_proxy_.Echo(Bytes(kMega)).status();
    return status.code() == absl::StatusCode::kFailedPrecondition ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(EchoInPlace(kMega), std::pair(true, true));
}

// A peer that is trusted and dies leaves nothing that anybody waits for.
TEST_F(LargeMessages, OfAServerThatIsKilledCanStillBeRead) {
  testing_support::Pipe up;
  testing_support::Pipe down;
  const std::string endpoint = "shm://" + dir_.path("killed");
  testing_support::ChildProcess server([&] {
    base::TrustedProcesses::Trust(getppid());
    const Server serving = Serve(endpoint, std::make_shared<ZeroCopyCook>()).value();
    up.Send("serves");
    pause();
    return 0;
  });
  ASSERT_EQ(up.Receive(), "serves");
  base::TrustedProcesses::Trust(server.pid());
  const CookProxy cook = Connect<CookProxy>(endpoint);
  ASSERT_EQ(cook.Add(1, 2).value(), 3u);
  const std::vector<uint8_t> bytes = Bytes(kMega);
  auto call = CookZeroCopyProxy(cook).Echo(kMega);
  call.params().setData(capnp::Data::Reader(bytes.data(), bytes.size()));
  const auto reply = call.Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(IsInArena(reply->results().getData().begin()));
  server.Kill(SIGKILL);
  EXPECT_EQ(cook.Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
  const capnp::Data::Reader kept = reply->results().getData();
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), bytes.begin(), bytes.end()));
  base::TrustedProcesses::Forget(server.pid());
}

}  // namespace
}  // namespace drover

// Large messages within a fleet: its host, its workers, and who is neither.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/fleet_server/serve_fleet.h"
#include "drover/object/connect.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/mapping.h"
#include "support/temp_dir.h"
#include "support/until.h"
#include "support/zero_copy_cook.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::CookZeroCopyProxy;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using testing_support::IsInArena;
using testing_support::SharedMappings;
using testing_support::Until;
using testing_support::ZeroCopyCook;

constexpr size_t kLarge = 1 << 18;
constexpr const char* kArena = "/memfd:drover-arena (deleted)";

enum class Read { kNothing, kCopied, kInPlace, kWrong };

Read How(const capnp::Data::Reader& data) {
  return IsInArena(data.begin()) ? Read::kInPlace : Read::kCopied;
}

// How the answer to a large echo was read; kWrong if there is none, or not the bytes that were
// sent.
Read EchoBy(const CookProxy& cook) {
  auto call = CookZeroCopyProxy(cook).Echo(kLarge);
  capnp::Data::Builder sent = call.params().initData(kLarge);
  const auto byte = [](size_t i) { return static_cast<uint8_t>(2 + (i * 31 + i / 257) % 250); };
  for (size_t i = 0; i < kLarge; ++i) sent[i] = byte(i);
  const auto reply = call.Send();
  if (!reply.ok()) return Read::kWrong;
  const capnp::Data::Reader data = reply->results().getData();
  if (data.size() != kLarge) return Read::kWrong;
  for (size_t i = 0; i < kLarge; ++i) {
    if (data[i] != byte(i)) return Read::kWrong;
  }
  return How(data);
}
Read EchoAt(const Endpoint& endpoint) {
  const CookProxy cook = Connect<CookProxy>(endpoint);
  return cook.Add(1, 2).ok() ? EchoBy(cook) : Read::kWrong;
}

// Remembers how it read what it echoed, which Add(0, 0) tells. Asked to, by a first byte of 1, it
// calls another worker instead, and tells by the code of an error how it read that one's answer.
class Worker final : public ZeroCopyCook {
 public:
  explicit Worker(std::string other) {
    on_echo = [other = std::move(other), this](EchoContext& call) {
      const capnp::Data::Reader data = call.params().getData();
      if (data.size() == kLarge && data[0] == 1) {
        const Read read = EchoAt(Endpoint::Parse(other).value());
        if (read == Read::kWrong) return absl::DataLossError("wrong");
        return read == Read::kInPlace ? absl::AlreadyExistsError("in place")
                                      : absl::NotFoundError("copied");
      }
      read_ = How(data);
      call.results(data.size()).setData(data);
      return absl::OkStatus();
    };
  }
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    return a == 0 && b == 0 ? static_cast<uint32_t>(read_) : a + b;
  }

 private:
  Read read_ = Read::kNothing;
};

Read HowItRead(const CookProxy& cook) { return static_cast<Read>(cook.Add(0, 0).value()); }

class FleetMessages : public testing::Test {
 protected:
  Fleet Start() {
    return ServeFleet(
               {.workers = 2,
                .endpoints = {Endpoint::Parse(At(0)).value(), Endpoint::Parse(At(1)).value()}},
               [this](int slot) { return std::make_shared<Worker>(At(1 - slot)); })
        .value();
  }
  // Where nobody says.
  static Fleet StartAtDefaultEndpoints(const ServerOptions& options) {
    return ServeFleet({.workers = 2, .server = options},
                      [](int) { return std::make_shared<Worker>(""); })
        .value();
  }
  std::string At(int slot) const { return "shm://" + dir_.path("worker" + std::to_string(slot)); }

 private:
  testing_support::TempDir dir_;
};

TEST_F(FleetMessages, AreReadInPlaceByHostAndWorker) {
  const Fleet fleet = Start();
  EXPECT_EQ(EchoAt(fleet.endpoints()[0]), Read::kInPlace);
  EXPECT_EQ(HowItRead(Connect<CookProxy>(fleet.endpoints()[0])), Read::kInPlace);
}

TEST_F(FleetMessages, AreReadInPlaceByTwoWorkers) {
  const Fleet fleet = Start();
  std::vector<uint8_t> ask(kLarge);
  ask[0] = 1;
  const absl::Status told = Connect<CookProxy>(fleet.endpoints()[0]).Echo(ask).status();
  EXPECT_EQ(told.code(), absl::StatusCode::kAlreadyExists) << told;
  EXPECT_EQ(HowItRead(Connect<CookProxy>(fleet.endpoints()[1])), Read::kInPlace);
}

TEST_F(FleetMessages, LieInMemoryThatHasNoNameAndEndsWithAKilledWorker) {
  const Fleet fleet = Start();
  const pid_t worker = fleet.status()[0].pid;
  {
    const CookProxy cook = Connect<CookProxy>(fleet.endpoints()[0]);
    EXPECT_EQ(EchoBy(cook), Read::kInPlace);
    for (const pid_t end : {getpid(), worker}) {
      EXPECT_THAT(SharedMappings(end), Contains(kArena));
      EXPECT_THAT(SharedMappings(end), Each(AnyOf(kArena, "/memfd:drover-rings (deleted)")));
    }
    kill(worker, SIGKILL);
  }
  Until([] { return SharedMappings(getpid()).empty(); });
}

TEST_F(FleetMessages, AreCopiedForAProcessThatIsNotOfTheFleet) {
  testing_support::Pipe down;
  testing_support::ChildProcess stranger([&] {
    if (down.Receive() != "it serves") return 1;
    switch (EchoAt(Endpoint::Parse(At(0)).value())) {
      case Read::kCopied:
        return 0;
      case Read::kInPlace:
        return 2;
      default:
        return 3;
    }
  });
  const Fleet fleet = Start();
  down.Send("it serves");
  const int status = stranger.Wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(HowItRead(Connect<CookProxy>(fleet.endpoints()[0])), Read::kCopied);
}

// More than enough small answers: some 60 make 4 KiB.
void CallOften(const CookProxy& cook) {
  for (uint32_t i = 1; i <= 500; ++i) ASSERT_EQ(cook.Add(i, 1).value(), i + 1);
}

TEST_F(FleetMessages, GoOverByThemselvesAtADefaultEndpoint) {
  const Fleet fleet = StartAtDefaultEndpoints({});
  for (const Endpoint& endpoint : fleet.endpoints()) {
    ASSERT_EQ(endpoint.scheme(), Endpoint::Scheme::kUnix);
    const CookProxy cook = Connect<CookProxy>(endpoint);
    ASSERT_EQ(cook.Add(1, 2).value(), 3u);
    EXPECT_EQ(EchoBy(cook), Read::kCopied);  // the answer is the first 4 KiB
    EXPECT_EQ(HowItRead(cook), Read::kCopied);
    CallOften(cook);
    while (EchoBy(cook) != Read::kInPlace) {  // when it goes over, the worker's threads decide
    }
    EXPECT_EQ(HowItRead(cook), Read::kInPlace);
  }
}

TEST_F(FleetMessages, AreCopiedWhereTheServerSharesNoMemory) {
  const Fleet fleet = StartAtDefaultEndpoints({.shared_memory = false});
  for (const Endpoint& endpoint : fleet.endpoints()) {
    const CookProxy cook = Connect<CookProxy>(endpoint);
    CallOften(cook);
    EXPECT_EQ(EchoBy(cook), Read::kCopied);
    EXPECT_EQ(HowItRead(cook), Read::kCopied);
  }
}

}  // namespace
}  // namespace drover

// Large messages within a fleet: its host, its workers, and who is neither.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/fleet_server/serve_fleet.h"
#include "drover/object/connect.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/mapping.h"
#include "support/temp_dir.h"
#include "support/zero_copy_cook.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::CookZeroCopyProxy;
using testing_support::IsInArena;
using testing_support::ZeroCopyCook;

constexpr size_t kLarge = 1 << 18;

// Whether the answer to a large echo was read where its server had built it.
bool EchoIsReadInPlace(const Endpoint& endpoint) {
  const CookProxy cook = Connect<CookProxy>(endpoint);
  EXPECT_EQ(cook.Add(1, 2).value(), 3u);
  auto call = CookZeroCopyProxy(cook).Echo(kLarge);
  call.params().initData(kLarge)[kLarge - 1] = 7;
  const auto reply = call.Send();
  EXPECT_TRUE(reply.ok()) << reply.status();
  if (!reply.ok()) return false;
  const capnp::Data::Reader data = reply->results().getData();
  EXPECT_EQ(data[kLarge - 1], 7);
  return IsInArena(data.begin());
}

// Remembers whether it read what it echoed in place, which Add(0, 0) tells. Asked to, by a first
// byte of 1, it calls another worker instead, and tells by the code of an error whether it read
// that one's answer in place.
class Worker final : public ZeroCopyCook {
 public:
  explicit Worker(std::string other) {
    on_echo = [other = std::move(other), this](EchoContext& call) {
      const capnp::Data::Reader data = call.params().getData();
      if (data.size() == kLarge && data[0] == 1) {
        return EchoIsReadInPlace(Endpoint::Parse(other).value())
                   ? absl::AlreadyExistsError("in place")
                   : absl::NotFoundError("copied");
      }
      in_place_ = IsInArena(data.begin());
      call.results(data.size()).setData(data);
      return absl::OkStatus();
    };
  }
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    return a == 0 && b == 0 ? uint32_t{in_place_} : a + b;
  }

 private:
  bool in_place_ = false;
};

class FleetMessages : public testing::Test {
 protected:
  Fleet Start() {
    return ServeFleet(
               {.workers = 2,
                .endpoints = {Endpoint::Parse(At(0)).value(), Endpoint::Parse(At(1)).value()}},
               [this](int slot) { return std::make_shared<Worker>(At(1 - slot)); })
        .value();
  }
  std::string At(int slot) const { return "shm://" + dir_.path("worker" + std::to_string(slot)); }

 private:
  testing_support::TempDir dir_;
};

TEST_F(FleetMessages, AreReadInPlaceByHostAndWorker) {
  const Fleet fleet = Start();
  EXPECT_TRUE(EchoIsReadInPlace(fleet.endpoints()[0]));
  EXPECT_EQ(Connect<CookProxy>(fleet.endpoints()[0]).Add(0, 0).value(), 1u);
}

TEST_F(FleetMessages, AreReadInPlaceByTwoWorkers) {
  const Fleet fleet = Start();
  std::vector<uint8_t> ask(kLarge);
  ask[0] = 1;
  const absl::Status told = Connect<CookProxy>(fleet.endpoints()[0]).Echo(ask).status();
  EXPECT_EQ(told.code(), absl::StatusCode::kAlreadyExists) << told;
  EXPECT_EQ(Connect<CookProxy>(fleet.endpoints()[1]).Add(0, 0).value(), 1u);
}

TEST_F(FleetMessages, AreCopiedForAProcessThatIsNotOfTheFleet) {
  testing_support::Pipe down;
  testing_support::ChildProcess stranger([&] {
    if (down.Receive() != "it serves") return 1;
    return EchoIsReadInPlace(Endpoint::Parse(At(0)).value()) ? 2 : 0;
  });
  const Fleet fleet = Start();
  down.Send("it serves");
  EXPECT_EQ(stranger.Wait(), 0);
  EXPECT_EQ(Connect<CookProxy>(fleet.endpoints()[0]).Add(0, 0).value(), 0u);
}

}  // namespace
}  // namespace drover

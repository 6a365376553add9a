// Many connections of one process that are busy at the same time: whoever serves them, none waits
// for the others.
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/async/busy_connections.h"
#include "drover/async/dispatch_predictor.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/base/mutex.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.capnp.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Cook;

constexpr int kPairs = 4;
constexpr uint32_t kMeet = 1'000'000;

// Add(kMeet, pair) blocks its thread, out of Drover's sight, until the other call of that pair is
// here too. Each caller has a cook of its own, for one cook runs one call at a time.
class MeetingCook final : public Cook {
 public:
  struct Pair {
    base::Mutex mu;
    base::CondVar changed;
    int count ABSL_GUARDED_BY(mu) = 0;
  };
  using Pairs = std::shared_ptr<std::array<Pair, kPairs>>;

  explicit MeetingCook(Pairs arrived) : arrived_(std::move(arrived)) {}

  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    if (a == kMeet) Meet(arrived_->at(b));
    return a + b;
  }
  absl::StatusOr<CookProxy> MakeCook() override {
    return CookProxy(std::make_shared<MeetingCook>(arrived_));
  }

 private:
  static void Meet(Pair& pair) {
    base::MutexLock lock(&pair.mu);
    const int both = (pair.count / 2 + 1) * 2;
    if (++pair.count == both) pair.changed.SignalAll();
    while (pair.count < both) pair.changed.Wait(&pair.mu);
  }

  const Pairs arrived_;
};

TEST(BusyConnections, ServeEachOthersCallsWhileCallsBlock) {
  testing_support::TempDir dir;
  const std::string endpoint = "unix://" + dir.path() + "/s.sock";
  const auto pairs = std::make_shared<std::array<MeetingCook::Pair, kPairs>>();
  Server server = Serve(endpoint, std::make_shared<MeetingCook>(pairs)).value();
  std::vector<std::thread> callers;
  for (uint32_t i = 0; i < 2 * kPairs; ++i) {
    callers.emplace_back([endpoint, pair = i / 2] {
      const CookProxy cook = Connect<CookProxy>(endpoint).MakeCook().value();
      for (int round = 0; round < 10; ++round) {
        // Quick ones: the connection is busy, and the method is known to be quick.
        for (uint32_t n = 0; n < 200; ++n) ASSERT_EQ(*cook.Add(n, 1), n + 1);
        ASSERT_EQ(*cook.Add(kMeet, pair), kMeet + pair);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

// A thread that stays with its connection, and is held up in a call of it.
class BusyConnectionsThatAreStuck : public testing::Test {
 protected:
  // Add tells whether its thread has a place among those that stay: there is no other connection
  // that is busy. Asked to, it then blocks, out of Drover's sight. So does Sleep, if such a thread
  // has lent the reading to others for it.
  class StickingCook final : public Cook {
   public:
    static constexpr uint32_t kLook = 0, kStick = 1;

    absl::StatusOr<uint32_t> Add(uint32_t stick, uint32_t) override {
      const async::InlineSlot* slot = SlotOfRun();
      stays_ = slot != nullptr && slot->KeepsReading() && Apart() == 1;
      if (stays_ && stick == kStick) Stick();
      return stays_;
    }
    absl::Status Sleep(uint32_t) override {
      const async::InlineSlot* slot = SlotOfRun();
      const bool lent = slot != nullptr && !slot->KeepsReading();
      if (!stays_ || !lent) return absl::UnavailableError("it would not be what is tested");
      Stick();
      return absl::OkStatus();
    }

    testing_support::Pipe stuck, go_on;

   private:
    // If the call runs where it was read. To be asked once: a run that takes long is taken away.
    static const async::InlineSlot* SlotOfRun() {
      const async::InlineSlot* slot = async::ThreadContext::Current().slot;
      return slot != nullptr && slot->LastRun().under_way ? slot : nullptr;
    }
    void Stick() {
      stuck.Send("stuck");
      EXPECT_EQ(go_on.Receive(), "go on");
    }

    bool stays_ = false;
  };

  static int Apart() { return async::BusyConnections::Get().apart(); }

  // Once the cook is stuck. Whoever goes on with the reading may have the place, for a while.
  void ExpectThatThePlaceIsFree() {
    EXPECT_EQ(cook_->stuck.Receive(), "stuck");
    testing_support::Until([] { return Apart() == 0; });
    cook_->go_on.Send("go on");
  }

  testing_support::TempDir dir_;
  Runtime runtime_{{.spin = absl::ZeroDuration()}};
  const std::shared_ptr<StickingCook> cook_ = std::make_shared<StickingCook>();
  Server server_ = Serve("unix://" + dir_.path("cook"), cook_, {.runtime = &runtime_}).value();
};

TEST_F(BusyConnectionsThatAreStuck, GiveTheirPlaceBackOnceTheReadingIsHandedOver) {
  std::thread caller([this] {
    const auto cook = Connect<CookProxy>(server_.endpoint());
    while (cook.Add(StickingCook::kStick, 0).value() == 0) {
    }
  });
  ExpectThatThePlaceIsFree();
  caller.join();
}

TEST_F(BusyConnectionsThatAreStuck, GiveTheirPlaceBackWhileTheReadingIsLent) {
  constexpr uint16_t kSleep = 7;
  const auto key = async::DispatchPredictor::KeyOf(capnp::typeId<kitchen::wire::Cook>(), kSleep);
  std::thread caller([this, key] {
    async::DispatchPredictor& predictor = runtime_.predictor();
    const auto cook = Connect<CookProxy>(server_.endpoint());
    do {
      EXPECT_EQ(cook.Add(StickingCook::kLook, 0).status(), absl::OkStatus());
      if (predictor.Of(key).Choose(/*others_wait=*/false) == async::Dispatch::kInline) {
        predictor.Note(key, async::Outcome::kBlocked);
      }
    } while (!cook.Sleep(0).ok());
  });
  ExpectThatThePlaceIsFree();
  caller.join();
}

}  // namespace
}  // namespace drover

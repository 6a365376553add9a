// Many connections of one process that are busy at the same time: whoever serves them, none waits
// for the others.
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"

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

}  // namespace
}  // namespace drover

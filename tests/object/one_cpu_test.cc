// A server and its clients that have one CPU between them: whoever calls as fast as it can does not
// keep the others from it.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "drover/async/cpu.h"
#include "drover/async/runtime.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Cook;
using testing_support::Until;

// Through shared memory, or the socket.
class OneCpu : public testing::TestWithParam<bool> {
 protected:
  static void SetUpTestSuite() {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(sched_getcpu(), &cpus);
    ASSERT_EQ(sched_setaffinity(0, sizeof cpus, &cpus), 0);
    ASSERT_EQ(async::AvailableCpus(), 1);
  }

  CookProxy Connect() const { return drover::Connect<CookProxy>(server_.endpoint()); }

  const testing_support::TempDir dir_;
  Runtime runtime_;  // the server's
  const Server server_ = Serve("unix://" + dir_.path("cook"), std::make_shared<Cook>(),
                               {.runtime = &runtime_, .shared_memory = GetParam()})
                             .value();
};

TEST_P(OneCpu, LeavesOthersTheirTurnWhileANewClientCalls) {
  // How many calls each of the new clients has made while another one made its first.
  std::vector<int> meanwhile;
  for (int round = 0; round < 21; ++round) {
    std::atomic<bool> stop{false};
    std::atomic<int> answers{0};
    absl::Status end;
    std::thread caller([&] {
      const CookProxy cook = Connect();
      while (!stop.load() && end.ok()) {
        end = cook.Add(1, 2).status();
        answers.fetch_add(1);
      }
    });
    Until([&] { return answers.load() > 0; });
    const int before = answers.load();
    EXPECT_EQ(Connect().With({.timeout = absl::Seconds(20)}).Add(3, 4).status(), absl::OkStatus());
    meanwhile.push_back(answers.load() - before);
    stop.store(true);
    caller.join();
    EXPECT_EQ(end, absl::OkStatus());
  }
  EXPECT_LT(*std::max_element(meanwhile.begin(), meanwhile.end()), 5000);
}

INSTANTIATE_TEST_SUITE_P(Transports, OneCpu, testing::Bool(),
                         [](const auto& info) { return info.param ? "Memory" : "Socket"; });

}  // namespace
}  // namespace drover

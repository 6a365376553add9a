// Many busy connections of one server that one thread serves together: it has time for everything
// else, and ends with its runtime.
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "absl/time/clock.h"
#include "drover/async/busy_connections.h"
#include "drover/async/future.h"
#include "drover/async/runtime.h"
#include "drover/async/timers.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/served_together.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Cook;
using testing_support::Until;

class BusyCook final : public Cook {
 public:
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    testing_support::NoteThatManyAreBusy();
    return a + b;
  }
  absl::StatusOr<CookProxy> MakeCook() override { return CookProxy(std::make_shared<BusyCook>()); }
};

// Calls a cook of its own again and again, until a call fails or it is told to stop.
class Client {
 public:
  explicit Client(const Endpoint& endpoint)
      : thread_([this, endpoint] {
          const CookProxy cook = Connect<CookProxy>(endpoint).MakeCook().value();
          while (!stop_.load() && end_.ok()) {
            if (left_.load() != kForEver) {
              Until([&] { return left_.load() != 0 || stop_.load(); });
              if (left_.load() > 0) left_.fetch_sub(1);
            }
            end_ = cook.Add(1, 2).status();
            if (end_.ok()) answers_.fetch_add(1);
          }
        }) {}
  ~Client() {
    if (thread_.joinable()) Stop().IgnoreError();
  }

  void AwaitAnswer() const {
    const int before = answers_.load();
    Until([&] { return answers_.load() > before; });
  }
  // From now on it makes no call but one, now and then.
  void Pause() { left_.store(0); }
  void CallOnce() {
    const int before = answers_.load();
    left_.store(1);
    Until([&] { return answers_.load() > before; });
  }
  void GoOn() { left_.store(kForEver); }
  // The status of its last call.
  absl::Status Stop() {
    stop_.store(true);
    return AwaitEnd();
  }
  absl::Status AwaitEnd() {
    thread_.join();
    return end_;
  }

 private:
  static constexpr int kForEver = -1;

  std::atomic<bool> stop_{false};
  std::atomic<int> left_{kForEver};
  std::atomic<int> answers_{0};
  absl::Status end_;  // the thread's
  std::thread thread_;
};

// Through shared memory, or the socket.
class ServedTogether : public testing::TestWithParam<bool> {
 protected:
  static constexpr int kClients = 8;

  static void SetUpTestSuite() { testing_support::UseFewCpus(); }

  ServedTogether() {
    for (int i = 0; i < kClients; ++i) clients_.emplace_back(server_->endpoint());
    for (const Client& client : clients_) client.AwaitAnswer();
    Until([] { return async::BusyConnections::Get().together(); });
  }

  void ExpectThatTheyGoOn() {
    for (const Client& client : clients_) client.AwaitAnswer();
    for (Client& client : clients_) EXPECT_EQ(client.Stop(), absl::OkStatus());
  }

  testing_support::TempDir dir_;
  std::optional<Runtime> runtime_{std::in_place};
  std::optional<Server> server_{Serve("unix://" + dir_.path("cook"), std::make_shared<BusyCook>(),
                                      {.runtime = &*runtime_, .shared_memory = GetParam()})
                                    .value()};
  std::deque<Client> clients_;
};

TEST_P(ServedTogether, LeaveTheTimersTheirTurn) {
  Promise<void> rang;
  runtime_->timers().Add(absl::Now() + absl::Milliseconds(5), [&] { rang.Set(absl::OkStatus()); });
  EXPECT_EQ(rang.future().Get(), absl::OkStatus());
  ExpectThatTheyGoOn();
}

TEST_P(ServedTogether, LeaveNewConnectionsTheirTurn) {
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(Connect<CookProxy>(server_->endpoint()).Add(i, 1).value(), i + 1);
  }
  ExpectThatTheyGoOn();
}

TEST_P(ServedTogether, AreHeardAgainAfterAllWereQuiet) {
  for (int round = 0; round < 50; ++round) {
    for (Client& client : clients_) client.Pause();
    clients_[round % kClients].CallOnce();
    for (Client& client : clients_) client.GoOn();
    for (const Client& client : clients_) client.AwaitAnswer();
  }
  ExpectThatTheyGoOn();
}

TEST_P(ServedTogether, EndWithTheirServerAndItsRuntime) {
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  runtime_.reset();
  for (Client& client : clients_) {
    EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kUnavailable);
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, ServedTogether, testing::Bool(),
                         [](const auto& info) { return info.param ? "Memory" : "Socket"; });

}  // namespace
}  // namespace drover

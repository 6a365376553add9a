// The reactor where one thread serves many busy connections: it has time for everything else.
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <optional>
#include <thread>

#include "drover/async/busy_connections.h"
#include "drover/async/future.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/async/steady_clock.h"
#include "drover/base/unique_fd.h"
#include "gtest/gtest.h"
#include "support/served_together.h"
#include "support/until.h"

namespace drover::async {
namespace {

using testing_support::Until;

// Answers each byte.
class Echo final : public EventHandler {
 public:
  explicit Echo(int fd) : fd_(fd) {}

  void OnReady(uint32_t) override {
    testing_support::NoteThatManyAreBusy();
    char byte;
    if (recv(fd_, &byte, 1, MSG_DONTWAIT) == 1) send(fd_, &byte, 1, MSG_NOSIGNAL);
  }
  void HandOver() override {}

 private:
  const int fd_;
};

// Its thread sends a byte and waits for the answer, again and again, as long as the client lives.
class Client {
 public:
  explicit Client(Reactor& reactor) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
    ours_.Reset(fds[0]);
    theirs_.Reset(fds[1]);
    reactor.Watch(reactor.Register(base::MakeRef<Echo>(theirs_.get())), theirs_.get(), 0, EPOLLIN);
    thread_ = std::thread([this] {
      for (char byte = 0; send(ours_.get(), &byte, 1, MSG_NOSIGNAL) == 1;) {
        if (recv(ours_.get(), &byte, 1, 0) != 1) return;
        answers_.fetch_add(1);
      }
    });
  }
  // Once the reactor does not use its socket any more.
  ~Client() {
    shutdown(ours_.get(), SHUT_RDWR);
    thread_.join();
  }

  void AwaitAnswer() const {
    const int before = answers_.load();
    Until([&] { return answers_.load() > before; });
  }

 private:
  base::UniqueFd ours_, theirs_;
  std::atomic<int> answers_{0};
  std::thread thread_;
};

class BusyReactor : public testing::Test {
 protected:
  static constexpr int kClients = 8;

  static void SetUpTestSuite() { testing_support::UseFewCpus(); }

  BusyReactor() {
    for (int i = 0; i < kClients; ++i) clients_.emplace_back(reactor());
    AwaitThatTheyGoOn();
  }

  Reactor& reactor() { return runtime_->reactor(); }
  // And are served together.
  void AwaitThatTheyGoOn() {
    for (const Client& client : clients_) client.AwaitAnswer();
    Until([] { return BusyConnections::Get().together(); });
  }

  std::deque<Client> clients_;
  std::optional<Runtime> runtime_{std::in_place};
};

class Clockwork final : public EventHandler {
 public:
  static constexpr int kTicks = 10;

  void OnReady(uint32_t) override {}
  bool OnTick() override {
    if (++ticks_ < kTicks) return true;
    ticked.Set(absl::OkStatus());
    return false;
  }
  void OnTimer() override { rang.Set(absl::OkStatus()); }
  void HandOver() override {}

  Promise<void> ticked, rang;

 private:
  int ticks_ = 0;
};

TEST_F(BusyReactor, Ticks) {
  auto clockwork = base::MakeRef<Clockwork>();
  reactor().RequestTick(reactor().Register(clockwork));
  EXPECT_EQ(clockwork->ticked.future().Get(), absl::OkStatus());
  AwaitThatTheyGoOn();
}

TEST_F(BusyReactor, CallsTimersWhenItIsTime) {
  auto clockwork = base::MakeRef<Clockwork>();
  reactor().CallAt(reactor().Register(clockwork), SteadyNanos() + 5'000'000);
  EXPECT_EQ(clockwork->rang.future().Get(), absl::OkStatus());
  AwaitThatTheyGoOn();
}

TEST_F(BusyReactor, ServesADescriptorThatIsNew) {
  clients_.emplace_back(reactor());
  clients_.back().AwaitAnswer();
  AwaitThatTheyGoOn();
}

TEST_F(BusyReactor, EndsWithItsRuntime) { runtime_.reset(); }

}  // namespace
}  // namespace drover::async

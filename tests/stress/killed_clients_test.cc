// Clients that are killed in the middle of a call, thousands of them: their server is left with
// what it had. It has as many descriptors, objects and connections after the last as after the
// first kWarmUp, and has grown by less than 1 MiB. The allocator has one arena there: what several
// of them keep for the next time depends on which threads happen to run.
//
// DROVER_KILLED_CLIENTS: how many (default 2,000; 10,000 take 15 s on two CPUs).
#include <malloc.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/log.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/mapping.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using namespace testing_support;  // NOLINT: the tests' own

// Until each thread of the server has served some, and keeps the buffers that it will keep.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr size_t kWarmUp = 4000;
#else
constexpr size_t kWarmUp = 1000;
#endif
constexpr size_t kAtOnce = 20;

std::atomic<int> cooks{0};

class CountedCook final : public Cook {
 public:
  CountedCook() { ++cooks; }
  ~CountedCook() override { --cooks; }
  // Objects of the server's that its clients refer to.
  absl::StatusOr<kitchen::CookProxy> MakeCook() override {
    return kitchen::CookProxy(std::make_shared<CountedCook>());
  }
};

// Serves, and says "empty" whenever it is asked and nothing of a client is left.
int ServeUntilKilled(const std::string& endpoint, Pipe& asked, Pipe& said) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  SetMinLogSeverity(LogSeverity::kError);
  asked.CloseWriter();
  mallopt(M_ARENA_MAX, 1);  // or memory grows with which of its threads the allocator served
  auto server = Serve(endpoint, std::make_shared<CountedCook>());
  if (!server.ok()) return 1;
  said.Send("serving");
  while (asked.Receive() != "EOF") {
    while (server->connections() > 0 || cooks > 1) std::this_thread::yield();
    said.Send("empty");
  }
  return 0;
}

// A client: has an object of the server's, gives it one of its own, and waits in a call.
int CallUntilKilled(const std::string& endpoint, Pipe& calling) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto cook = Connect<kitchen::CookProxy>(endpoint);
  auto made = cook.MakeCook();
  if (!made.ok() || !made->Keep(std::make_shared<Parrot>()).ok()) return 1;
  auto waits = made->async().Wait();
  if (!cook.Add(1, 2).ok()) return 1;  // so the call before it is there
  calling.Send("calling");
  return waits.Get().ok() ? 0 : 1;
}

struct Census {
  size_t descriptors = 0;
  size_t threads = 0;
  size_t shared_mappings = 0;
  long resident_kib = 0;
};

Census Look(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Census census;
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator(proc + "/fd")) {
    ++census.descriptors;
  }
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator(proc + "/task")) {
    ++census.threads;
  }
  census.shared_mappings = SharedMappings(pid).size();
  std::ifstream status(proc + "/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> census.resident_kib;
  }
  return census;
}

std::ostream& operator<<(std::ostream& out, const Census& census) {
  return out << census.descriptors << " descriptors, " << census.threads << " threads, "
             << census.shared_mappings << " mappings of shared memory, " << census.resident_kib
             << " KiB resident";
}

class KilledClients {
 public:
  explicit KilledClients(const std::string& scheme) : endpoint_(scheme + dir_.path("cook")) {
    said_.CloseWriter();
    asked_.CloseReader();
    EXPECT_EQ(said_.Receive(), "serving");
  }

  void Kill(size_t count) {
    for (; count > 0; count -= std::min(count, kAtOnce)) {
      Pipe calling;
      std::vector<std::unique_ptr<ChildProcess>> clients;
      for (size_t i = 0; i < std::min(count, kAtOnce); ++i) {
        clients.push_back(
            std::make_unique<ChildProcess>([&] { return CallUntilKilled(endpoint_, calling); }));
      }
      calling.CloseWriter();
      for (size_t i = 0; i < clients.size(); ++i) ASSERT_EQ(calling.Receive(), "calling");
      shared_in_calls_ = Look(server_.pid()).shared_mappings;
      for (const auto& client : clients) {
        const int status = client->Kill(SIGKILL);
        ASSERT_TRUE(WIFSIGNALED(status));
      }
      Rest();  // or there would be more at once, and more threads for them, now and then
    }
  }
  // Of the server, while the last of them called.
  size_t shared_in_calls() const { return shared_in_calls_; }
  // What the server has when it is done with those that were killed.
  Census Rest() {
    asked_.Send("?");
    EXPECT_EQ(said_.Receive(), "empty");
    return Look(server_.pid());
  }
  // The same once `settled` holds of it, or after many looks: what the last client had is closed by
  // the thread that reads it, a moment after its connection ended.
  template <class Settled>
  Census Rest(Settled settled) {
    Census census = Rest();
    for (int looks = 0; looks < 10'000 && !settled(census); ++looks) census = Rest();
    return census;
  }

 private:
  TempDir dir_;
  const std::string endpoint_;
  size_t shared_in_calls_ = 0;
  Pipe asked_, said_;
  ChildProcess server_{[this] { return ServeUntilKilled(endpoint_, asked_, said_); }};
};

TEST(KilledClients, LeaveTheirServerAsItWas) {
  const char* text = std::getenv("DROVER_KILLED_CLIENTS");
  const size_t total = text != nullptr ? std::strtoul(text, nullptr, 10) : kWarmUp + 2'000;
  ASSERT_GT(total, kWarmUp);
  KilledClients clients("unix://");
  clients.Kill(kWarmUp);
  const Census before = clients.Rest();
  std::cout << "after " << kWarmUp << ": " << before << std::endl;
  clients.Kill(total - kWarmUp);
  const Census after =
      clients.Rest([&](const Census& now) { return now.descriptors <= before.descriptors; });
  std::cout << "after " << total << ": " << after << std::endl;
  EXPECT_LE(after.descriptors, before.descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(after.resident_kib, before.resident_kib + 1024);  // a sanitizer keeps what is freed
#endif
}

// Each of them shares memory with the server from its first call on.
TEST(KilledClients, LeaveNoSharedMemoryWithTheirServer) {
  KilledClients clients("shm://");
  clients.Kill(100);
  EXPECT_GE(clients.shared_in_calls(), kAtOnce);
  const Census before = clients.Rest([](const Census& now) { return now.shared_mappings == 0; });
  EXPECT_EQ(before.shared_mappings, 0u);
  clients.Kill(400);
  const Census after = clients.Rest([&](const Census& now) {
    return now.shared_mappings == 0 && now.descriptors <= before.descriptors;
  });
  std::cout << "after 500: " << after << std::endl;
  EXPECT_LE(after.descriptors, before.descriptors);
  EXPECT_EQ(after.shared_mappings, 0u);
}

}  // namespace
}  // namespace drover

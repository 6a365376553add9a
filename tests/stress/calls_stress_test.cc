// Many threads call, copy and drop proxies of a few servants, and pass callbacks, while their
// connections are cut: every call ends in its result or in Unavailable, and nothing is left over.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/remote_capability.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/cuttable_listener.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using testing_support::ConnectionCutter;
using testing_support::Cook;
using testing_support::Parrot;
using testing_support::TempDir;

constexpr int kServants = 4;
constexpr int kThreads = 8;
constexpr int kRounds = 400;
constexpr int kRoundsBetweenCuts = 40;

base::Ref<rpc::Connection> ConnectionOf(const Proxy& proxy) {
  const base::Ref<rpc::Capability>& capability = proxy.capability();
  if (!capability || capability->kind() != rpc::Capability::Kind::kRemote) return nullptr;
  return base::Ref<rpc::Connection>::Share(
      &static_cast<rpc::RemoteCapability&>(*capability).connection());
}

// A cook that tells over which connection it was called last.
class WatchedCook final : public Cook {
 public:
  absl::StatusOr<std::string> Tell(kitchen::ListenerProxy listener, std::string text) override {
    connection_ = ConnectionOf(listener);
    return Cook::Tell(std::move(listener), std::move(text));
  }
  // In place of a result that says so, which would be another reference.
  base::Ref<rpc::Connection> TakeConnection() { return std::move(connection_); }

 private:
  base::Ref<rpc::Connection> connection_;
};

std::string Sizes(rpc::Connection& connection) {
  return connection.WithLock([](rpc::ConnectionState& s) {
    return std::to_string(s.questions.size()) + " questions, " + std::to_string(s.answers.size()) +
           " answers, " + std::to_string(s.exports.size()) + " exports, " +
           std::to_string(s.imports.size()) + " imports";
  });
}

// What was dropped is released, and what was returned finished, a little later.
void AwaitSizes(rpc::Connection& connection, const std::string& expected) {
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (Sizes(connection) != expected && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_EQ(Sizes(connection), expected) << connection.name();
}

// One thread's work.
class Customer {
 public:
  Customer(std::vector<kitchen::CookProxy> cooks, unsigned seed, ConnectionCutter* cutter)
      : cooks_(std::move(cooks)), random_(seed), cutter_(cutter) {}

  void Run() {
    for (int round = 0; round < kRounds; ++round) {
      if (random_() % kRoundsBetweenCuts == 0) cutter_->CutOne(random_());
      kitchen::CookProxy cook = cooks_[random_() % cooks_.size()];
      switch (random_() % 8) {
        case 0:
          Add(cook);
          break;
        case 1:
          AddMany(cook);
          break;
        case 2:
          Drop(cook);
          break;
        case 3:
          Tell(cook);
          break;
        case 4:
          Keep(cook);
          break;
        case 5:
          Make(cook);
          break;
        case 6:
          Echo(cook);
          break;
        default:
          Pass(cook);
          break;
      }
    }
  }

  int answered() const { return answered_; }

 private:
  // Whether there is a result; there may be none for one reason only.
  bool Answered(const absl::Status& status) {
    if (status.ok()) {
      ++answered_;
      return true;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    return false;
  }

  void Add(const kitchen::CookProxy& cook) {
    auto sum = cook.Add(2, 3);
    if (Answered(sum.status())) {
      EXPECT_EQ(*sum, 5u);
    }
  }

  void AddMany(const kitchen::CookProxy& cook) {
    std::vector<Future<uint32_t>> sums;
    for (uint32_t i = 0; i < 16; ++i) sums.push_back(cook.async().Add(i, 1));
    for (uint32_t i = 0; i < sums.size(); ++i) {
      auto sum = sums[i].Get();
      if (Answered(sum.status())) {
        EXPECT_EQ(*sum, i + 1);
      }
    }
  }

  // Calls whose answers nobody waits for, of a proxy that goes at the same time.
  void Drop(kitchen::CookProxy cook) {
    std::vector<Future<kitchen::CookProxy>> made;
    for (int i = 0; i < 4; ++i) made.push_back(cook.async().MakeCook());
    auto told = cook.async().Tell(std::make_shared<Parrot>(), "x");
    cook = kitchen::CookProxy();
    made[random_() % made.size()].Cancel();
  }

  void Tell(const kitchen::CookProxy& cook) {
    auto reply = cook.Tell(std::make_shared<Parrot>(), "news");
    if (Answered(reply.status())) {
      EXPECT_EQ(*reply, "heard news");
    }
  }

  // What one leaves at a cook, another one gets and calls: through the cook's server.
  void Keep(const kitchen::CookProxy& cook) {
    if (!Answered(cook.Keep(std::make_shared<Parrot>()))) return;
    auto kept = cook.Kept();
    if (!Answered(kept.status())) return;
    auto reply = kept->Heard("what?");
    if (Answered(reply.status())) {
      EXPECT_EQ(*reply, "heard what?");
    }
  }

  void Make(const kitchen::CookProxy& cook) {
    auto made = cook.MakeCook();
    if (!Answered(made.status())) return;
    kitchen::CookProxy copy = *made;
    *made = kitchen::CookProxy();
    Add(copy);
  }

  void Echo(const kitchen::CookProxy& cook) {
    const std::vector<uint8_t> data(random_() % 100'000, 42);
    auto echo = cook.Echo(data);
    if (Answered(echo.status())) {
      EXPECT_TRUE(*echo == data);
    }
  }

  void Pass(const kitchen::CookProxy& cook) {
    const kitchen::ListenerProxy parrot(std::make_shared<Parrot>());
    auto back = cook.Pass(parrot);
    if (Answered(back.status())) {  // it came home
      EXPECT_EQ(*back, parrot);
    }
  }

  const std::vector<kitchen::CookProxy> cooks_;
  std::mt19937 random_;
  ConnectionCutter* const cutter_;
  int answered_ = 0;
};

TEST(CallsStress, LoseNothingWhileConnectionsAreCut) {
  TempDir dir;
  ConnectionCutter cutter;
  std::vector<std::shared_ptr<WatchedCook>> servants;
  std::vector<Server> servers;
  std::vector<kitchen::CookProxy> cooks;
  for (int i = 0; i < kServants; ++i) {
    servants.push_back(std::make_shared<WatchedCook>());
    const Endpoint endpoint = *Endpoint::Parse("unix://" + dir.path(std::to_string(i)));
    servers.push_back(Serve(cutter.Listen(endpoint), servants.back()).value());
    cooks.push_back(Connect<kitchen::CookProxy>(endpoint));
  }

  std::vector<Customer> customers;
  for (unsigned i = 0; i < kThreads; ++i) customers.emplace_back(cooks, i, &cutter);
  std::vector<std::thread> threads;
  for (Customer& customer : customers) threads.emplace_back([&customer] { customer.Run(); });
  for (std::thread& thread : threads) thread.join();
  for (const Customer& customer : customers) EXPECT_GT(customer.answered(), kRounds / 4);

  // The last calls, over connections that nobody cuts: then both ends of each are as at first.
  for (int i = 0; i < kServants; ++i) {
    EXPECT_EQ(cooks[i].Keep(kitchen::ListenerProxy()), absl::OkStatus());
    EXPECT_EQ(cooks[i].Tell(std::make_shared<Parrot>(), "last").value(), "heard last");
    base::Ref<rpc::Connection> server = servants[i]->TakeConnection();
    base::Ref<rpc::Connection> client = ConnectionOf(cooks[i].MakeCook().value());
    ASSERT_TRUE(server);
    ASSERT_TRUE(client);
    AwaitSizes(*client, "0 questions, 0 answers, 0 exports, 1 imports");
    AwaitSizes(*server, "0 questions, 0 answers, 1 exports, 0 imports");
  }
}

TEST(CallsStress, EndConnectionsThatNobodyNeeds) {
  TempDir dir;
  auto server = Serve("unix://" + dir.path("cook"), std::make_shared<Cook>()).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&server] {
      for (int round = 0; round < kRounds / 8; ++round) {
        auto cook = Connect<kitchen::CookProxy>(server.endpoint());
        auto dropped = cook.async().Add(1, 1);
        EXPECT_EQ(cook.Tell(std::make_shared<Parrot>(), "x").value(), "heard x");
        auto made = cook.MakeCook().value();
        cook = kitchen::CookProxy();
        EXPECT_EQ(made.Add(1, 1).value(), 2u);  // it holds the connection
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (server.connections() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace drover

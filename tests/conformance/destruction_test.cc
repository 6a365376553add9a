// Where objects are destroyed: a destructor is user code and may wait for as long as it likes, so
// it never runs on a thread that drives I/O, whatever has dropped the last reference.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/cuttable_listener.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::ListenerProxy;
using namespace testing_support;  // NOLINT: the tests' own

// Its destructor waits outside of Drover until it is let go.
class Lingering final : public kitchen::ListenerServant {
 public:
  Lingering(Gate talk, std::shared_ptr<Pipe> dying, std::shared_ptr<Pipe> leave)
      : talk_(std::move(talk)), dying_(std::move(dying)), leave_(std::move(leave)) {}
  ~Lingering() override {
    dying_->Send("dying");
    leave_->Receive();
    dying_->Send("dead");
  }
  absl::StatusOr<std::string> Heard(std::string text) override {
    DROVER_RETURN_IF_ERROR(talk_.Pass());
    return text;
  }

 private:
  Gate talk_;
  const std::shared_ptr<Pipe> dying_, leave_;
};

class Destructors : public testing::Test {
 protected:
  Destructors() {
    server_ = Serve(cutter_.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()), servant_).value();
    cook_ = Connect<CookProxy>(server_->endpoint());
  }
  ~Destructors() override { servant_->gate.Open(); }

  std::shared_ptr<Lingering> Make() { return std::make_shared<Lingering>(talk_, dying_, leave_); }

  // One is being destroyed, and everything else goes on: through the connections there are, and
  // through new ones.
  void ExpectThatNobodyWaits() {
    EXPECT_EQ(dying_->Receive(), "dying");
    for (uint32_t i = 0; i < 50; ++i) EXPECT_EQ(cook_.Add(i, 1).value(), i + 1);
    EXPECT_EQ(cook_.Tell(std::make_shared<Parrot>(), "news").value(), "heard news");
    EXPECT_EQ(Connect<CookProxy>(server_->endpoint()).Add(1, 1).value(), 2u);
    leave_->Send("leave");
    EXPECT_EQ(dying_->Receive(), "dead");
  }

  Gate talk_;
  const std::shared_ptr<Pipe> dying_ = std::make_shared<Pipe>();
  const std::shared_ptr<Pipe> leave_ = std::make_shared<Pipe>();
  ConnectionCutter cutter_;
  const std::shared_ptr<Cook> servant_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  CookProxy cook_;
};

TEST_F(Destructors, DelayNobodyWhenThePeerReleasesTheObject) {
  EXPECT_EQ(cook_.Keep(Make()), absl::OkStatus());
  EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
  ExpectThatNobodyWaits();
}

TEST_F(Destructors, DelayNobodyWhenTheObjectWasAnArgument) {
  auto call = cook_.async().Tell(Make(), "x");
  talk_.Open();  // nobody but the peer has it by now
  EXPECT_EQ(call.Get().value(), "x");
  ExpectThatNobodyWaits();
}

TEST_F(Destructors, DelayNobodyWhenTheClientReleasesTheObject) {
  talk_.Open();
  servant_->Keep(ListenerProxy(Make())).IgnoreError();  // it cannot fail
  {
    const ListenerProxy there = cook_.Kept().value();
    EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
    EXPECT_EQ(there.Heard("x").value(), "x");
  }
  ExpectThatNobodyWaits();
}

// The peer has a promise that has turned out to be the object.
TEST_F(Destructors, DelayNobodyWhenThePeerReleasesAPromiseOfTheObject) {
  talk_.Open();
  {
    Promise<ListenerProxy> promise;
    Future<ListenerProxy> future = promise.future();
    EXPECT_EQ(cook_.Keep(ListenerProxy(future.Pipeline())), absl::OkStatus());
    promise.Set(ListenerProxy(Make()));
    EXPECT_EQ(servant_->Kept()->Heard("x").value(), "x");
  }
  EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
  ExpectThatNobodyWaits();
}

TEST_F(Destructors, DelayNobodyWhenTheConnectionEnds) {
  EXPECT_EQ(cook_.Keep(Make()), absl::OkStatus());
  cutter_.CutAll();
  while (!cook_.Add(1, 1).ok()) {
  }
  ExpectThatNobodyWaits();
}

TEST_F(Destructors, DelayNobodyWhenAPipelinedReferenceGoes) {
  talk_.Open();
  servant_->Keep(ListenerProxy(Make())).IgnoreError();  // it cannot fail
  {
    auto kept = cook_.async().Kept();
    auto heard = kept.Pipeline().Heard("x");
    EXPECT_EQ(heard.Get().value(), "x");
    EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
  }
  ExpectThatNobodyWaits();
}

// --- after the server was started again ---------------------------------------------------------

TEST(AfterARestart, OnlyDurableProxiesGoOn) {
  const auto serve = [](const std::string& at) {
    auto server = std::make_unique<Server>(Serve(at, std::make_shared<Cook>()).value());
    EXPECT_EQ(server->Export("baker", std::make_shared<Cook>()), absl::OkStatus());
    return server;
  };
  auto server = serve("tcp://127.0.0.1:0");
  const std::string endpoint = server->endpoint().ToString();
  const auto front = Connect<CookProxy>(endpoint);
  const auto baker = Connect<CookProxy>(endpoint + "#baker");
  const CookProxy live = front.MakeCook().value();
  const CookProxy live_of_baker = baker.MakeCook().value();
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  EXPECT_EQ(live.Keep(std::move(parrot)), absl::OkStatus());
  EXPECT_EQ(baker.Note(1), absl::OkStatus());

  server = nullptr;
  EXPECT_EQ(gone.Get(), absl::OkStatus());  // nobody has it any more
  server = serve(endpoint);
  for (const CookProxy& durable : {front, baker}) {
    while (absl::IsUnavailable(durable.Add(1, 1).status())) {
    }
    EXPECT_EQ(durable.Add(1, 1).value(), 2u);
  }
  EXPECT_TRUE(baker.Notes()->empty());  // another object of the same name
  for (int i = 0; i < 2; ++i) {
    for (const CookProxy& lost : {live, live_of_baker}) {
      const absl::Status status = lost.Add(1, 1).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
      EXPECT_NE(status.message().find("Cook.add"), std::string::npos) << status;
      EXPECT_NE(status.message().find(endpoint), std::string::npos) << status;
      EXPECT_NE(status.message().find("ended"), std::string::npos) << status;
    }
  }
}

}  // namespace
}  // namespace drover

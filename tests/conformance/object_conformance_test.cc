// What calls of objects do, whatever carries them.
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/carrier.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing_support;  // NOLINT: the tests' own

class Objects : public testing::TestWithParam<Carrier> {
 protected:
  Objects() : servant_(std::make_shared<Cook>()), server_(ServeAt(servant_)) {
    cook_ = Connect<kitchen::CookProxy>(server_.endpoint());
  }
  ~Objects() override { servant_->gate.Open(); }

  Server ServeAt(std::shared_ptr<Servant> servant, const ServerOptions& options = {}) {
    return Serve(ListenOn(GetParam(), dir_), std::move(servant), options).value();
  }

  TempDir dir_;
  const std::shared_ptr<Cook> servant_;
  Server server_;
  kitchen::CookProxy cook_;
};

INSTANTIATE_TEST_SUITE_P(Over, Objects,
                         testing::Values(Carrier::kUnix, Carrier::kAbstract, Carrier::kTcp,
                                         Carrier::kInproc, Carrier::kSocketpair, Carrier::kShm),
                         CarrierName);

TEST_P(Objects, CarryValues) {
  EXPECT_EQ(cook_.Add(2, 3).value(), 5u);
  EXPECT_THAT(cook_.Echo({}).value(), IsEmpty());
  EXPECT_EQ(cook_.Note(1), absl::OkStatus());
  EXPECT_THAT(cook_.Notes().value(), ElementsAre(1));
  const kitchen::Shelf shelf = cook_.Look().value();
  EXPECT_EQ(shelf.label, "spices");
  EXPECT_EQ(shelf.listener.Heard("x").value(), "heard x");
  EXPECT_FALSE(shelf.empty);
}

TEST_P(Objects, CarryMuchData) {
  for (size_t size : {size_t{1}, size_t{65536}, size_t{4 << 20}}) {
    std::vector<uint8_t> data(size);
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 31 + i / 256);
    EXPECT_TRUE(cook_.Echo(data).value() == data) << size;
  }
}

TEST_P(Objects, CarryMuchDataBothWaysAtOnce) {
  const std::vector<uint8_t> data(1 << 20, 7);
  std::vector<Future<std::vector<uint8_t>>> echoes;
  for (int i = 0; i < 8; ++i) echoes.push_back(cook_.async().Echo(data));
  for (auto& echo : echoes) EXPECT_TRUE(echo.Get().value() == data);
}

TEST_P(Objects, CarryErrorsWithCodeMessageAndPayload) {
  for (uint16_t code = 1; code <= 16; ++code) {
    const absl::Status status = cook_.Fail(code, "why");
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(status.GetPayload(Cook::kPayloadUrl), absl::Cord("payload of why"));
  }
}

TEST_P(Objects, AreCalledBackDuringACall) {
  EXPECT_EQ(cook_.Tell(std::make_shared<Parrot>(), "news").value(), "heard news");
}

TEST_P(Objects, AreCalledBackLater) {
  EXPECT_EQ(cook_.Keep(std::make_shared<Parrot>()), absl::OkStatus());
  // Nobody waits on the client's side now.
  EXPECT_EQ(servant_->Kept()->Heard("late").value(), "heard late");
}

TEST_P(Objects, DieWhenTheirLastReferenceFarAwayGoes) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  EXPECT_EQ(cook_.Keep(std::move(parrot)), absl::OkStatus());
  EXPECT_FALSE(gone.ready());
  EXPECT_EQ(cook_.Keep(kitchen::ListenerProxy()), absl::OkStatus());
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST_P(Objects, OfOneServerAreCalledByAnotherThroughTheClient) {
  auto other_servant = std::make_shared<Cook>();
  Server other_server = ServeAt(other_servant);
  auto other = Connect<kitchen::CookProxy>(other_server.endpoint());
  EXPECT_EQ(cook_.Tell(other.Kept().value(), "far").value(), "heard far");
  EXPECT_EQ(cook_.Keep(other.Kept().value()), absl::OkStatus());
  EXPECT_EQ(cook_.Kept()->Heard("far").value(), "heard far");
}

TEST_P(Objects, FailThroughTheClientWithTheirOwnErrors) {
  class Deaf final : public kitchen::ListenerServant {
    absl::StatusOr<std::string> Heard(std::string) override {
      return absl::DataLossError("nothing came");
    }
  };
  auto other_servant = std::make_shared<Cook>();
  Server other_server = ServeAt(other_servant);
  auto other = Connect<kitchen::CookProxy>(other_server.endpoint());
  EXPECT_EQ(other.Keep(std::make_shared<Deaf>()), absl::OkStatus());
  EXPECT_EQ(cook_.Tell(other.Kept().value(), "far").status(), absl::DataLossError("nothing came"));
}

TEST_P(Objects, HaveOneIdentity) {
  EXPECT_EQ(cook_.Kept().value(), cook_.Kept().value());
  const kitchen::ListenerProxy mine(std::make_shared<Parrot>());
  EXPECT_EQ(cook_.Pass(mine).value(), mine);
  EXPECT_EQ(cook_.Keep(mine), absl::OkStatus());
  const kitchen::ListenerProxy there = servant_->Kept().value();
  EXPECT_EQ(cook_.Keep(mine), absl::OkStatus());
  EXPECT_EQ(servant_->Kept().value(), there);
  EXPECT_NE(cook_.MakeCook().value(), cook_.MakeCook().value());
}

TEST_P(Objects, AreCalledInTheOrderOfTheCalls) {
  std::vector<Future<void>> calls;
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 1000; ++i) {
    calls.push_back(cook_.async().Note(i));
    expected.push_back(i);
  }
  EXPECT_EQ(cook_.Notes().value(), expected);
  for (auto& call : calls) EXPECT_EQ(call.Get(), absl::OkStatus());
}

TEST_P(Objects, AreCalledInOrderThroughTheClientToo) {
  auto other_servant = std::make_shared<Cook>();
  Server other_server = ServeAt(other_servant);
  auto other = Connect<kitchen::CookProxy>(other_server.endpoint());
  class Recorder final : public kitchen::ListenerServant {
   public:
    std::vector<std::string> heard;
    absl::StatusOr<std::string> Heard(std::string text) override {
      heard.push_back(text);
      return "";
    }
  };
  auto recorder = std::make_shared<Recorder>();
  EXPECT_EQ(other.Keep(kitchen::ListenerProxy(recorder)), absl::OkStatus());
  // From the client to one server, which has it from the other, which has it from the client.
  EXPECT_EQ(cook_.Keep(other.Kept().value()), absl::OkStatus());
  const kitchen::ListenerProxy far = servant_->Kept().value();
  std::vector<Future<std::string>> calls;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::to_string(i));
    calls.push_back(far.async().Heard(expected.back()));
  }
  for (auto& call : calls) EXPECT_EQ(call.Get().status(), absl::OkStatus());
  EXPECT_EQ(recorder->heard, expected);
}

TEST_P(Objects, RunOneCallAtATime) {
  auto first = cook_.async().Later();
  auto second = cook_.async().Later();
  servant_->gate.AwaitArrivals(1);
  // The second one has come too, as the concurrent call behind it has.
  EXPECT_EQ(cook_.Running()->count, 0u);
  EXPECT_EQ(servant_->gate.arrivals(), 1);
  servant_->gate.Open();
  EXPECT_EQ(first.Get().status(), absl::OkStatus());
  EXPECT_EQ(second.Get().status(), absl::OkStatus());
}

TEST_P(Objects, RunConcurrentMethodsTogether) {
  std::vector<Future<void>> waits;
  for (int i = 0; i < 5; ++i) waits.push_back(cook_.async().Wait());
  servant_->gate.AwaitArrivals(5);
  EXPECT_EQ(cook_.Running()->count, 5u);
  EXPECT_EQ(cook_.Release(), absl::OkStatus());
  for (auto& wait : waits) EXPECT_EQ(wait.Get(), absl::OkStatus());
}

TEST_P(Objects, ThatAreSlowDelayNoOthers) {
  kitchen::CookProxy other = cook_.MakeCook().value();
  auto slow = other.async().Later();
  servant_->gate.AwaitArrivals(1);
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(cook_.Add(i, 1).value(), i + 1);
  EXPECT_FALSE(slow.ready());
}

TEST_P(Objects, ThatBlockOutsideOfDroverDelayNoOthers) {
  class Blocked final : public kitchen::ListenerServant {
   public:
    Pipe entered, leave;
    absl::StatusOr<std::string> Heard(std::string) override {
      entered.Send("entered");
      return leave.Receive();
    }
  };
  auto blocked = std::make_shared<Blocked>();
  EXPECT_EQ(servant_->Keep(kitchen::ListenerProxy(blocked)), absl::OkStatus());
  kitchen::ListenerProxy listener = cook_.Kept().value();
  for (int round = 0; round < 3; ++round) {
    auto call = listener.async().Heard("x");
    EXPECT_EQ(blocked->entered.Receive(), "entered");
    EXPECT_EQ(cook_.Add(1, 1).value(), 2u);
    blocked->leave.Send("left");
    EXPECT_EQ(call.Get().value(), "left");
  }
}

TEST_P(Objects, CallTheirCallers) {
  // cook -> talker, of the client -> another cook -> parrot, of the client
  class Talker final : public kitchen::ListenerServant {
   public:
    explicit Talker(kitchen::CookProxy other) : other_(std::move(other)) {}
    absl::StatusOr<std::string> Heard(std::string text) override {
      return other_.Tell(std::make_shared<Parrot>(), "that somebody " + text);
    }

   private:
    const kitchen::CookProxy other_;
  };
  auto talker = std::make_shared<Talker>(cook_.MakeCook().value());
  EXPECT_EQ(cook_.Tell(talker, "sang").value(), "heard that somebody sang");
}

TEST_P(Objects, LearnThatTheirCallWasDropped) {
  { auto dropped = cook_.async().Wait(); }
  servant_->gate.AwaitArrivals(0);  // it may be cancelled before it begins
  {
    auto dropped = cook_.async().Wait();
    servant_->gate.AwaitArrivals(1);
  }
  servant_->gate.AwaitCancellations(1);
  EXPECT_EQ(cook_.Add(1, 1).value(), 2u);
}

TEST_P(Objects, LearnThatTheirCallersCallWasDropped) {
  // client -> cook -> listener, of the client, which waits.
  class Waiting final : public kitchen::ListenerServant {
   public:
    Gate gate;
    absl::StatusOr<std::string> Heard(std::string) override {
      DROVER_RETURN_IF_ERROR(gate.Pass());
      return "";
    }
  };
  auto waiting = std::make_shared<Waiting>();
  {
    auto dropped = cook_.async().Tell(kitchen::ListenerProxy(waiting), "x");
    waiting->gate.AwaitArrivals(1);
  }
  waiting->gate.AwaitCancellations(1);
}

TEST_P(Objects, AreCalledByManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (uint32_t i = 0; i < 100; ++i) {
        EXPECT_EQ(cook_.Add(t * 1000, i).value(), t * 1000 + i);
        EXPECT_EQ(cook_.Note(i), absl::OkStatus());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cook_.Notes()->size(), 800u);
}

TEST_P(Objects, AnswerBeforeTheirServerStops) {
  EXPECT_EQ(cook_.Stop(), absl::OkStatus());
  server_.Wait();
  EXPECT_EQ(cook_.Add(1, 1).status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(Objects, FinishTheirCallsBeforeTheirServerShutsDown) {
  auto running = cook_.async().Wait();
  servant_->gate.AwaitArrivals(1);
  std::thread shutdown([this] { server_.Shutdown(absl::InfiniteDuration()); });
  // From some moment on new calls are refused, while the old one still runs.
  while (cook_.Add(1, 1).ok()) {
  }
  EXPECT_EQ(cook_.Add(1, 1).status().code(), absl::StatusCode::kUnavailable);
  servant_->gate.Open();
  EXPECT_EQ(running.Get(), absl::OkStatus());
  shutdown.join();
}

TEST_P(Objects, AreCancelledWhenTheGraceIsOver) {
  auto running = cook_.async().Wait();
  servant_->gate.AwaitArrivals(1);
  server_.Shutdown(absl::ZeroDuration());
  servant_->gate.AwaitCancellations(1);
  const absl::Status status = running.Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_.endpoint().ToString()));
}

TEST_P(Objects, AreOutOfReachInAForkedChild) {
  const kitchen::ListenerProxy listener = cook_.Kept().value();
  Pipe pipe;
  ChildProcess child([&] {
    pipe.Send(absl::StatusCodeToString(cook_.Note(1).code()));
    pipe.Send(absl::StatusCodeToString(listener.Heard("x").status().code()));
    pipe.Send(absl::StatusCodeToString(cook_.async().Note(2).Get().code()));
    { auto copy = cook_; }
    return 0;
  });
  EXPECT_EQ(pipe.Receive(), "FAILED_PRECONDITION");
  EXPECT_EQ(pipe.Receive(), "FAILED_PRECONDITION");
  EXPECT_EQ(pipe.Receive(), "FAILED_PRECONDITION");
  EXPECT_EQ(child.Wait(), 0);
  // Nothing of it has reached the server, and the parent goes on.
  EXPECT_THAT(cook_.Notes().value(), IsEmpty());
  EXPECT_EQ(listener.Heard("y").value(), "heard y");
}

}  // namespace
}  // namespace drover

// One servant's queue: what is pushed runs one at a time, in order, whoever finds it idle.
#include "drover/rpc/strand.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/local_capability.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/return_handler.h"
#include "gtest/gtest.h"

namespace drover::rpc {
namespace {

Strand::Item Task(async::Task task) { return {.call = nullptr, .task = std::move(task)}; }

class Outcome final : public base::RefCounted, public ReturnHandler {
 public:
  void OnReturn(capnp::AnyPointer::Reader) override { status = absl::OkStatus(); }
  void OnError(const absl::Status& error) override { status = error; }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }
  absl::Status status = absl::UnknownError("no answer");
};

TEST(Strands, RunWhatIsPushedMeanwhileInOrder) {
  auto strand = base::MakeRef<Strand>();
  std::vector<int> ran;
  ASSERT_TRUE(strand->Push(Task([&] {
    EXPECT_FALSE(strand->Push(Task([&] { ran.push_back(2); })));
    EXPECT_FALSE(strand->Push(Task([&] { ran.push_back(3); })));
    ran.push_back(1);
  })));
  EXPECT_TRUE(strand->busy());
  strand->Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(strand->busy());
}

TEST(Strands, AreIdleAgainAfterwards) {
  auto strand = base::MakeRef<Strand>();
  int ran = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(strand->Push(Task([&] { ++ran; })));
    strand->Run();
  }
  EXPECT_EQ(ran, 3);
}

TEST(Strands, ThatAreIdleCloseAtOnce) {
  auto strand = base::MakeRef<Strand>();
  async::Task closed = [] { FAIL() << "it is closed already"; };
  EXPECT_TRUE(strand->CloseWhenIdle(closed));
  async::Task late = [] {};
  EXPECT_EQ(strand->PushUnlessClosed(late), Strand::Pushed::kClosed);
}

TEST(Strands, ThatRunCloseOnceTheQueueIsEmpty) {
  auto strand = base::MakeRef<Strand>();
  std::vector<int> ran;
  ASSERT_TRUE(strand->Push(Task([&] {
    async::Task closed = [&] { ran.push_back(3); };
    EXPECT_FALSE(strand->CloseWhenIdle(closed));
    async::Task task = [&] { ran.push_back(2); };
    EXPECT_EQ(strand->PushUnlessClosed(task), Strand::Pushed::kQueued);
    ran.push_back(1);
  })));
  strand->Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  async::Task late = [] {};
  EXPECT_EQ(strand->PushUnlessClosed(late), Strand::Pushed::kClosed);
}

TEST(Strands, ThatAreRejectedAnswerTheCallsAndClose) {
  auto strand = base::MakeRef<Strand>();
  auto outcome = base::MakeRef<Outcome>();
  Deferred deferred;
  ASSERT_TRUE(strand->PushCall(
      IncomingCall::FromLocal(OutgoingCall(1, 2), BrokenCapability(absl::UnknownError("unused")),
                              outcome),
      deferred));
  bool is_closed = false;
  async::Task closed = [&] { is_closed = true; };
  ASSERT_FALSE(strand->CloseWhenIdle(closed));
  strand->Reject(absl::ResourceExhaustedError("no thread"));
  EXPECT_EQ(outcome->status, absl::ResourceExhaustedError("no thread"));
  EXPECT_TRUE(is_closed);
  EXPECT_FALSE(strand->busy());
}

// Counts its calls, and answers them.
class Counter final : public Dispatcher {
 public:
  void HandleCall(IncomingCall& call) override {
    ++calls;
    call.ReturnResults();
  }
  bool IsConcurrent(uint64_t, uint16_t) const override { return false; }

  int calls = 0;  // unguarded, like `ran` below: the strand is what keeps them apart
};

TEST(Strands, RunOneAtATimeWhateverManyThreadsPush) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  auto counter = std::make_shared<Counter>();
  auto capability = LocalCapability::Of(counter);
  const base::Ref<Strand> strand = counter->strand();
  int ran = 0;
  std::vector<int> last(kThreads, -1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto outcome = base::MakeRef<Outcome>();
      for (int i = 0; i < kEach; ++i) {
        const bool task_to_run = strand->Push(Task([&, t, i] {
          EXPECT_EQ(last[t], i - 1);
          last[t] = i;
          ++ran;
        }));
        if (task_to_run) strand->Run();
        auto call = IncomingCall::FromLocal(OutgoingCall(1, 2), capability, outcome);
        call->SetServant(capability);
        Deferred deferred;
        if (strand->PushCall(std::move(call), deferred)) strand->Run();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kEach);  // whoever found it idle has run it to the end
  EXPECT_EQ(counter->calls, kThreads * kEach);
  EXPECT_FALSE(strand->busy());
}

}  // namespace
}  // namespace drover::rpc

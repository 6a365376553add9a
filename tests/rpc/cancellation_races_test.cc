// A call is cancelled while each message of its life in turn stands still on the wire, and what the
// two sides send then passes in both orders: the Finish before the Returns, and after them. In
// every case the call ends with exactly one code, and nothing is left in a table of either side.
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "drover/object/proxy.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/transport/socket_stream.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/frozen_wire.h"

namespace drover::rpc {
namespace {

using testing_support::Cook;
using testing_support::FrozenWire;
using testing_support::Parrot;

constexpr size_t kClient = 0;  // the ends of the wire
constexpr size_t kServer = 1;

// What is called, and which call is cancelled.
enum class Called {
  kHeedful,  // a servant that ends when it is cancelled; the others go on and give their results
  kPlainResult,
  kCapability,
  kError,
  kFirstOfTwo,   // with a pipelined call behind it
  kSecondOfTwo,  // that pipelined call
};

// What passes first once the call is cancelled.
enum class First { kFinish, kReturn };

// Takes no notice of its cancellation.
class StubbornCook final : public Cook {
 public:
  absl::StatusOr<std::vector<uint32_t>> Notes() override {
    gate.Pass().IgnoreError();
    return std::vector<uint32_t>{1, 2, 3};
  }
  absl::StatusOr<kitchen::ListenerProxy> Later() override {
    gate.Pass().IgnoreError();
    auto parrot = std::make_shared<Parrot>();
    parrot_ = parrot;
    return kitchen::ListenerProxy(std::move(parrot));
  }
  absl::StatusOr<kitchen::ListenerProxy> Kept() override {
    gate.Pass().IgnoreError();
    return absl::NotFoundError("nothing is kept");
  }

  // Whether what Later gave has been destroyed, or was never made.
  bool ParrotIsGone() const { return parrot_.expired(); }

 private:
  std::weak_ptr<Parrot> parrot_;
};

// A future of any type, and what came of it, which it keeps.
struct Asked {
  std::function<void()> cancel;
  std::function<absl::Status()> await;
};

template <class T>
Asked Ask(Future<T> future) {
  struct State {
    Future<T> future;
    std::optional<decltype(future.Get())> answer;
  };
  auto state = std::make_shared<State>();
  state->future = std::move(future);
  return {[state] { state->future.Cancel(); },
          [state]() -> absl::Status {
            if (!state->answer) state->answer.emplace(state->future.Get());
            if constexpr (std::is_same_v<decltype(future.Get()), absl::Status>) {
              return *state->answer;
            } else {
              return state->answer->status();
            }
          }};
}

// Two vats, and the calls of one test on their way between them.
class Race {
 public:
  Race(Called called, First first) : called_(called), first_(first) {
    for (size_t end : {kClient, kServer}) {
      ConnectionOptions options;
      options.name = end == kClient ? "the server of the test" : "the client of the test";
      if (end == kServer) options.front_object = LocalCapability::Of(cook_);
      ends_[end] = Connection::Create(transport::SocketStream::Make(wire_.TakeEnd(end), "unix"),
                                      std::move(options));
    }
    proxy_ = kitchen::CookProxy(Proxy::FromCapability(ends_[kClient]->Bootstrap()));
    auto front = Ask(proxy_.async().Add(0, 0));
    PassAllUntil([&] { return Sizes() == "0 0 0 1, 0 0 1 0"; });  // nothing is on its way
    EXPECT_EQ(front.await(), absl::OkStatus());
  }
  ~Race() {
    for (const auto& end : ends_) end->Close(absl::CancelledError("the test is over"));
  }

  // How many stops there are: at each Call, in the servant, at each Return, and after the last.
  static size_t Stops(Called called) { return 2 * Calls(called) + 2; }

  void CancelAt(size_t stop) {
    const size_t calls = Calls(called_);
    Begin();
    ASSERT_TRUE(wire_.AwaitFrame(kClient, calls));
    PassCalls(std::min(stop, calls));
    if (stop >= calls) cook_->gate.AwaitArrivals(1);
    size_t returned = 0;
    if (stop > calls) {
      cook_->gate.Open();
      ASSERT_TRUE(wire_.AwaitFrame(kServer, calls));
      for (; returned < stop - calls - 1; ++returned) {
        PassReturns(returned, returned + 1);
        EXPECT_EQ(asked_[returned].await().code(), Result());
      }
    }

    const size_t target = called_ == Called::kSecondOfTwo ? 1 : 0;
    asked_[target].cancel();
    // The calls from here on are cancelled, those on the results of the first with it.
    const size_t cancelled = target < returned ? calls : target;
    for (size_t call = cancelled; call < calls; ++call) {
      EXPECT_EQ(asked_[call].await().code(), absl::StatusCode::kCancelled);
    }
    PassCalls(calls - std::min(stop, calls));
    if (first_ == First::kFinish) {
      PassFinishes(cancelled);
      // The call in the servant is returned as canceled though nobody opens the gate; one behind it
      // when its turn comes.
      if (stop <= calls) {
        first_canceled_ = cancelled;
        PassRoundTrip();
      }
      if (stop > calls || cancelled > 0) cook_->gate.Open();
      PassReturns(returned, calls);
    } else {
      cook_->gate.AwaitArrivals(1);
      cook_->gate.Open();
      PassReturns(returned, calls);
      PassFinishes(cancelled);
    }
    for (size_t call = 0; call < cancelled; ++call) {
      EXPECT_EQ(asked_[call].await().code(), Result());
    }
  }

  // The connection is as good as new, and everything ends.
  void End() {
    auto sum = proxy_.async().Add(1, 2);
    PassAllUntil([&] { return sum.ready(); });
    EXPECT_EQ(sum.Get().value(), 3u);
    asked_.clear();
    PassAllUntil([&] { return Sizes() == "0 0 0 1, 0 0 1 0"; });
    proxy_ = {};
    PassAllUntil([&] { return Sizes() == "0 0 0 0, 0 0 0 0"; });
    PassAllUntil([&] { return cook_->ParrotIsGone(); });
    for (const auto& end : ends_) {
      end->WithLock([](ConnectionState& s) {
        EXPECT_EQ(s.embargoes.size() + s.running_calls + s.call_bytes + s.held_bytes, 0u);
      });
    }
  }

 private:
  static size_t Calls(Called called) {
    return called == Called::kFirstOfTwo || called == Called::kSecondOfTwo ? 2 : 1;
  }
  absl::StatusCode Result() const {
    return called_ == Called::kError ? absl::StatusCode::kNotFound : absl::StatusCode::kOk;
  }

  void Begin() {
    const kitchen::CookProxy::Async cook = proxy_.async();
    switch (called_) {
      case Called::kHeedful:
        asked_.push_back(Ask(cook.Wait()));
        break;
      case Called::kPlainResult:
        asked_.push_back(Ask(cook.Notes()));
        break;
      case Called::kCapability:
        asked_.push_back(Ask(cook.Later()));
        break;
      case Called::kError:
        asked_.push_back(Ask(cook.Kept()));
        break;
      case Called::kFirstOfTwo:
      case Called::kSecondOfTwo: {
        auto listener = cook.Later();
        auto reply = listener.Pipeline().Heard("soup");
        asked_.push_back(Ask(std::move(listener)));
        asked_.push_back(Ask(std::move(reply)));
        break;
      }
    }
  }

  // --- the wire ---------------------------------------------------------------------------------

  // Lets a message pass after `look` has seen it.
  void PassOne(size_t from, const std::function<void(protocol::Message::Reader)>& look) {
    if (!wire_.AwaitFrame(from)) throw std::runtime_error("the connection has ended");
    const auto frame = wire_.Oldest(from);
    std::vector<capnp::word> words(frame.size() / sizeof(capnp::word));
    std::memcpy(words.data(), frame.data(), frame.size());
    capnp::FlatArrayMessageReader reader(kj::arrayPtr(words.data(), words.size()));
    look(reader.getRoot<protocol::Message>());
    wire_.Pass(from);
  }
  void PassCalls(size_t count) {
    for (; count > 0; --count) {
      PassOne(kClient, [&](protocol::Message::Reader message) {
        ASSERT_TRUE(message.isCall());
        questions_.push_back(message.getCall().getQuestionId());
      });
    }
  }
  // Of the calls from `begin` on.
  void PassFinishes(size_t begin) {
    std::vector<uint32_t> missing(questions_.begin() + static_cast<ptrdiff_t>(begin),
                                  questions_.end());
    while (!missing.empty()) {
      PassOne(kClient, [&](protocol::Message::Reader message) {
        if (message.isFinish()) std::erase(missing, message.getFinish().getQuestionId());
      });
    }
  }
  // Until those of these calls have passed; in any order, and others with them.
  void PassReturns(size_t begin, size_t end) {
    for (size_t call = begin; call < end; ++call) PassUntilReturned(questions_[call]);
  }
  void PassUntilReturned(uint32_t question) {
    while (!returned_.contains(question)) {
      PassOne(kServer, [&](protocol::Message::Reader message) {
        if (!message.isReturn()) return;
        const auto ret = message.getReturn();
        EXPECT_TRUE(returned_.insert(ret.getAnswerId()).second) << "returned twice";
        const auto call = std::find(questions_.begin(), questions_.end(), ret.getAnswerId());
        if (call == questions_.end()) return;
        const bool canceled = static_cast<size_t>(call - questions_.begin()) >= first_canceled_;
        EXPECT_EQ(ret.isCanceled(), canceled);
        EXPECT_EQ(ret.isException(), !canceled && called_ == Called::kError);
      });
    }
  }
  // What the client has sent before has been handled when this is over.
  void PassRoundTrip() {
    auto running = proxy_.async().Running();
    std::optional<uint32_t> question;
    while (!question) {
      PassOne(kClient, [&](protocol::Message::Reader message) {
        if (message.isCall()) question = message.getCall().getQuestionId();
      });
    }
    PassUntilReturned(*question);
    EXPECT_TRUE(running.Get().ok());
  }
  void PassAllUntil(const std::function<bool()>& condition) {
    while (!condition()) {
      for (size_t end : {kClient, kServer}) {
        while (wire_.Pass(end)) {
        }
      }
      std::this_thread::yield();
    }
  }
  // Questions, answers, exports and imports of the client, and of the server.
  std::string Sizes() {
    std::string sizes;
    for (const auto& end : ends_) {
      end->WithLock([&](ConnectionState& s) {
        sizes += (sizes.empty() ? "" : ", ") + std::to_string(s.questions.size()) + " " +
                 std::to_string(s.answers.size()) + " " + std::to_string(s.exports.size()) + " " +
                 std::to_string(s.imports.size());
      });
    }
    return sizes;
  }

  const Called called_;
  const First first_;
  FrozenWire wire_;
  const std::shared_ptr<StubbornCook> cook_ = std::make_shared<StubbornCook>();
  base::Ref<Connection> ends_[2];
  kitchen::CookProxy proxy_;
  std::vector<Asked> asked_;
  std::vector<uint32_t> questions_;  // of asked_, as their Calls pass
  std::set<uint32_t> returned_;
  size_t first_canceled_ = SIZE_MAX;  // of asked_: from here on Returns say that they were canceled
};

class CancellationRaces : public testing::TestWithParam<std::tuple<Called, First>> {};

std::string CaseName(const testing::TestParamInfo<std::tuple<Called, First>>& info) {
  static constexpr const char* kCalled[] = {"HeedfulServant", "PlainResult", "Capability",
                                            "Error",          "FirstOfTwo",  "SecondOfTwo"};
  const auto [called, first] = info.param;
  return std::string(kCalled[static_cast<int>(called)]) +
         (first == First::kFinish ? "FinishFirst" : "ReturnFirst");
}

INSTANTIATE_TEST_SUITE_P(
    Of, CancellationRaces,
    testing::Combine(testing::Values(Called::kHeedful, Called::kPlainResult, Called::kCapability,
                                     Called::kError, Called::kFirstOfTwo, Called::kSecondOfTwo),
                     testing::Values(First::kFinish, First::kReturn)),
    CaseName);

TEST_P(CancellationRaces, EndAlikeWhereverTheWireStandsStill) {
  const auto [called, first] = GetParam();
  for (size_t stop = 0; stop < Race::Stops(called); ++stop) {
    SCOPED_TRACE("stop " + std::to_string(stop));
    Race race(called, first);
    race.CancelAt(stop);
    if (HasFatalFailure()) return;
    race.End();
  }
}

}  // namespace
}  // namespace drover::rpc

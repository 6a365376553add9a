// Interceptors: what they see, in which order, and what they can do.
#include "drover/object/interceptor.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/object/connect.h"
#include "drover/object/node.h"
#include "drover/object/server.h"
#include "drover/object/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "sink.drover.h"
#include "support/cook.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::Cook;
using testing_support::Parrot;

// What interceptors noted, in order; thread-safe, and shared by its copies.
class Journal {
 public:
  void Note(std::string line) const {
    base::MutexLock lock(&state_->mu);
    state_->lines.push_back(std::move(line));
    state_->changed.SignalAll();
  }
  std::vector<std::string> Lines() const {
    base::MutexLock lock(&state_->mu);
    return state_->lines;
  }
  std::vector<std::string> Await(size_t count) const {
    base::MutexLock lock(&state_->mu);
    while (state_->lines.size() < count) state_->changed.Wait(&state_->mu);
    return state_->lines;
  }
  // Notes the beginning and the end of calls.
  auto Interceptor(std::string name) const {
    return [journal = *this, name](InterceptedCall& call) {
      journal.Note(name + " " + call.Method());
      call.OnDone([journal, name](const absl::Status& status) {
        journal.Note(absl::StrCat(name, " done ", absl::StatusCodeToString(status.code())));
      });
      return absl::OkStatus();
    };
  }

 private:
  struct State {
    base::Mutex mu;
    base::CondVar changed;
    std::vector<std::string> lines ABSL_GUARDED_BY(mu);
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

absl::Status Refuse(InterceptedCall&) { return absl::PermissionDeniedError("not today"); }
absl::Status Throw(InterceptedCall&) { throw std::runtime_error("oops"); }

class Interceptors : public testing::Test {
 protected:
  ~Interceptors() override { cook_->gate.Open(); }

  void Start(std::vector<ServerInterceptor> served, std::vector<ClientInterceptor> made) {
    server_.emplace(Serve("tcp://127.0.0.1:0", cook_, {.interceptors = std::move(served)}).value());
    proxy_ = Connect<kitchen::CookProxy>(server_->endpoint(), {.interceptors = std::move(made)});
  }

  Journal journal_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  kitchen::CookProxy proxy_;
};

// --- on a server --------------------------------------------------------------------------------

TEST_F(Interceptors, OfAServerRunInOrderAndAreDoneInReverse) {
  Start({journal_.Interceptor("a"), journal_.Interceptor("b")}, {});
  EXPECT_EQ(*proxy_.Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(), ElementsAre("a Cook.add", "b Cook.add", "b done OK", "a done OK"));
}

TEST_F(Interceptors, OfAServerRefuseCalls) {
  Start({journal_.Interceptor("a"), Refuse, journal_.Interceptor("b")}, {});
  const absl::Status status = proxy_.Note(7);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not today"));
  EXPECT_THAT(journal_.Lines(), ElementsAre("a Cook.note", "a done PERMISSION_DENIED"));
  EXPECT_THAT(cook_->Notes().value(), IsEmpty());
}

TEST_F(Interceptors, OfAServerSeeWhatTheServantAnswered) {
  Start({journal_.Interceptor("a")}, {});
  EXPECT_EQ(proxy_.Fail(static_cast<uint16_t>(absl::StatusCode::kDataLoss), "x").code(),
            absl::StatusCode::kDataLoss);
  EXPECT_THAT(journal_.Lines(), ElementsAre("a Cook.fail", "a done DATA_LOSS"));
}

TEST_F(Interceptors, OfAServerSeeCallsOnEveryObject) {
  Start({journal_.Interceptor("a")}, {});
  EXPECT_EQ(*proxy_.MakeCook()->Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(),
              ElementsAre("a Cook.makeCook", "a done OK", "a Cook.add", "a done OK"));
}

TEST_F(Interceptors, OfAServerSeeCallsThatItPassesOn) {
  auto elsewhere = Serve("tcp://127.0.0.1:0", std::make_shared<Parrot>()).value();
  cook_->Keep(Connect<kitchen::ListenerProxy>(elsewhere.endpoint())).IgnoreError();  // cannot fail
  Start({[](ServedCall& call) {
          const bool passed_on = call.Method().find("interface") != std::string::npos;
          return passed_on ? absl::PermissionDeniedError("not ours") : absl::OkStatus();
        }},
        {});
  EXPECT_EQ(proxy_.Kept()->Heard("x").status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(Interceptors, OfAServerDoNotSeeNode) {
  Start({Refuse}, {});
  EXPECT_EQ(Connect<NodeProxy>(server_->endpoint()).Ping(), absl::OkStatus());
}

TEST_F(Interceptors, OfAServerKnowTheContext) {
  Start({[this](ServedCall& call) {
          journal_.Note(call.context().Metadata("tenant"));
          journal_.Note(CallContext::Current().Metadata("tenant"));
          return call.context().Peer() != nullptr ? absl::OkStatus()
                                                  : absl::InternalError("nobody calls");
        }},
        {});
  EXPECT_EQ(proxy_.Note(1), absl::OkStatus());
  EXPECT_EQ(proxy_.With({.metadata = {{"tenant", "acme"}}}).Note(2), absl::OkStatus());
  EXPECT_THAT(journal_.Lines(), ElementsAre("", "", "acme", "acme"));
}

TEST_F(Interceptors, OfAServerMayCallOthers) {
  auto elsewhere = Serve("tcp://127.0.0.1:0", std::make_shared<Parrot>()).value();
  const auto parrot = Connect<kitchen::ListenerProxy>(elsewhere.endpoint());
  Start({[&](ServedCall& call) {
          journal_.Note(*parrot.Heard(call.Method()));
          return absl::OkStatus();
        }},
        {});
  EXPECT_EQ(*proxy_.Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(), ElementsAre("heard Cook.add"));
}

TEST_F(Interceptors, ThatThrowRefuseWithInternal) {
  Start({Throw}, {});
  const absl::Status status = proxy_.Note(7);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("oops"));
  EXPECT_THAT(cook_->Notes().value(), IsEmpty());
}

// --- of a caller --------------------------------------------------------------------------------

TEST_F(Interceptors, OfACallerRunInOrderAndAreDoneInReverse) {
  Start({}, {journal_.Interceptor("a"), journal_.Interceptor("b")});
  EXPECT_EQ(*proxy_.Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(), ElementsAre("a Cook.add", "b Cook.add", "b done OK", "a done OK"));
}

TEST_F(Interceptors, OfACallerSeeAsyncCalls) {
  Start({}, {journal_.Interceptor("a")});
  EXPECT_EQ(*proxy_.async().Add(1, 2).Get(), 3u);
  EXPECT_THAT(journal_.Await(2), ElementsAre("a Cook.add", "a done OK"));
}

TEST_F(Interceptors, OfACallerSeeCallsThatAreCancelled) {
  Start({}, {journal_.Interceptor("a")});
  proxy_.async().Wait().Cancel();
  EXPECT_THAT(journal_.Await(2), ElementsAre("a Cook.wait", "a done CANCELLED"));
}

TEST_F(Interceptors, OfACallerSeeCallsOnObjectsThatCameBack) {
  Start({}, {journal_.Interceptor("a")});
  EXPECT_EQ(*proxy_.MakeCook()->Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(),
              ElementsAre("a Cook.makeCook", "a done OK", "a Cook.add", "a done OK"));
}

TEST_F(Interceptors, OfACallerSeePipelinedCalls) {
  Start({}, {journal_.Interceptor("a")});
  EXPECT_EQ(*proxy_.async().MakeCook().Pipeline().Add(1, 2).Get(), 3u);
  EXPECT_THAT(journal_.Await(4), testing::UnorderedElementsAre("a Cook.makeCook", "a done OK",
                                                               "a Cook.add", "a done OK"));
}

TEST_F(Interceptors, OfACallerSeeCallsPipelinedBeforeTheServerIsUp) {
  Start({}, {});
  auto waiting = Connect<kitchen::CookProxy>(
      server_->endpoint(), {.wait_for_ready = true, .interceptors = {journal_.Interceptor("a")}});
  EXPECT_EQ(*waiting.async().MakeCook().Pipeline().Add(1, 2).Get(), 3u);
  EXPECT_THAT(journal_.Await(4), testing::UnorderedElementsAre("a Cook.makeCook", "a done OK",
                                                               "a Cook.add", "a done OK"));
}

TEST_F(Interceptors, OfACallerRefuseCallsWhichDoNotLeave) {
  Start({journal_.Interceptor("server")}, {journal_.Interceptor("a"), Refuse});
  const absl::Status status = proxy_.Note(7);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(proxy_.async().Note(7).Get().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.note: not today"));
  EXPECT_THAT(journal_.Await(4), ElementsAre("a Cook.note", "a done PERMISSION_DENIED",
                                             "a Cook.note", "a done PERMISSION_DENIED"));
}

TEST_F(Interceptors, OfACallerChangeTheOptions) {
  Start({[this](ServedCall& call) {
          journal_.Note(call.context().Metadata("token"));
          return absl::OkStatus();
        }},
        {[](MadeCall& call) {
          call.options().metadata.emplace_back("token", "secret of " + call.Method());
          return absl::OkStatus();
        }});
  EXPECT_EQ(proxy_.Note(1), absl::OkStatus());
  EXPECT_EQ(proxy_.Note(2), absl::OkStatus());
  EXPECT_THAT(journal_.Lines(), ElementsAre("secret of Cook.note", "secret of Cook.note"));
}

TEST_F(Interceptors, OfACallerSetDeadlines) {
  Start({}, {[](MadeCall& call) {
          call.options().timeout = absl::Milliseconds(20);
          return absl::OkStatus();
        }});
  EXPECT_EQ(proxy_.Wait().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(Interceptors, OfACallerKnowTheEndpoint) {
  Start({}, {[this](MadeCall& call) {
          journal_.Note(call.endpoint());
          return absl::OkStatus();
        }});
  EXPECT_EQ(proxy_.Note(1), absl::OkStatus());
  EXPECT_THAT(journal_.Lines(), ElementsAre(server_->endpoint().ToString()));
}

TEST_F(Interceptors, OfACallerDoNotSeeCallsWithinTheProcess) {
  Start({}, {journal_.Interceptor("a")});
  EXPECT_EQ(*kitchen::CookProxy(cook_).Add(1, 2), 3u);
  EXPECT_THAT(journal_.Lines(), IsEmpty());
}

TEST_F(Interceptors, WithoutARunningServerSeeTheFailure) {
  Start({}, {journal_.Interceptor("a")});
  server_.reset();
  EXPECT_EQ(proxy_.Note(1).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(journal_.Lines(), ElementsAre("a Cook.note", "a done UNAVAILABLE"));
}

// --- streams ------------------------------------------------------------------------------------

const std::vector<uint8_t> kChunk = {1};

class Sink final : public sink::SinkServant {
 public:
  absl::Status Write(std::vector<uint8_t> chunk) override {
    return chunk.empty() ? absl::DataLossError("an empty chunk") : absl::OkStatus();
  }
};

TEST(InterceptorsOfStreams, SeeEachCallAndItsOutcome) {
  const Journal journal;
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Sink>()).value();
  auto sink =
      Connect<sink::SinkProxy>(server.endpoint(), {.interceptors = {journal.Interceptor("a")}});
  EXPECT_EQ(sink.Write(kChunk), absl::OkStatus());
  EXPECT_EQ(FinishStream(sink), absl::OkStatus());
  EXPECT_THAT(journal.Await(2), ElementsAre("a Sink.write", "a done OK"));
  EXPECT_EQ(sink.Write({}), absl::OkStatus());  // its error comes later
  EXPECT_EQ(FinishStream(sink).code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(journal.Await(4),
              ElementsAre("a Sink.write", "a done OK", "a Sink.write", "a done DATA_LOSS"));
}

TEST(InterceptorsOfStreams, RefuseCallsWhichDoNotLeave) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Sink>()).value();
  auto sink = Connect<sink::SinkProxy>(server.endpoint(), {.interceptors = {Refuse}});
  EXPECT_EQ(sink.Write(kChunk).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(FinishStream(sink), absl::OkStatus());  // nothing was lost
}

}  // namespace
}  // namespace drover

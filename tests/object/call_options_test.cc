// Deadlines, metadata and chains of calls: what travels with a call, and what it does.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "drover/object/call_context.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using testing_support::Cook;

constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

// Remembers the context of the last call.
class Witness final : public kitchen::ListenerServant {
 public:
  absl::StatusOr<std::string> Heard(std::string text) override {
    const CallContext call = CallContext::Current();
    base::MutexLock lock(&mu_);
    deadline_ = call.Deadline();
    tenant_ = call.Metadata("tenant");
    trace_ = call.Traceparent();
    method_ = call.Method();
    return text;
  }
  absl::Time deadline() {
    base::MutexLock lock(&mu_);
    return deadline_;
  }
  std::string tenant() {
    base::MutexLock lock(&mu_);
    return tenant_;
  }
  std::string trace() {
    base::MutexLock lock(&mu_);
    return trace_;
  }
  std::string method() {
    base::MutexLock lock(&mu_);
    return method_;
  }

 private:
  base::Mutex mu_;
  absl::Time deadline_ ABSL_GUARDED_BY(mu_);
  std::string tenant_ ABSL_GUARDED_BY(mu_), trace_ ABSL_GUARDED_BY(mu_);
  std::string method_ ABSL_GUARDED_BY(mu_);
};

class CallOptionsTest : public testing::Test {
 protected:
  CallOptionsTest() : server_(Serve("tcp://127.0.0.1:0", cook_).value()) {
    proxy_ = Connect<kitchen::CookProxy>(server_.endpoint());
    // Both ends know each other from the first answer on.
    EXPECT_EQ(*proxy_.Add(1, 2), 3u);
  }
  ~CallOptionsTest() override { cook_->gate.Open(); }

  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  Server server_;
  kitchen::CookProxy proxy_;
};

// --- deadlines ----------------------------------------------------------------------------------

TEST_F(CallOptionsTest, DeadlineEndsACallAndSaysWhichWhereAndHowLong) {
  absl::Status status;
  do {
    status = proxy_.With({.timeout = absl::Milliseconds(20)}).Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    // Or the server was too late to begin, and says so before this thread runs again.
  } while (absl::StrContains(status.message(), "before the call began"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.wait at tcp://127.0.0.1:"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no answer within"));
}

TEST_F(CallOptionsTest, DeadlineReachesTheServant) {
  EXPECT_EQ(proxy_.With({.timeout = absl::Milliseconds(20)}).Wait().code(),
            absl::StatusCode::kDeadlineExceeded);
  // The servant's wait at its gate ends although nobody opens that.
  while (proxy_.Running()->count > 0) {
  }
}

TEST_F(CallOptionsTest, DeadlineEndsACallThatNobodyWaitsFor) {
  Promise<absl::StatusCode> seen;
  auto result = seen.future();
  proxy_.async()
      .With({.timeout = absl::Milliseconds(20)})
      .Wait()
      .Then([&](const absl::Status& status) { seen.Set(status.code()); })
      .Detach();
  EXPECT_EQ(*result.Get(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CallOptionsTest, DeadlineOfACallInThisProcessEndsItToo) {
  const kitchen::CookProxy local(cook_);
  EXPECT_EQ(local.With({.timeout = absl::Milliseconds(20)}).Wait().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CallOptionsTest, NoTimeLeftFailsTheCallBeforeItBegins) {
  EXPECT_EQ(proxy_.With({.timeout = absl::ZeroDuration()}).Note(7).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(*proxy_.Notes(), testing::IsEmpty());
}

TEST_F(CallOptionsTest, AnswersInTimeAreNotTouched) {
  EXPECT_EQ(*proxy_.With({.timeout = absl::Hours(1)}).Add(2, 2), 4u);
  EXPECT_EQ(*proxy_.async().With({.timeout = absl::Hours(1)}).Add(2, 2).Get(), 4u);
}

// --- what is inherited --------------------------------------------------------------------------

TEST_F(CallOptionsTest, NestedCallsInheritDeadlineMetadataAndTrace) {
  auto witness = std::make_shared<Witness>();
  const absl::Time before = absl::Now();
  const auto patient = proxy_.With(
      {.timeout = absl::Hours(1), .metadata = {{"tenant", "acme"}}, .traceparent = kTrace});
  EXPECT_EQ(*patient.Tell(witness, "x"), "x");  // the cook calls the witness
  EXPECT_GT(witness->deadline(), before + absl::Minutes(50));
  EXPECT_LT(witness->deadline(), before + absl::Minutes(70));
  EXPECT_EQ(witness->tenant(), "acme");
  EXPECT_EQ(witness->trace(), kTrace);
  EXPECT_EQ(witness->method(), "Listener.heard");
}

TEST_F(CallOptionsTest, ReachTheServantWithTheFirstCallOfAConnection) {
  auto witness = std::make_shared<Witness>();
  Server server = Serve("tcp://127.0.0.1:0", witness).value();
  const auto proxy = Connect<kitchen::ListenerProxy>(server.endpoint());
  EXPECT_EQ(*proxy.With({.metadata = {{"tenant", "acme"}}}).Heard("x"), "x");
  EXPECT_EQ(witness->tenant(), "acme");
}

TEST_F(CallOptionsTest, CallsWithoutOptionsTellNothing) {
  auto witness = std::make_shared<Witness>();
  EXPECT_EQ(*proxy_.Tell(witness, "x"), "x");
  EXPECT_EQ(witness->deadline(), absl::InfiniteFuture());
  EXPECT_EQ(witness->tenant(), "");
  EXPECT_EQ(witness->trace(), "");
}

TEST_F(CallOptionsTest, OutsideOfCallsTheContextIsEmpty) {
  const CallContext none = CallContext::Current();
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.Cancelled());
  EXPECT_EQ(none.Remaining(), absl::InfiniteDuration());
  EXPECT_EQ(none.Peer(), nullptr);
}

// --- malformed options --------------------------------------------------------------------------

TEST_F(CallOptionsTest, MalformedFailTheCallAndNameWhatIsWrong) {
  const auto message = [&](CallOptions options) {
    const absl::Status status = proxy_.With(std::move(options)).Note(1);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(message({.timeout = absl::Seconds(-1)}), HasSubstr("timeout is negative: -1s"));
  EXPECT_THAT(message({.metadata = {{"", "x"}}}), HasSubstr("metadata has an empty key"));
  EXPECT_THAT(message({.traceparent = "00-xyz"}), HasSubstr("traceparent: 00-xyz"));
  EXPECT_THAT(*proxy_.Notes(), testing::IsEmpty());
}

// --- cycles -------------------------------------------------------------------------------------

// Passes on what it hears, one time less.
class Relay final : public kitchen::ListenerServant {
 public:
  kitchen::ListenerProxy next;

  absl::StatusOr<std::string> Heard(std::string text) override {
    if (text.empty()) return text;
    return next.Heard(text.substr(1));
  }
};

TEST(Cycles, OfCallsFailAtOnceAndAreNamed) {
  auto a = std::make_shared<Relay>();
  auto b = std::make_shared<Relay>();
  Server serves_a = Serve("tcp://127.0.0.1:0", a).value();
  Server serves_b = Serve("tcp://127.0.0.1:0", b).value();
  // Seen although nothing is known of the peers when the calls are made.
  a->next = Connect<kitchen::ListenerProxy>(serves_b.endpoint());
  b->next = Connect<kitchen::ListenerProxy>(serves_a.endpoint());
  const kitchen::ListenerProxy first = Connect<kitchen::ListenerProxy>(serves_a.endpoint());
  const absl::Status status = first.Heard("xx").status();  // a, b, a
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("Listener.heard -> Listener.heard -> this call"));
  EXPECT_EQ(*first.Heard("x"), "");  // a, b
}

TEST(Cycles, WithinOneProcessFailToo) {
  auto narcissus = std::make_shared<Relay>();
  narcissus->next = kitchen::ListenerProxy(narcissus);
  EXPECT_EQ(narcissus->next.Heard("x").status().code(), absl::StatusCode::kFailedPrecondition);
  narcissus->next = {};
}

// Makes a call to itself, and waits for it in the way that is chosen.
class Recluse final : public kitchen::ListenerAsyncServant {
 public:
  explicit Recluse(bool blocks) : blocks_(blocks) {}
  kitchen::ListenerProxy self;

  Future<std::string> Heard(std::string text) override {
    if (text.empty()) co_return text;
    Future<std::string> echo = self.async().Heard(text.substr(1));
    absl::StatusOr<std::string> heard = "";
    if (blocks_) {
      heard = echo.Get();
    } else {
      heard = co_await std::move(echo);
    }
    if (!heard.ok()) co_return heard.status();
    co_return *heard + text.substr(0, 1);
  }

 private:
  const bool blocks_;
};

TEST(Cycles, OfAsyncServantsAreNoneUnlessTheyBlock) {
  auto recluse = std::make_shared<Recluse>(/*blocks=*/false);
  recluse->self = kitchen::ListenerProxy(recluse);
  EXPECT_EQ(recluse->self.Heard("abc").value(), "cba");
  recluse->self = {};
  recluse = std::make_shared<Recluse>(/*blocks=*/true);
  recluse->self = kitchen::ListenerProxy(recluse);
  EXPECT_EQ(recluse->self.Heard("abc").status().code(), absl::StatusCode::kFailedPrecondition);
  recluse->self = {};
}

// Leaves a call to itself behind.
class Reminder final : public Cook {
 public:
  kitchen::CookProxy self;
  Promise<uint32_t> sum;
  absl::Status Note(uint32_t) override {
    self.async()
        .Add(1, 2)
        .Then([this](absl::StatusOr<uint32_t> result) { sum.Set(std::move(result)); })
        .Detach();
    return absl::OkStatus();
  }
};

TEST(Cycles, AreNoneIfTheServantDoesNotWait) {
  auto cook = std::make_shared<Reminder>();
  cook->self = kitchen::CookProxy(cook);
  EXPECT_EQ(cook->self.Note(1), absl::OkStatus());
  EXPECT_EQ(cook->sum.future().Get().value(), 3u);
  cook->self = {};
}

// Looks at itself while it serves.
class Introvert final : public Cook {
 public:
  kitchen::CookProxy self;
  absl::Status Note(uint32_t) override { return self.Running().status(); }
};

TEST(Cycles, ThroughConcurrentMethodsWork) {
  auto cook = std::make_shared<Introvert>();
  cook->self = kitchen::CookProxy(cook);
  EXPECT_EQ(cook->self.Note(1), absl::OkStatus());
  cook->self = {};
}

// --- objects by name ----------------------------------------------------------------------------

TEST(NamedObjects, AreFoundByTheirName) {
  Server server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  ASSERT_EQ(server.Export("parrot", std::make_shared<testing_support::Parrot>()), absl::OkStatus());
  const auto parrot = Connect<kitchen::ListenerProxy>(server.endpoint().ToString() + "#parrot");
  EXPECT_EQ(*parrot.Heard("hello"), "heard hello");
}

// The answer to the lookup may be here before anybody has asked for what is in it.
TEST(NamedObjects, AreFoundHoweverSoonTheAnswerComes) {
  Server server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  ASSERT_EQ(server.Export("parrot", std::make_shared<testing_support::Parrot>()), absl::OkStatus());
  for (int i = 0; i < 1000; ++i) {
    const auto parrot = Connect<kitchen::ListenerProxy>(server.endpoint().ToString() + "#parrot");
    const absl::StatusOr<std::string> heard = parrot.Heard("hello");
    ASSERT_TRUE(heard.ok()) << heard.status();
    ASSERT_EQ(*heard, "heard hello");
  }
}

TEST(NamedObjects, ThatDoNotExistAreNotFound) {
  Server server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  const auto nobody = Connect<kitchen::ListenerProxy>(server.endpoint().ToString() + "#nobody");
  const absl::Status status = nobody.Heard("hello").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"nobody\""));
}

TEST(NamedObjects, MayLieElsewhere) {
  Server far = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  Server server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  const auto object = Connect<kitchen::CookProxy>(far.endpoint());
  EXPECT_EQ(server.Export("far", object), absl::OkStatus());
  const auto named = Connect<kitchen::CookProxy>(server.endpoint().ToString() + "#far");
  EXPECT_EQ(named.Note(7), absl::OkStatus());
  EXPECT_THAT(object.Notes().value(), testing::ElementsAre(7));
  EXPECT_EQ(server.Export("nothing", kitchen::CookProxy()).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(NamedObjects, HaveOneNameEach) {
  Server server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  const auto parrot = std::make_shared<testing_support::Parrot>();
  EXPECT_EQ(server.Export("a", parrot), absl::OkStatus());
  EXPECT_EQ(server.Export("a", parrot).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(server.Export("", parrot).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(server.Unexport("b").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(server.Unexport("a"), absl::OkStatus());
  EXPECT_EQ(server.Export("a", parrot), absl::OkStatus());
}

TEST(NamedObjects, AreFoundAgainWhenTheServerIsBack) {
  auto server =
      std::make_unique<Server>(Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value());
  const std::string endpoint = server->endpoint().ToString();
  server->Export("parrot", std::make_shared<testing_support::Parrot>()).IgnoreError();  // new name
  const auto parrot = Connect<kitchen::ListenerProxy>(endpoint + "#parrot");
  EXPECT_EQ(*parrot.Heard("1"), "heard 1");
  server.reset();
  EXPECT_EQ(parrot.Heard("2").status().code(), absl::StatusCode::kUnavailable);
  server = std::make_unique<Server>(Serve(endpoint, std::make_shared<Cook>()).value());
  server->Export("parrot", std::make_shared<testing_support::Parrot>()).IgnoreError();  // new name
  EXPECT_EQ(*parrot.Heard("3"), "heard 3");
}

}  // namespace
}  // namespace drover

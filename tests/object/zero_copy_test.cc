// The zero-copy forms of methods: that they do what the value forms do, whichever form the other
// side uses, within a process and over a connection.
#include "drover/object/zero_copy.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/call_context.h"
#include "drover/object/connect.h"
#include "drover/object/interceptor.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover_zero_copy.h"
#include "support/cook.h"
#include "support/zero_copy_cook.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::CookZeroCopyProxy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::Cook;
using testing_support::Parrot;
using testing_support::ZeroCopyCook;
using Wire = kitchen::wire::Cook;

constexpr size_t kMega = 1 << 20;

bool AllAre(capnp::Data::Reader data, size_t size, uint8_t byte) {
  return data.size() == size &&
         std::all_of(data.begin(), data.end(), [=](uint8_t b) { return b == byte; });
}

absl::StatusOr<ZeroCopyReply<Wire::EchoResults>> EchoOf(const CookProxy& cook, size_t size,
                                                        uint8_t byte) {
  auto call = CookZeroCopyProxy(cook).Echo(size);
  capnp::Data::Builder data = call.params().initData(size);
  std::fill(data.begin(), data.end(), byte);
  return call.Send();
}

enum class Place { kHere, kConnected };

class ZeroCopy : public testing::TestWithParam<Place> {
 protected:
  ~ZeroCopy() override {
    zero_copy_->gate.Open();
    values_->gate.Open();
  }

  // A proxy of an object at that place.
  template <class S>
  CookProxy ProxyOfServant(const std::shared_ptr<S>& servant) {
    if (GetParam() == Place::kHere) return CookProxy(servant);
    servers_.push_back(Serve("tcp://127.0.0.1:0", servant).value());
    return Connect<CookProxy>(servers_.back().endpoint());
  }
  CookProxy ToZeroCopy() { return ProxyOfServant(zero_copy_); }
  CookProxy ToValues() { return ProxyOfServant(values_); }

  const std::shared_ptr<ZeroCopyCook> zero_copy_ = std::make_shared<ZeroCopyCook>();
  const std::shared_ptr<Cook> values_ = std::make_shared<Cook>();
  std::vector<Server> servers_;
};

INSTANTIATE_TEST_SUITE_P(Over, ZeroCopy, testing::Values(Place::kHere, Place::kConnected),
                         [](const auto& info) {
                           return info.param == Place::kHere ? "OneProcess" : "AConnection";
                         });

// --- the two forms of the two sides -------------------------------------------------------------

TEST_P(ZeroCopy, ServantServesAValueClient) {
  const std::vector<uint8_t> data(kMega, 5);
  EXPECT_TRUE(ToZeroCopy().Echo(data).value() == data);
}

TEST_P(ZeroCopy, ClientIsServedByAValueServant) {
  const auto reply = EchoOf(ToValues(), kMega, 6);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(AllAre(reply->results().getData(), kMega, 6));
}

TEST_P(ZeroCopy, ClientIsServedByAZeroCopyServant) {
  const auto reply = EchoOf(ToZeroCopy(), kMega, 7);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(AllAre(reply->results().getData(), kMega, 7));
}

TEST_P(ZeroCopy, ParamsLeftUnsetAreDefaults) {
  const auto reply = CookZeroCopyProxy(ToZeroCopy()).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getData().size(), 0u);
}

TEST_P(ZeroCopy, ResultsNeverAskedForAreDefaults) {
  zero_copy_->on_echo = [](auto&) { return absl::OkStatus(); };
  const CookProxy cook = ToZeroCopy();
  EXPECT_THAT(cook.Echo(std::vector<uint8_t>{1}).value(), testing::IsEmpty());
  EXPECT_EQ(EchoOf(cook, 1, 1)->results().getData().size(), 0u);
}

TEST_P(ZeroCopy, MethodNotOverriddenHasItsValueForm) {
  const CookProxy cook = ToZeroCopy();
  EXPECT_EQ(cook.Add(2, 3).value(), 5u);
  auto call = CookZeroCopyProxy(cook).Add();
  call.params().setA(40);
  call.params().setB(2);
  EXPECT_EQ(call.Send()->results().getSum(), 42u);
}

TEST_P(ZeroCopy, MethodMayLeaveACallToItsValueForm) {
  class Picky final : public kitchen::CookZeroCopyServant {
    absl::Status EchoZeroCopy(EchoContext& call) override {
      if (call.params().getData().size() < 10) return call.UseValueForm();
      call.results().setData(capnp::Data::Reader());
      return absl::OkStatus();
    }
    absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  };
  const CookProxy cook = ProxyOfServant(std::make_shared<Picky>());
  EXPECT_THAT(cook.Echo(std::vector<uint8_t>{1, 2}).value(), ElementsAre(1, 2));
  EXPECT_THAT(cook.Echo(std::vector<uint8_t>(10)).value(), testing::IsEmpty());
}

TEST_P(ZeroCopy, MethodOverriddenInNeitherFormIsUnimplemented) {
  const CookProxy cook = ToZeroCopy();
  EXPECT_EQ(cook.Stop().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CookZeroCopyProxy(cook).Stop().Send().status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_P(ZeroCopy, SeveralResultsAreFieldsOfOneStruct) {
  const auto reply = CookZeroCopyProxy(ToZeroCopy()).Running().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getCount(), 3u);
  EXPECT_EQ(reply->results().getMost(), 7u);
}

TEST_P(ZeroCopy, MessagesMayBeReadAgainAndAgain) {
  // Far more than the limit of a message that is read once.
  const auto read_often = [](const auto& get) {
    uint32_t sum = 0;
    for (int i = 0; i < 100; ++i) sum += get().getData()[i];
    return sum;
  };
  zero_copy_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    read_often([&] { return call.params(); });
    call.results().setData(call.params().getData());
    return absl::OkStatus();
  };
  const auto reply = EchoOf(ToZeroCopy(), kMega, 1);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(read_often([&] { return reply->results(); }), 100u);
}

TEST_P(ZeroCopy, ReplyOutlivesProxyAndServer) {
  auto reply = EchoOf(ToZeroCopy(), kMega, 9);
  servers_.clear();
  ASSERT_TRUE(reply.ok()) << reply.status();
  const ZeroCopyReply<Wire::EchoResults> moved = *std::move(reply);
  EXPECT_TRUE(AllAre(moved.results().getData(), kMega, 9));
}

// --- objects ------------------------------------------------------------------------------------

TEST_P(ZeroCopy, ObjectsInParamsAndResultsAreProxies) {
  const CookZeroCopyProxy cook(ToZeroCopy());
  auto tell = cook.Tell();
  tell.params().setListener(ClientOf(kitchen::ListenerProxy(std::make_shared<Parrot>())));
  tell.params().setText("news");
  EXPECT_STREQ(tell.Send()->results().getReply().cStr(), "heard news");

  auto keep = cook.Keep();
  keep.params().setListener(ClientOf(kitchen::ListenerProxy(std::make_shared<Parrot>())));
  EXPECT_TRUE(keep.Send().ok());
  kitchen::ListenerProxy kept;
  {
    const auto reply = cook.Kept().Send();
    ASSERT_TRUE(reply.ok()) << reply.status();
    kept = ProxyOf(reply->results().getListener());
  }
  EXPECT_EQ(kept.Heard("more").value(), "heard more");  // the proxy outlives the message
}

TEST_P(ZeroCopy, ObjectsDeepInResultsAreProxies) {
  const CookProxy values = ToZeroCopy();
  const CookZeroCopyProxy cook(values);
  EXPECT_TRUE(values.Keep(std::make_shared<Parrot>()).ok());
  const auto reply = cook.Look().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  const auto shelf = reply->results().getShelf();
  EXPECT_STREQ(shelf.getLabel().cStr(), "spices");
  EXPECT_EQ(ProxyOf(shelf.getListener()).Heard("it").value(), "heard it");
  EXPECT_FALSE(ProxyOf(shelf.getEmpty()));
}

TEST_P(ZeroCopy, NullObjectsAreNullProxies) {
  const CookZeroCopyProxy cook(ToZeroCopy());
  auto keep = cook.Keep();
  keep.params().setListener(ClientOf(kitchen::ListenerProxy()));
  EXPECT_TRUE(keep.Send().ok());
  const auto reply = cook.Kept().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_FALSE(reply->results().hasListener());
  EXPECT_FALSE(ProxyOf(reply->results().getListener()));
}

TEST_P(ZeroCopy, ClientOfAMessageCannotBeCalled) {
  zero_copy_->on_echo = [](ZeroCopyCook::EchoContext&) {
    auto client = ClientOf(kitchen::ListenerProxy(std::make_shared<Parrot>()));
    client.heardRequest();  // throws
    return absl::OkStatus();
  };
  const absl::Status status = EchoOf(ToZeroCopy(), 1, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("through its proxy"));
}

// --- errors -------------------------------------------------------------------------------------

TEST_P(ZeroCopy, ErrorOfTheServantReachesTheCaller) {
  const CookProxy cook = ToZeroCopy();
  EXPECT_EQ(cook.Fail(9, "no flour"), absl::FailedPreconditionError("no flour"));
  auto call = CookZeroCopyProxy(cook).Fail();
  call.params().setCode(5);
  call.params().setMessage("no salt");
  EXPECT_EQ(call.Send().status(), absl::NotFoundError("no salt"));
}

TEST_P(ZeroCopy, ErrorDropsWhatWasBuilt) {
  zero_copy_->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results().initData(kMega);
    return absl::AbortedError("thought better of it");
  };
  EXPECT_EQ(EchoOf(ToZeroCopy(), 1, 1).status(), absl::AbortedError("thought better of it"));
}

TEST_P(ZeroCopy, ExceptionOfTheServantIsInternal) {
  zero_copy_->on_echo = [](ZeroCopyCook::EchoContext& call) -> absl::Status {
    call.results().initData(100);
    throw std::runtime_error("the oven is broken");
  };
  const absl::Status status = EchoOf(ToZeroCopy(), 1, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the oven is broken"));
}

TEST_P(ZeroCopy, CallIsSentOnce) {
  auto call = CookZeroCopyProxy(ToZeroCopy()).Running();
  EXPECT_TRUE(call.Send().ok());
  EXPECT_EQ(call.Send().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(call.SendAsync().Get().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ZeroCopyCalls, ThroughAProxyOfNothingAreFailedPrecondition) {
  const absl::Status status = EchoOf(CookProxy(), 1, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.echo"));
}

TEST(ZeroCopyCalls, ThatAreNeverSentCostNothing) {
  const CookProxy cook(std::make_shared<ZeroCopyCook>());
  auto call = CookZeroCopyProxy(cook).Keep();
  auto parrot = std::make_shared<Parrot>();
  call.params().setListener(ClientOf(kitchen::ListenerProxy(parrot)));
}

// --- what calls are given -----------------------------------------------------------------------

TEST_P(ZeroCopy, FutureGivesTheReply) {
  auto call = CookZeroCopyProxy(ToZeroCopy()).Echo(kMega);
  call.params().initData(kMega)[kMega - 1] = 3;
  Future<ZeroCopyReply<Wire::EchoResults>> future = call.SendAsync();
  const auto reply = future.Get();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getData()[kMega - 1], 3);
}

TEST_P(ZeroCopy, ContinuationTakesTheReply) {
  auto call = CookZeroCopyProxy(ToZeroCopy()).Running();
  Future<uint32_t> most =
      call.SendAsync().Then([](absl::StatusOr<ZeroCopyReply<Wire::RunningResults>> reply) {
        return absl::StatusOr<uint32_t>(reply->results().getMost());
      });
  EXPECT_EQ(most.Get().value(), 7u);
}

TEST_P(ZeroCopy, DroppingTheFutureCancelsTheCall) {
  {
    auto future = CookZeroCopyProxy(ToZeroCopy()).Wait().SendAsync();
    zero_copy_->gate.AwaitArrivals(1);
  }
  zero_copy_->gate.AwaitCancellations(1);
}

TEST_P(ZeroCopy, CancelledCallWakesItsServant) {
  auto future = CookZeroCopyProxy(ToZeroCopy()).Wait().SendAsync();
  zero_copy_->gate.AwaitArrivals(1);
  future.Cancel();
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kCancelled);
  zero_copy_->gate.AwaitCancellations(1);
}

TEST_P(ZeroCopy, DeadlineOfTheProxyHolds) {
  const CookProxy cook = ToZeroCopy().With({.timeout = absl::Milliseconds(20)});
  EXPECT_EQ(CookZeroCopyProxy(cook).Wait().Send().status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(CookZeroCopyProxy(cook).Wait().SendAsync().Get().status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_P(ZeroCopy, MetadataOfTheProxyTravels) {
  std::string tenant;
  zero_copy_->on_echo = [&](ZeroCopyCook::EchoContext&) {
    tenant = CallContext::Current().Metadata("tenant");
    return absl::OkStatus();
  };
  const CookProxy cook = ToZeroCopy();
  EXPECT_TRUE(EchoOf(cook.With({.metadata = {{"tenant", "acme"}}}), 1, 1).ok());
  EXPECT_EQ(tenant, "acme");
}

TEST(ZeroCopyCalls, PassTheInterceptorsOfBothSides) {
  std::vector<std::string> seen;
  ServerOptions server_options;
  server_options.interceptors = {[&](ServedCall& call) {
    seen.push_back("served " + call.Method());
    return absl::OkStatus();
  }};
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<ZeroCopyCook>(), server_options);
  ASSERT_TRUE(server.ok()) << server.status();
  ConnectOptions options;
  options.interceptors = {[&](MadeCall& call) {
    seen.push_back("made " + call.Method());
    call.OnDone([&](const absl::Status& status) { seen.push_back("done " + status.ToString()); });
    return absl::OkStatus();
  }};
  EXPECT_TRUE(EchoOf(Connect<CookProxy>(server->endpoint(), options), 1, 1).ok());
  EXPECT_THAT(seen, ElementsAre("made Cook.echo", "served Cook.echo", "done OK"));
}

TEST(ZeroCopyCalls, RefusedByAnInterceptorDoNotRun) {
  auto cook = std::make_shared<ZeroCopyCook>();
  bool ran = false;
  cook->on_echo = [&](ZeroCopyCook::EchoContext&) {
    ran = true;
    return absl::OkStatus();
  };
  ServerOptions options;
  options.interceptors = {[](ServedCall&) { return absl::PermissionDeniedError("no"); }};
  auto server = Serve("tcp://127.0.0.1:0", cook, options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(EchoOf(Connect<CookProxy>(server->endpoint()), 1, 1).status(),
            absl::PermissionDeniedError("no"));
  EXPECT_FALSE(ran);
}

// --- limits -------------------------------------------------------------------------------------

TEST(ZeroCopyLimits, ParamsAboveTheLimitAreResourceExhausted) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<ZeroCopyCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto cook = Connect<CookProxy>(server->endpoint(), {.max_message_bytes = kMega});
  EXPECT_EQ(EchoOf(cook, kMega, 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(EchoOf(cook, kMega / 2, 1).ok());
}

TEST(ZeroCopyLimits, ResultsAboveTheLimitAreResourceExhausted) {
  auto servant = std::make_shared<ZeroCopyCook>();
  servant->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results().initData(2 * kMega);
    return absl::OkStatus();
  };
  auto server = Serve("tcp://127.0.0.1:0", servant, {.max_message_bytes = kMega});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto cook = Connect<CookProxy>(server->endpoint());
  EXPECT_EQ(EchoOf(cook, 1, 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cook.Add(1, 2).value(), 3u);
}

TEST_P(ZeroCopy, ListsLongerThanMessagesAllowFailTheCall) {
  zero_copy_->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results().initData(size_t{1} << 29);  // throws
    return absl::OkStatus();
  };
  EXPECT_EQ(EchoOf(ToZeroCopy(), 1, 1).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace drover

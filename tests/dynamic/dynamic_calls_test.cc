// Calls by name, from a program that has no code of the interface.
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bakery.drover.h"
#include "drover/dynamic/dynamic_object.h"
#include "drover/object/one_way.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "drover/transport/listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interop/stock_process.h"
#include "sink.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::Cook;
using testing_support::Gate;

class Shop final : public bakery::ShopServant {
 public:
  absl::StatusOr<std::string> Stop(std::string why) override { return "baker, " + why; }
  absl::StatusOr<std::string> Stop(uint32_t table) override {
    return absl::StrCat("waiter, ", table);
  }
  absl::StatusOr<std::string> Rest() override { return "baker"; }
  absl::StatusOr<std::string> Serve(uint32_t table) override {
    return absl::StrCat("waiter, ", table);
  }
  absl::StatusOr<std::string> Serve(bakery::Loaf loaf) override {
    return absl::StrCat("shop, ", loaf.grams);
  }
};

// What a call gave, as text.
std::string JsonOf(const absl::StatusOr<DynamicReply>& reply) {
  return reply.ok() ? reply->json() : reply.status().ToString();
}

class DynamicCalls : public testing::TestWithParam<std::string> {
 protected:
  std::string endpoint() const {
    if (GetParam() == "unix") return "unix://" + dir_.path("object");
    return GetParam() == "tcp" ? "tcp://127.0.0.1:0" : "inproc://object";
  }
  DynamicObject Reach(std::shared_ptr<Servant> servant) {
    server_ = absl::UnknownError("the one before is gone");
    server_ = Serve(endpoint(), std::move(servant));
    EXPECT_TRUE(server_.ok()) << server_.status();
    auto object = DynamicObject::Connect(server_->endpoint());
    EXPECT_TRUE(object.ok()) << object.status();
    return *std::move(object);
  }

  testing_support::TempDir dir_;
  absl::StatusOr<Server> server_ = absl::UnknownError("not served yet");
};

INSTANTIATE_TEST_SUITE_P(Over, DynamicCalls, testing::Values("unix", "tcp", "inproc"),
                         [](const auto& info) { return info.param; });

TEST_P(DynamicCalls, AreMadeOneWay) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  EXPECT_EQ(cook.CallOneWay("note", R"({"entry": 7})"), absl::OkStatus());
  EXPECT_EQ(Sync(cook), absl::OkStatus());
  EXPECT_EQ(JsonOf(cook.Call("notes")), R"({"entries":[7]})");
  EXPECT_EQ(cook.CallOneWay("add", R"({"a": 1, "b": 2})").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(DynamicCalls, GiveTheResultsAsJson) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  EXPECT_EQ(JsonOf(cook.Call("add", R"({"a": 1, "b": 2})")), R"({"sum":3})");
  EXPECT_EQ(JsonOf(cook.CallAsync("add", R"({"a": 3, "b": 4})").Get()), R"({"sum":7})");
  EXPECT_EQ(JsonOf(cook.Call("notes")), R"({"entries":[]})");
}

TEST_P(DynamicCalls, LeaveArgumentsThatAreNotGivenToTheirDefaults) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  EXPECT_EQ(JsonOf(cook.Call("add", R"({"b": 5})")), R"({"sum":5})");
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  EXPECT_EQ(JsonOf(shop.Call("serve", R"({"loaf": {}})")), R"({"who":"shop, 500"})");
}

TEST_P(DynamicCalls, GiveTheServantsError) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  const auto reply = cook.Call("fail", R"({"code": 9, "message": "no flour"})");
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reply.status().message(), "no flour");
}

TEST_P(DynamicCalls, ReachAnObjectByItsName) {
  Reach(std::make_shared<Cook>());
  ASSERT_EQ(server_->Export("shop", std::make_shared<Shop>()), absl::OkStatus());
  auto shop = DynamicObject::Connect(server_->endpoint().WithName("shop"));
  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(shop->interface_name(), "Shop");
  EXPECT_EQ(JsonOf(shop->Call("rest")), R"({"who":"baker"})");
  auto nobody = DynamicObject::Connect(server_->endpoint().WithName("nobody"));
  EXPECT_EQ(nobody.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(nobody.status().message()), HasSubstr("\"nobody\""));
}

TEST_P(DynamicCalls, EndAtTheirTimeout) {
  auto servant = std::make_shared<Cook>();
  const DynamicObject cook = Reach(servant).With({.timeout = absl::Milliseconds(20)});
  absl::Status status;
  do {
    status = cook.Call("wait").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    // Or the server was too late to begin, and says so before this thread runs again.
  } while (absl::StrContains(status.message(), "before the call began"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.wait"));
  EXPECT_EQ(cook.CallAsync("wait").Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  // On a busy machine one may have ended before it began.
  servant->gate.AwaitCancellations(servant->gate.arrivals());
}

TEST_P(DynamicCalls, EndWithTheirFuture) {
  auto servant = std::make_shared<Cook>();
  const DynamicObject cook = Reach(servant);
  {
    Future<DynamicReply> waits = cook.CallAsync("wait");
    servant->gate.AwaitArrivals(1);
  }
  servant->gate.AwaitCancellations(1);
}

TEST_P(DynamicCalls, OutliveTheObjectTheyWereMadeThrough) {
  auto servant = std::make_shared<Cook>();
  Future<DynamicReply> waits;
  {
    const DynamicObject cook = Reach(servant);
    waits = cook.CallAsync("later");
    servant->gate.AwaitArrivals(1);
  }
  servant->gate.Open();
  const auto reply = waits.Get();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(JsonOf(reply->object(0).Call("heard", R"({"text": "it"})")), R"({"reply":"heard it"})");
}

TEST_P(DynamicCalls, OfManyThreadsShareTheSchema) {
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string number = std::to_string(t);
      for (int i = 0; i < 50; ++i) {
        wrong += JsonOf(shop.Call("serve", R"({"loaf": {"grams": )" + number + "}}")) !=
                 R"({"who":"shop, )" + number + "\"}";
        wrong += JsonOf(shop.CallAsync("rest").Get()) != R"({"who":"baker"})";
        wrong += shop.Methods().size() != 8 || shop.Describe().empty();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(DynamicCalls, OfInheritedMethodsNeedNoQualifier) {
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  EXPECT_EQ(JsonOf(shop.Call("rest")), R"({"who":"baker"})");
  EXPECT_EQ(JsonOf(shop.Call("Baker.rest")), R"({"who":"baker"})");
}

TEST_P(DynamicCalls, OfTheInterfaceItselfComeBeforeInheritedOnes) {
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  EXPECT_EQ(JsonOf(shop.Call("serve", R"({"loaf": {"grams": 7}})")), R"({"who":"shop, 7"})");
  EXPECT_EQ(JsonOf(shop.Call("Waiter.serve", R"({"table": 7})")), R"({"who":"waiter, 7"})");
}

TEST_P(DynamicCalls, OfTwoInterfacesMethodsSayWhich) {
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  EXPECT_EQ(shop.Call("stop").status(),
            absl::InvalidArgumentError(
                "Shop has more than one method \"stop\": say Baker.stop or Waiter.stop"));
  EXPECT_EQ(JsonOf(shop.Call("Baker.stop", R"({"why": "rain"})")), R"({"who":"baker, rain"})");
  EXPECT_EQ(JsonOf(shop.Call("Waiter.stop", R"({"table": 4})")), R"({"who":"waiter, 4"})");
  EXPECT_EQ(JsonOf(shop.Call("bakery.capnp:Waiter.stop", R"({"table": 4})")),
            R"({"who":"waiter, 4"})");
}

class Sink final : public sink::SinkServant {
  absl::Status Write(std::vector<uint8_t> chunk) override {
    if (chunk.empty()) return absl::DataLossError("an empty chunk");
    ++chunks_;
    return absl::OkStatus();
  }
  absl::StatusOr<sink::SinkDoneResults> Done() override {
    return sink::SinkDoneResults{.chunks = chunks_, .bytes = 1ull << 60, .in_order = true};
  }
  uint32_t chunks_ = 0;
};

TEST_P(DynamicCalls, OfStreamingMethodsWaitForTheirAnswer) {
  const DynamicObject sink = Reach(std::make_shared<Sink>());
  EXPECT_EQ(JsonOf(sink.Call("write", R"({"chunk": [1, 2]})")), "{}");
  EXPECT_EQ(sink.Call("write").status(), absl::DataLossError("an empty chunk"));
  EXPECT_EQ(JsonOf(sink.Call("write", R"({"chunk": [3]})")), "{}");
  EXPECT_EQ(JsonOf(sink.Call("done")),
            R"({"chunks":2,"bytes":"1152921504606846976","inOrder":true})");
}

TEST_P(DynamicCalls, OfMethodsThatAreNotThereListThoseThatAre) {
  const DynamicObject shop = Reach(std::make_shared<Shop>());
  const absl::Status error = absl::InvalidArgumentError(
      "Shop has no method \"fly\"; it has serve, deliver, hire, "
      "Baker.stop, bake, rest, Waiter.stop, Waiter.serve");
  EXPECT_EQ(shop.Call("fly").status(), error);
  EXPECT_EQ(shop.CallAsync("fly").Get().status(), error);
  EXPECT_EQ(shop.Call("Cook.rest").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(DynamicCalls, WithBadArgumentsAreNotSent) {
  auto servant = std::make_shared<Cook>();
  const DynamicObject cook = Reach(servant);
  EXPECT_EQ(cook.Call("note", R"({"entry": "five"})").status(),
            absl::InvalidArgumentError("Cook.note: field entry: expected a number, got a string"));
  EXPECT_EQ(cook.CallAsync("note", R"({"entry": -1})").Get().status(),
            absl::InvalidArgumentError("Cook.note: field entry: -1 is out of the range of UInt32"));
  EXPECT_THAT(JsonOf(cook.Call("note", R"({"entry": 5)")),
              StartsWith("INVALID_ARGUMENT: Cook.note: the arguments are malformed JSON: "));
  EXPECT_EQ(JsonOf(cook.Call("notes")), R"({"entries":[]})");
}

TEST(DynamicConnect, OutlivesTheServer) {
  testing_support::TempDir dir;
  const std::string endpoint = "unix://" + dir.path("cook");
  auto server = Serve(endpoint, std::make_shared<Cook>());
  const auto cook = DynamicObject::Connect(endpoint);
  ASSERT_TRUE(cook.ok()) << cook.status();
  EXPECT_EQ(JsonOf(cook->Call("add", R"({"a": 1})")), R"({"sum":1})");
  server->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(cook->Call("add").status().code(), absl::StatusCode::kUnavailable);
  server = Serve(endpoint, std::make_shared<Cook>());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(JsonOf(cook->Call("add", R"({"a": 2})")), R"({"sum":2})");
}

TEST(DynamicConnect, NeedsOneConnectionOnAnInheritedSocket) {
  auto server = Serve("unix:@dynamic" + std::to_string(getpid()), std::make_shared<Cook>()).value();
  ASSERT_EQ(server.Export("shop", std::make_shared<Shop>()), absl::OkStatus());
  auto stream = transport::Dial(server.endpoint()).value();
  const std::string fd = std::to_string(dup(stream->fd()));
  stream.reset();
  auto shop = DynamicObject::Connect("fd:" + fd + "#shop");
  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(JsonOf(shop->Call("rest")), R"({"who":"baker"})");
}

TEST(DynamicConnect, ToAServerOfAnotherKindIsUnimplemented) {
  interop::StockServer server("tcp://127.0.0.1:0");
  const absl::Status status = DynamicObject::Connect(server.endpoint()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()),
              StartsWith(server.endpoint() + ": the server does not describe itself"));
}

TEST(DynamicConnect, ToNobodyIsUnavailable) {
  EXPECT_EQ(DynamicObject::Connect("inproc://nobody").status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(DynamicConnect, ToNoEndpointIsInvalidArgument) {
  EXPECT_EQ(DynamicObject::Connect("nowhere").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DynamicConnect, EndsAtTheTimeoutOfItsCalls) {
  // A socket that nobody accepts connections of.
  auto listener = transport::Listener::Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()).value();
  EXPECT_EQ(DynamicObject::Connect(listener->endpoint(), {}, {.timeout = absl::Milliseconds(20)})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(DynamicObjectOfNothing, IsFailedPrecondition) {
  const DynamicObject nothing;
  EXPECT_FALSE(nothing);
  EXPECT_EQ(nothing.Call("add").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(nothing.CallAsync("add").Get().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(nothing.Methods().empty());
  EXPECT_EQ(nothing.Describe(), "");
}

TEST(DynamicMethods, AreNamedAsCallTakesThem) {
  auto server = Serve("inproc://shop", std::make_shared<Shop>()).value();
  const auto shop = DynamicObject::Connect(server.endpoint()).value();
  std::vector<std::string> methods;
  for (const DynamicMethod& m : shop.Methods()) {
    methods.push_back(absl::StrCat(m.interface, ": ", m.name, " ", m.parameters, " -> ", m.results,
                                   m.streaming ? "!" : ""));
  }
  EXPECT_THAT(
      methods,
      ElementsAre("Shop: serve (loaf :Loaf) -> (who :Text)", "Shop: deliver Loaf -> stream!",
                  "Shop: hire (baker :Baker) -> (baker :Baker)",
                  "Baker: Baker.stop (why :Text) -> (who :Text)",
                  "Baker: bake (loaf :Loaf) -> (loaf :Loaf)", "Baker: rest () -> (who :Text)",
                  "Waiter: Waiter.stop (table :UInt32) -> (who :Text)",
                  "Waiter: Waiter.serve (table :UInt32) -> (who :Text)"));
}

TEST(DynamicDescribe, GivesTheSchemaAsText) {
  auto server = Serve("inproc://shop", std::make_shared<Shop>()).value();
  EXPECT_EQ(DynamicObject::Connect(server.endpoint())->Describe(),
            R"(interface Shop extends(Baker, Waiter) {
  serve @0 (loaf :Loaf) -> (who :Text);
  deliver @1 Loaf -> stream;
  hire @2 (baker :Baker) -> (baker :Baker);
}

interface Baker {
  stop @0 (why :Text) -> (who :Text);
  bake @1 (loaf :Loaf) -> (loaf :Loaf);
  rest @2 () -> (who :Text);
}

interface Waiter {
  stop @0 (table :UInt32) -> (who :Text);
  serve @1 (table :UInt32) -> (who :Text);
}

struct Loaf {
  flour @0 :Loaf.Flour;
  grams @1 :UInt32;
  crust :group {
    seeds @2 :List(Text);
    dark @3 :Bool;
  }
  union {
    plain @4 :Void;
    filled @5 :Text;
    braided :group {
      strands @6 :UInt8;
    }
  }
}

enum Loaf.Flour {
  wheat @0;
  rye @1;
}
)");
}

}  // namespace
}  // namespace drover

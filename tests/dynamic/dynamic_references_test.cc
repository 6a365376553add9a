// Objects in the arguments and results of dynamic calls.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"
#include "drover/dynamic/dynamic_object.h"
#include "drover/object/server.h"
#include "everything.drover.h"
#include "garage.drover.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"

namespace drover {
namespace {

using testing::ElementsAre;
using testing_support::Cook;
using testing_support::Parrot;

class DynamicReferences : public testing::Test {
 protected:
  DynamicObject Reach(std::shared_ptr<Servant> servant) {
    servers_.push_back(Serve("tcp://127.0.0.1:0", std::move(servant)).value());
    return DynamicObject::Connect(servers_.back().endpoint()).value();
  }
  // The results of a call that has to succeed.
  static DynamicReply Ok(absl::StatusOr<DynamicReply> reply) {
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : DynamicReply();
  }

  std::vector<Server> servers_;
};

TEST_F(DynamicReferences, InResultsCanBeCalled) {
  const DynamicReply made = Ok(Reach(std::make_shared<Cook>()).Call("makeCook"));
  EXPECT_EQ(made.json(), R"({"cook":{"$object":0}})");
  ASSERT_EQ(made.objects().size(), 1u);
  EXPECT_EQ(made.object(0).interface_name(), "Cook");
  EXPECT_EQ(made.object(0).interface_id(), kitchen::CookProxy::Interface().id);
  EXPECT_EQ(Ok(made.object(0).Call("add", R"({"a": 20, "b": 22})")).json(), R"({"sum":42})");
  EXPECT_FALSE(made.object(1));
}

TEST_F(DynamicReferences, InResultsAreFoundByTheirPath) {
  const DynamicReply look = Ok(Reach(std::make_shared<Cook>()).Call("look"));
  EXPECT_EQ(look.json(), R"({"shelf":{"label":"spices","listener":{"$object":0},"empty":null}})");
  const auto listener = look.ObjectAt("shelf.listener");
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(listener->interface_name(), "Listener");
  EXPECT_EQ(Ok(listener->Call("heard", R"({"text": "x"})")).json(), R"({"reply":"heard x"})");
  EXPECT_EQ(look.ObjectAt("shelf.empty").status(),
            absl::NotFoundError("there is no object at \"shelf.empty\" of the results; there are "
                                "some at shelf.listener"));
  EXPECT_EQ(Ok(look.object(0).Call("heard")).ObjectAt("reply").status(),
            absl::NotFoundError("there is no object at \"reply\" of the results; there is none"));
}

// Keeps nothing of what it gives.
class Giver final : public kitchen::CookServant {
 public:
  explicit Giver(kitchen::ListenerProxy gift) : gift_(std::move(gift)) {}
  absl::StatusOr<kitchen::ListenerProxy> Kept() override { return std::move(gift_); }

 private:
  kitchen::ListenerProxy gift_;
};

TEST_F(DynamicReferences, InResultsKeepTheirObject) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  const DynamicObject giver = Reach(std::make_shared<Giver>(std::move(parrot)));
  DynamicObject gift = Ok(giver.Call("kept")).object(0);
  EXPECT_EQ(Ok(gift.Call("heard", R"({"text": "z"})")).json(), R"({"reply":"heard z"})");
  EXPECT_FALSE(gone.ready());
  gift = DynamicObject();
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST_F(DynamicReferences, InArgumentsAreCalledBack) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  const kitchen::ListenerProxy ear(std::make_shared<Parrot>());
  EXPECT_EQ(Ok(cook.Call("tell", R"({"listener": {"$object": 0}, "text": "news"})", {ear})).json(),
            R"({"reply":"heard news"})");
  // Objects that came from other calls, too.
  const DynamicReply kept = Ok(cook.Call("kept"));
  EXPECT_EQ(Ok(Ok(cook.Call("pass", R"({"listener": {"$object": 1}})", {cook, kept.object(0)}))
                   .object(0)
                   .Call("heard", R"({"text": "y"})"))
                .json(),
            R"({"reply":"heard y"})");
  EXPECT_EQ(Ok(cook.Call("pass", R"({"listener": null})")).json(), R"({"listener":null})");
}

TEST_F(DynamicReferences, ThatWereNotGivenAreInvalidArgument) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  EXPECT_EQ(cook.Call("pass", R"({"listener": {"$object": 1}})", {cook}).status(),
            absl::InvalidArgumentError(
                "Cook.pass: field listener: there is no object 1; 1 came with the call"));
  for (const char* json : {R"({"listener": {"$object": -1}})", R"({"listener": {"$object": 0.5}})",
                           R"({"listener": {"$object": 1e300}})"}) {
    EXPECT_EQ(cook.Call("pass", json, {cook}).status().code(), absl::StatusCode::kInvalidArgument)
        << json;
  }
  for (const char* json : {R"({"listener": 0})", R"({"listener": {}})",
                           R"({"listener": {"object": 0}})", R"({"listener": {"$object": "0"}})"}) {
    EXPECT_EQ(
        cook.Call("pass", json, {cook}).status(),
        absl::InvalidArgumentError("Cook.pass: field listener: expected {\"$object\": N} or null"))
        << json;
  }
}

// Whose results are what its caller gave.
class Store final : public everything::StoreServant {
 public:
  absl::StatusOr<uint32_t> WatchAll(
      std::vector<std::vector<everything::StoreWatcherProxy>> watchers) override {
    uint32_t count = 0;
    for (const auto& row : watchers) {
      for (const auto& watcher : row) {
        if (watcher) DROVER_RETURN_IF_ERROR(watcher.Changed({.key = absl::StrCat(count++)}));
      }
    }
    return count;
  }
};
class Watcher final : public everything::StoreWatcherServant {
 public:
  absl::Status Changed(everything::StoreEntry entry) override {
    keys += entry.key;
    return absl::OkStatus();
  }
  std::string keys;
};

TEST_F(DynamicReferences, GoIntoListsOfLists) {
  const DynamicObject store = Reach(std::make_shared<Store>());
  auto first = std::make_shared<Watcher>();
  auto second = std::make_shared<Watcher>();
  EXPECT_EQ(
      Ok(store.Call("watchAll",
                    R"({"watchers": [[{"$object": 0}, null], [], [{"$object": 1},
                                           {"$object": 0}]]})",
                    {everything::StoreWatcherProxy(first), everything::StoreWatcherProxy(second)}))
          .json(),
      R"({"count":3})");
  EXPECT_EQ(first->keys, "02");
  EXPECT_EQ(second->keys, "1");
}

class Motor final : public garage::EngineServant {
 public:
  explicit Motor(uint32_t number) : number_(number) {}
  absl::StatusOr<uint32_t> Start(uint32_t key) override { return 100 * number_ + key; }

 private:
  const uint32_t number_;
};
class Garage final : public garage::GarageServant {
 public:
  absl::StatusOr<garage::Car> Best() override {
    garage::Car car{.label = "van"};
    car.owner.boat.engine = std::make_shared<Motor>(1);
    car.either.set_motor(std::make_shared<Motor>(2));
    car.spares = {std::make_shared<Motor>(3), garage::EngineProxy(), std::make_shared<Motor>(4)};
    return car;
  }
};

TEST_F(DynamicReferences, ComeOutOfGroupsUnionsAndLists) {
  const DynamicReply car = Ok(Reach(std::make_shared<Garage>()).Call("best"));
  EXPECT_EQ(car.json(),
            R"({"label":"van","engine":null,"trailer":{"wheels":0,"engine":null},"towed":null,)"
            R"("owner":{"name":"","engine":null,"boat":{"engine":{"$object":0}}},)"
            R"("either":{"motor":{"$object":1}},)"
            R"("spares":[{"$object":2},null,{"$object":3}]})");
  std::vector<std::string> keys;
  for (const char* path : {"owner.boat.engine", "either.motor", "spares[0]", "spares[2]"}) {
    const auto engine = car.ObjectAt(path);
    ASSERT_TRUE(engine.ok()) << engine.status();
    keys.push_back(Ok(engine->Call("start", R"({"key": 5})")).json());
  }
  EXPECT_THAT(keys,
              ElementsAre(R"({"key":105})", R"({"key":205})", R"({"key":305})", R"({"key":405})"));
}

TEST_F(DynamicReferences, AreProxiesLikeAnyOther) {
  const DynamicObject cook = Reach(std::make_shared<Cook>());
  EXPECT_EQ(kitchen::CookProxy(cook).Add(1, 2).value(), 3u);
}

}  // namespace
}  // namespace drover

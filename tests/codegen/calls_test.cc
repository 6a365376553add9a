// Calls through generated proxies reach generated servants with their values whole.
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "drover/async/future.h"
#include "everything.drover.h"
#include "gtest/gtest.h"
#include "keywords.drover.h"
#include "race.drover.h"

namespace drover {
namespace {

using everything::Color;
using everything::StoreEntry;
using everything::StoreProxy;
using everything::StoreWatcherProxy;

class Store : public everything::StoreServant {
 public:
  absl::StatusOr<std::vector<uint8_t>> Put(std::string key, std::vector<uint8_t> value,
                                           Color color) override {
    last_key = std::move(key);
    last_color = color;
    return std::exchange(last_value, std::move(value));
  }
  absl::StatusOr<everything::StoreGetResults> Get(std::string key) override {
    if (key != last_key) return absl::NotFoundError("no " + key);
    return everything::StoreGetResults{.value = last_value, .version = 4};
  }
  absl::StatusOr<std::vector<StoreEntry>> Entries() override {
    return std::vector<StoreEntry>{{.key = last_key, .watchers = {watcher, {}}}};
  }
  absl::StatusOr<StoreProxy> Watch(StoreWatcherProxy added) override {
    watcher = std::move(added);
    return absl::Status(watcher.Changed({.key = "now"})).ok() ? StoreProxy(other) : StoreProxy();
  }
  absl::StatusOr<uint32_t> WatchAll(std::vector<std::vector<StoreWatcherProxy>> all) override {
    uint32_t count = 0;
    for (const auto& some : all) {
      for (const auto& one : some) count += one ? 1 : 0;
    }
    return count;
  }
  absl::StatusOr<everything::Lists> Convert(everything::Scalars scalars) override {
    return everything::Lists{.bytes = scalars.data, .texts = {scalars.text}};
  }
  absl::StatusOr<everything::Empty> Paint(everything::Shape shape,
                                          std::vector<acme::parts::Wheel> wheels,
                                          std::vector<bool> flags) override {
    painted = shape;
    painted_wheels = wheels.size();
    painted_flags = flags;
    return everything::Empty{};
  }
  absl::StatusOr<std::monostate> Nothing(std::monostate nothing) override { return nothing; }

  std::string last_key;
  std::vector<uint8_t> last_value;
  Color last_color = Color::kRed;
  StoreWatcherProxy watcher;
  std::shared_ptr<Store> other;
  everything::Shape painted;
  size_t painted_wheels = 0;
  std::vector<bool> painted_flags;
};

class Watcher : public everything::StoreWatcherServant {
 public:
  absl::Status Changed(StoreEntry entry) override {
    last_key = entry.key;
    return absl::OkStatus();
  }
  std::string last_key;
};

TEST(Calls, CarryParametersAndResults) {
  auto servant = std::make_shared<Store>();
  const StoreProxy store = servant;
  const std::vector<uint8_t> bytes = {1, 2, 3};
  ASSERT_TRUE(store.Put("key", bytes, Color::kDarkBlue).ok());
  EXPECT_EQ(servant->last_key, "key");
  EXPECT_EQ(servant->last_color, Color::kDarkBlue);
  absl::StatusOr<std::vector<uint8_t>> old = store.Put("key", {}, Color::kRed);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(*old, bytes);
}

TEST(Calls, GiveSeveralResultsAsAStruct) {
  auto servant = std::make_shared<Store>();
  servant->last_key = "k";
  servant->last_value = {9};
  absl::StatusOr<everything::StoreGetResults> got = StoreProxy(servant).Get("k");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->value, (std::vector<uint8_t>{9}));
  EXPECT_EQ(got->version, 4u);
}

TEST(Calls, KeepTheServantsErrorCode) {
  const StoreProxy store = std::make_shared<Store>();
  EXPECT_EQ(store.Get("missing").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store.async().Get("missing").Get().status().code(), absl::StatusCode::kNotFound);
}

TEST(Calls, AMethodNotOverriddenIsUnimplementedAndNamed) {
  const race::WorkerProxy worker = std::make_shared<race::WorkerServant>();
  const absl::Status status = worker.Calculate().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("Worker.calculate"), std::string::npos) << status;
  EXPECT_EQ(worker.async().Stop().Get().code(), absl::StatusCode::kUnimplemented);
}

TEST(Calls, PassProxiesBothWays) {
  auto servant = std::make_shared<Store>();
  servant->other = std::make_shared<Store>();
  servant->other->last_key = "other";
  auto watcher = std::make_shared<Watcher>();
  const StoreProxy store = servant;
  absl::StatusOr<StoreProxy> other = store.Watch(watcher);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(watcher->last_key, "now");
  ASSERT_TRUE(static_cast<bool>(*other));
  EXPECT_TRUE(other->Get("other").ok());

  absl::StatusOr<std::vector<StoreEntry>> entries = store.Entries();
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_FALSE((*entries)[0].store);
  ASSERT_EQ((*entries)[0].watchers.size(), 2u);
  EXPECT_TRUE((*entries)[0].watchers[0].Changed({.key = "again"}).ok());
  EXPECT_EQ(watcher->last_key, "again");
  EXPECT_FALSE((*entries)[0].watchers[1]);
  servant->watcher = {};
}

TEST(Calls, PassListsOfListsOfProxies) {
  auto watcher = std::make_shared<Watcher>();
  absl::StatusOr<uint32_t> count =
      StoreProxy(std::make_shared<Store>()).WatchAll({{watcher, {}}, {}, {watcher, watcher}});
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 3u);
}

TEST(Calls, PassNamedStructsWhole) {
  absl::StatusOr<everything::Lists> lists =
      StoreProxy(std::make_shared<Store>()).Convert({.text = "t", .data = {5}});
  ASSERT_TRUE(lists.ok()) << lists.status();
  EXPECT_EQ(lists->texts, (std::vector<std::string>{"t"}));
  EXPECT_EQ(lists->bytes, (std::vector<uint8_t>{5}));
}

TEST(Calls, PassUnionsListsAndVoid) {
  auto servant = std::make_shared<Store>();
  everything::Shape shape;
  shape.set_label("l");
  EXPECT_TRUE(StoreProxy(servant).Paint(shape, {{}, {}}, {true, false}).ok());
  EXPECT_TRUE(servant->painted == shape);
  EXPECT_EQ(servant->painted_wheels, 2u);
  EXPECT_EQ(servant->painted_flags, (std::vector<bool>{true, false}));
  EXPECT_TRUE(StoreProxy(servant).Nothing({}).ok());
}

class Service : public everything::ServiceServant {
 public:
  using ServiceServant::Close;
  absl::Status Close() override {
    closed = "clock";
    return absl::OkStatus();
  }
  absl::Status Close(std::string why) override {
    closed = why;
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Name() override { return "service"; }
  absl::StatusOr<int64_t> Now() override { return 12; }
  absl::StatusOr<bool> Inspect(acme::parts::Wheel wheel) override { return wheel.inches > 16; }
  absl::Status Clear() override { return absl::OkStatus(); }
  std::string closed;
};

TEST(Inheritance, ProxiesHaveInheritedMethodsAndConvert) {
  auto servant = std::make_shared<Service>();
  const everything::ServiceProxy service = servant;
  EXPECT_EQ(*service.Name(), "service");
  EXPECT_EQ(*service.Now(), 12);
  EXPECT_TRUE(*service.Inspect({}));
  EXPECT_EQ(*service.async().Now().Get(), 12);
  const everything::ClockProxy clock = service;
  EXPECT_EQ(*clock.Now(), 12);
  const acme::parts::InspectorProxy inspector = service;
  EXPECT_FALSE(*inspector.Inspect({.inches = 3}));
  EXPECT_TRUE(service.Clear().ok());
}

TEST(Inheritance, MethodsOfOneNameStayApart) {
  auto servant = std::make_shared<Service>();
  const everything::ServiceProxy service = servant;
  EXPECT_TRUE(service.Close("why").ok());
  EXPECT_EQ(servant->closed, "why");
  EXPECT_TRUE(everything::ClockProxy(service).Close().ok());
  EXPECT_EQ(servant->closed, "clock");
}

TEST(Inheritance, AnInterfaceDescribesItsSupers) {
  const object::InterfaceInfo& info = everything::ServiceProxy::Interface();
  EXPECT_STREQ(info.name, "Service");
  ASSERT_EQ(info.supers.size(), 3u);
  EXPECT_EQ(info.supers[1], &everything::ClockProxy::Interface());
  ASSERT_EQ(info.methods.size(), 2u);
  EXPECT_STREQ(info.methods[1].name, "name");
  EXPECT_EQ(info.methods[1].ordinal, 1);
  EXPECT_EQ(info.methods[1].interface_id, info.id);
}

TEST(Annotations, AreInTheMethodTable) {
  const auto worker = race::WorkerProxy::Interface().methods;
  EXPECT_FALSE(worker[0].concurrent);
  EXPECT_TRUE(worker[1].concurrent);
  const auto store = StoreProxy::Interface().methods;
  EXPECT_TRUE(store[1].idempotent);
  EXPECT_FALSE(store[0].idempotent);
  EXPECT_TRUE(everything::ClockProxy::Interface().methods[0].concurrent);
}

class AsyncWorker : public race::WorkerAsyncServant {
 public:
  Future<uint32_t> Calculate() override { return Future<uint32_t>(absl::StatusOr<uint32_t>(5u)); }
};

TEST(AsyncServants, AnswerThroughTheSameProxies) {
  const race::WorkerProxy worker = std::make_shared<AsyncWorker>();
  EXPECT_EQ(*worker.Calculate(), 5u);
  EXPECT_EQ(*worker.async().Calculate().Get(), 5u);
  EXPECT_EQ(worker.Stop().code(), absl::StatusCode::kUnimplemented);
}

class Keywords : public keywords::SwitchServant {
 public:
  absl::StatusOr<keywords::SwitchAsyncResults> Async_(int32_t number, std::string text,
                                                      std::vector<std::string> list,
                                                      bool flag) override {
    return keywords::SwitchAsyncResults{.void_ = flag ? number : 0, .default_ = text + list[0]};
  }
  absl::StatusOr<keywords::Operator> Delete(std::vector<keywords::Operator> operators,
                                            std::vector<std::vector<std::string>> names) override {
    return operators.at(names.at(0).size());
  }
  absl::StatusOr<int32_t> Renamed(int32_t a) override { return a + 1; }
};

TEST(Keywords, AsMethodsAndParameters) {
  const keywords::SwitchProxy proxy = std::make_shared<Keywords>();
  absl::StatusOr<keywords::SwitchAsyncResults> results = proxy.Async_(3, "a", {"b"}, true);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(results->void_, 3);
  EXPECT_EQ(results->default_, "ab");
  absl::StatusOr<keywords::Operator> chosen =
      proxy.Delete({keywords::Operator::kNew, keywords::Operator::kAndEq}, {{"x"}});
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ(*chosen, keywords::Operator::kAndEq);
  EXPECT_EQ(*proxy.Renamed(1), 2);
}

TEST(Proxies, MethodsOfTheAsyncFormAreMemberPointers) {
  Future<uint32_t> (race::WorkerProxy::Async::*calculate)() const =
      &race::WorkerProxy::Async::Calculate;
  const race::WorkerProxy::Async worker = race::WorkerProxy(std::make_shared<AsyncWorker>());
  EXPECT_EQ(*(worker.*calculate)().Get(), 5u);
}

TEST(Proxies, AcceptOnlyServantsOfTheirInterface) {
  static_assert(std::is_convertible_v<std::shared_ptr<Watcher>, StoreWatcherProxy>);
  static_assert(!std::is_convertible_v<std::shared_ptr<Watcher>, StoreProxy>);
  static_assert(!std::is_convertible_v<StoreProxy, StoreWatcherProxy>);
  static_assert(std::is_convertible_v<std::shared_ptr<Service>, StoreProxy>);
}

TEST(Proxies, InAValueCanBeEncodedOnlyInACall) {
  everything::Handles handles;
  handles.store = std::make_shared<Store>();
  EXPECT_EQ(Encode(handles).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace drover

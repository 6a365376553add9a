// Zero-copy forms of interfaces that extend others, also of other files, and of streams.
#include <memory>
#include <string>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/object/stream.h"
#include "everything.drover_zero_copy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sink.drover_zero_copy.h"

namespace drover {
namespace {

using everything::ServiceProxy;
using everything::ServiceZeroCopyProxy;
using ::testing::ElementsAre;

// Each of its methods in another form: its own, inherited ones, one of another file's interface.
class Service final : public everything::ServiceZeroCopyServant {
 public:
  absl::Status CloseZeroCopy(CloseContext& call) override {
    why = call.params().getWhy().cStr();
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Name() override { return "the service"; }
  absl::Status GetZeroCopy(GetContext& call) override {
    call.results().setValue(call.params().getKey().asBytes());
    call.results().setVersion(8);
    return absl::OkStatus();
  }
  absl::StatusOr<int64_t> Now() override { return 77; }
  absl::Status InspectZeroCopy(InspectContext& call) override {
    call.results().setFit(call.params().getWheel().getInches() == 15);
    return absl::OkStatus();
  }
  absl::Status WatchAllZeroCopy(WatchAllContext& call) override {
    uint32_t count = 0;
    for (const auto& some : call.params().getWatchers()) {
      for (const auto& watcher : some) count += ProxyOf(watcher) ? 1 : 0;
    }
    call.results().setCount(count);
    return absl::OkStatus();
  }

  std::string why;
};

class ZeroCopyInheritance : public testing::Test {
 protected:
  const std::shared_ptr<Service> servant_ = std::make_shared<Service>();
  Server server_ = Serve("tcp://127.0.0.1:0", servant_).value();
  const ServiceProxy service_ = Connect<ServiceProxy>(server_.endpoint());
};

TEST_F(ZeroCopyInheritance, ServantServesInheritedMethodsInEitherForm) {
  EXPECT_EQ(service_.Get("key")->version, 8u);
  EXPECT_EQ(service_.Now().value(), 77);
  EXPECT_EQ(service_.Name().value(), "the service");
  EXPECT_EQ(service_.Inspect({.inches = 15}).value(), true);
  EXPECT_TRUE(service_.Close("late").ok());
  EXPECT_EQ(servant_->why, "late");
  // A method of that name which another interface has, too, and nobody overrides.
  EXPECT_EQ(everything::ClockProxy(service_).Close().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ZeroCopyInheritance, ProxyHasInheritedMethods) {
  auto get = ServiceZeroCopyProxy(service_).Get();
  get.params().setKey("key");
  const auto got = get.Send();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->results().getVersion(), 8u);
  EXPECT_EQ(ServiceZeroCopyProxy(service_).Now().Send()->results().getNanos(), 77);
}

TEST_F(ZeroCopyInheritance, ProxyOfTheOtherFilesInterfaceIsMadeOfTheService) {
  auto inspect = acme::parts::InspectorZeroCopyProxy(service_).Inspect();
  inspect.params().initWheel().setInches(16);
  EXPECT_FALSE(inspect.Send()->results().getFit());
}

TEST_F(ZeroCopyInheritance, ListsOfListsOfObjectsAreReadAndBuilt) {
  auto call = ServiceZeroCopyProxy(service_).WatchAll();
  auto lists = call.params().initWatchers(2);
  auto first = lists.init(0, 2);
  first.set(0, ClientOf(everything::StoreWatcherProxy(
                   std::make_shared<everything::StoreWatcherZeroCopyServant>())));
  EXPECT_EQ(call.Send()->results().getCount(), 1u);
}

// --- streams ------------------------------------------------------------------------------------

class Log final : public sink::LogZeroCopyServant {
 public:
  absl::Status WriteZeroCopy(WriteContext& call) override {
    bytes_ += call.params().getChunk().size();
    ++chunks_;
    if (call.params().getChunk().size() == 1) return absl::DataLossError("too short");
    return absl::OkStatus();
  }
  absl::Status DoneZeroCopy(DoneContext& call) override {
    call.results().setChunks(chunks_);
    call.results().setBytes(bytes_);
    return absl::OkStatus();
  }
  absl::Status NoteZeroCopy(NoteContext& call) override {
    texts_.push_back(call.params().getText().cStr());
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> Notes() override { return texts_; }

 private:
  uint32_t chunks_ = 0;
  uint64_t bytes_ = 0;
  std::vector<std::string> texts_;
};

class ZeroCopyStreams : public testing::Test {
 protected:
  Server server_ = Serve("tcp://127.0.0.1:0", std::make_shared<Log>()).value();
  const sink::LogProxy log_ = Connect<sink::LogProxy>(server_.endpoint());
};

TEST_F(ZeroCopyStreams, ChunksAreBuiltAndReadInPlace) {
  const sink::LogZeroCopyProxy log(log_);
  for (int i = 0; i < 20; ++i) {
    auto call = log.Write(100'000);
    call.params().initChunk(100'000);
    ASSERT_TRUE(call.Send().ok());
  }
  auto last = log.Write();
  last.params().initChunk(10);
  ASSERT_TRUE(last.SendAsync().Get().ok());
  EXPECT_TRUE(FinishStream(log).ok());
  const auto done = log.Done().Send();
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->results().getChunks(), 21u);
  EXPECT_EQ(done->results().getBytes(), 2'000'010u);
}

TEST_F(ZeroCopyStreams, ErrorsAreToldByFinishStream) {
  const sink::LogZeroCopyProxy log(log_);
  auto call = log.Write();
  call.params().initChunk(1);
  ASSERT_TRUE(call.Send().ok());
  EXPECT_EQ(FinishStream(log), absl::DataLossError("too short"));
}

TEST_F(ZeroCopyStreams, NamedStructsAreParams) {
  auto call = sink::LogZeroCopyProxy(log_).Note();
  call.params().setText("in place");
  ASSERT_TRUE(call.Send().ok());
  ASSERT_TRUE(log_.Note({.text = "by value"}).ok());
  EXPECT_TRUE(FinishStream(log_).ok());
  EXPECT_THAT(log_.Notes().value(), ElementsAre("in place", "by value"));
}

TEST_F(ZeroCopyStreams, CallIsSentOnce) {
  auto call = sink::LogZeroCopyProxy(log_).Write();
  EXPECT_TRUE(call.Send().ok());
  EXPECT_EQ(call.Send().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace drover

// Memory is not asked for where it could not be taken: a client that lacks what it needs for it, or
// a server, stays on its socket.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/rpc/shared_memory_room.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using testing_support::Cook;

// More than enough calls to go over.
constexpr uint32_t kMany = 500;

// Lowers a soft limit of the process, for a scope.
class LowerLimit {
 public:
  LowerLimit(__rlimit_resource resource, rlim_t soft) : resource_(resource) {
    EXPECT_EQ(getrlimit(resource_, &before_), 0);
    rlimit lower = before_;
    lower.rlim_cur = soft;
    EXPECT_EQ(setrlimit(resource_, &lower), 0);
  }
  ~LowerLimit() { EXPECT_EQ(setrlimit(resource_, &before_), 0); }

 private:
  const __rlimit_resource resource_;
  rlimit before_;
};

// Fewer than what a client wants to be left, by more than others may close meanwhile.
constexpr int kTooFew = rpc::kSpareDescriptors / 2;

int LowestFreeDescriptor() {
  return base::UniqueFd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)).get();
}

class SharedMemoryRoom : public testing::Test {
 protected:
  static void CallOften(const kitchen::CookProxy& cook) {
    for (uint32_t i = 0; i < kMany; ++i) ASSERT_EQ(cook.Add(i, 1).value(), i + 1);
  }
  static size_t Sharing(const Server& server) {
    size_t sharing = 0;
    for (const auto& connection : server.Stats().connections) sharing += connection.shares_memory;
    return sharing;
  }

  testing_support::TempDir dir_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
};

TEST_F(SharedMemoryRoom, IsNotThereWhereDescriptorsAreShort) {
  const Server server = Serve("unix://" + dir_.path("cook"), cook_).value();
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  ASSERT_EQ(cook.Add(1, 2).value(), 3u);
  const LowerLimit limit(RLIMIT_NOFILE, LowestFreeDescriptor() + kTooFew);
  CallOften(cook);
  EXPECT_EQ(Sharing(server), 0u);
  EXPECT_EQ(server.Stats().connections.size(), 1u);
}

TEST_F(SharedMemoryRoom, IsThereWithJustEnoughDescriptors) {
  const Server server = Serve("unix://" + dir_.path("cook"), cook_).value();
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  ASSERT_EQ(cook.Add(1, 2).value(), 3u);
  const LowerLimit limit(RLIMIT_NOFILE, LowestFreeDescriptor() + rpc::kSpareDescriptors);
  while (Sharing(server) == 0) ASSERT_EQ(cook.Add(1, 2).value(), 3u);
}

TEST_F(SharedMemoryRoom, IsInsistedOnByAShmEndpointWhoseErrorNamesWhatIsShort) {
  const Server server = Serve("shm://" + dir_.path("cook"), cook_).value();
  const auto first = Connect<kitchen::CookProxy>(server.endpoint());
  ASSERT_EQ(first.Add(1, 2).value(), 3u);
  const auto second = Connect<kitchen::CookProxy>(server.endpoint());
  const LowerLimit limit(RLIMIT_NOFILE, LowestFreeDescriptor() + kTooFew);
  const absl::Status status = second.Add(1, 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no descriptors left to share memory"));
}

TEST_F(SharedMemoryRoom, IsNotThereWhereFilesMayNotBeSoLarge) {
  const LowerLimit limit(RLIMIT_FSIZE, 1 << 20);  // whoever passes it is sent SIGXFSZ
  const Server server = Serve("unix://" + dir_.path("cook"), cook_).value();
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  CallOften(cook);
  EXPECT_EQ(Sharing(server), 0u);
  EXPECT_EQ(server.Stats().connections.size(), 1u);
}

TEST(Reserve, CountsWhatIsHeldAndNoMore) {
  const auto shared = std::make_shared<std::atomic<size_t>>(0);
  auto first = rpc::Reserve(shared, 2, 5);
  const auto second = rpc::Reserve(shared, 3, 5);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(rpc::Reserve(shared, 1, 5), nullptr);
  EXPECT_EQ(shared->load(), 5u);
  first = nullptr;
  EXPECT_EQ(shared->load(), 3u);
}

TEST(RoomOfClient, IsForSoManyConnectionsAndComesBack) {
  std::vector<std::shared_ptr<const void>> rooms;
  for (size_t i = 0; i < rpc::kMostClientsOfMemory; ++i) {
    auto room = rpc::RoomOfClient(STDERR_FILENO);
    ASSERT_TRUE(room.ok()) << room.status();
    rooms.push_back(*std::move(room));
  }
  const auto none = rpc::RoomOfClient(STDERR_FILENO);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kResourceExhausted) << none.status();
  rooms.pop_back();
  EXPECT_TRUE(rpc::RoomOfClient(STDERR_FILENO).ok());
}

}  // namespace
}  // namespace drover

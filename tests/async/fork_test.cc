// A child made by fork() while the runtime has threads: it has none of them, and gets its own.
#include <unistd.h>

#include <cstddef>
#include <memory>

#include "drover/async/runtime.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

class PlainCook : public kitchen::CookServant {
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
};

// 0, or the number of the first thing that is not as it should be.
int ServeAndCall() {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<PlainCook>());
  if (!server.ok()) return 1;
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  for (uint32_t i = 0; i < 50; ++i) {
    auto sum = cook.Add(i, 1);
    if (!sum.ok() || *sum != i + 1) return 2;
  }
  Future<uint32_t> sum = cook.async().Add(1, 2);
  return std::move(sum).Then([](absl::StatusOr<uint32_t> s) { return *s; }).Get().value() == 3 ? 0
                                                                                               : 3;
}

TEST(Fork, GivesTheChildADefaultRuntimeOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads if its parent had any";
#endif
  ASSERT_EQ(ServeAndCall(), 0);
  ASSERT_TRUE(Runtime::DefaultExists());
  testing_support::ChildProcess child([] {
    if (Runtime::DefaultExists()) return 10;
    return ServeAndCall();
  });
  const int status = child.Wait();
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ServeAndCall(), 0);
}

TEST(Fork, LeavesTheParentsProxiesToTheParent) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  ASSERT_EQ(*cook.Add(1, 2), 3u);
  Future<uint32_t> begun = cook.async().Add(3, 4);
  testing_support::ChildProcess child([&] {
    if (cook.Add(1, 2).status().code() != absl::StatusCode::kFailedPrecondition) return 1;
    cook = kitchen::CookProxy();
    begun = Future<uint32_t>();
    return 0;
  });
  const int status = child.Wait();
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(*begun.Get(), 7u);
  EXPECT_EQ(*cook.Add(5, 6), 11u);
}

// The child has copies of all descriptors, and does nothing with them.
TEST(Fork, KeepsNoConnectionOpenThatTheParentCloses) {
  const testing_support::TempDir folder;
  auto server = Serve("unix://" + folder.path() + "/socket", std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto client = transport::Dial(server->endpoint()).value();
  testing_support::Until([&] { return server->connections() == 1; });
  const testing_support::ChildProcess child([] {
    for (;;) pause();
    return 0;
  });
  server->Shutdown(absl::ZeroDuration());
  std::byte said[64];
  EXPECT_TRUE(client->Read(said, transport::Wait::kBlock).end);
}

}  // namespace
}  // namespace drover

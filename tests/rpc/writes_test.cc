// How frames leave: without a lock that others need meanwhile, and together where they can wait.
#include <capnp/serialize.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "rpc/peer_fixture.h"
#include "support/hooked_stream.h"

namespace drover::rpc {
namespace {

using testing_support::HookedStream;

// Takes the locks of a connection on another thread, as anybody does who calls or drops something.
class Locks {
 public:
  void SetConnection(Connection* connection) {
    base::MutexLock lock(&mu_);
    connection_ = connection;
  }
  // By whoever writes, which keeps the connection. Once it has one.
  void Take() {
    // Long enough for any machine; reached only by a test that fails.
    constexpr auto kGiveUp = std::chrono::seconds(60);
    base::MutexLock lock(&mu_);
    Connection* const connection = connection_;
    if (connection == nullptr) return;
    std::promise<void> taken;
    std::thread other([&] {
      connection->WithLock([](ConnectionState&) {});
      connection->AddUnattended();  // which needs that of the reading
      connection->RemoveUnattended();
      taken.set_value();
    });
    if (taken.get_future().wait_for(kGiveUp) != std::future_status::ready) {
      ADD_FAILURE() << "a lock of the connection is held while it writes";
      std::abort();  // both threads are stuck
    }
    other.join();
    ++taken_;
  }
  // How often.
  int taken() const {
    base::MutexLock lock(&mu_);
    return taken_;
  }

 private:
  mutable base::Mutex mu_;
  Connection* connection_ ABSL_GUARDED_BY(mu_) = nullptr;
  int taken_ ABSL_GUARDED_BY(mu_) = 0;
};

auto TakesLocks(std::shared_ptr<Locks> locks) {
  return HookedStream::Maker({.before_write = [locks](std::span<const iovec>) { locks->Take(); }});
}

class ClientsWrites : public ClientTest {
 protected:
  ClientsWrites() : ClientsWrites(std::make_shared<Locks>()) {}
  explicit ClientsWrites(std::shared_ptr<Locks> locks)
      : ClientTest(TakesLocks(locks)), locks_(std::move(locks)) {
    locks_->SetConnection(connection_.get());
  }
  ~ClientsWrites() override { locks_->SetConnection(nullptr); }

  const std::shared_ptr<Locks> locks_;
};

TEST_F(ClientsWrites, HoldNoLock) {
  const kitchen::CookProxy cook = MakeCook();
  // The first goes with Finishes, from the queue; those behind it from where they are.
  for (uint32_t i = 0; i < 3; ++i) {
    const int before = locks_->taken();
    auto sum = cook.async().Add(i, 4);
    ReturnSum(ExpectCall().getQuestionId(), i + 4, /*no_finish_needed=*/true);
    EXPECT_EQ(sum.Get().value(), i + 4);
    EXPECT_GT(locks_->taken(), before);
  }
}

class ServersWrites : public ServerTest {
 protected:
  ServersWrites() : ServersWrites(std::make_shared<Locks>()) {}
  explicit ServersWrites(std::shared_ptr<Locks> locks)
      : ServerTest(std::make_shared<Cook>(), {}, TakesLocks(locks)), locks_(std::move(locks)) {
    locks_->SetConnection(connection_.get());
  }
  ~ServersWrites() override { locks_->SetConnection(nullptr); }

  const std::shared_ptr<Locks> locks_;
};

TEST_F(ServersWrites, HoldNoLock) {
  Front();
  int before = locks_->taken();
  SendAdd(1, 1, 2);  // its Return is written from where it is
  ExpectSum(1, 3);
  EXPECT_GT(locks_->taken(), before);
  before = locks_->taken();
  SendPlain(2, kKept);  // and this one from the queue
  ExpectHosted(2);
  EXPECT_GT(locks_->taken(), before);
}

// --- what rides ---------------------------------------------------------------------------------

class WrittenMessages {
 public:
  using Kinds = std::vector<protocol::Message::Which>;

  void Note(std::span<const iovec> from) {
    std::string bytes;
    for (const iovec& piece : from) {
      bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(static_cast<void*>(words.begin()), bytes.data(), bytes.size());
    Kinds kinds;
    for (kj::ArrayPtr<const capnp::word> rest = words; rest.size() > 0;) {
      capnp::FlatArrayMessageReader frame(rest);
      kinds.push_back(frame.getRoot<protocol::Message>().which());
      rest = kj::arrayPtr(frame.getEnd(), rest.end());
    }
    base::MutexLock lock(&mu_);
    writes_.push_back(std::move(kinds));
  }
  // Those of each write since the last call of this.
  std::vector<Kinds> Take() {
    base::MutexLock lock(&mu_);
    return std::exchange(writes_, {});
  }

 private:
  base::Mutex mu_;
  std::vector<Kinds> writes_ ABSL_GUARDED_BY(mu_);
};

class Finishes : public ClientTest {
 protected:
  Finishes() : Finishes(std::make_shared<WrittenMessages>()) {}
  explicit Finishes(std::shared_ptr<WrittenMessages> written)
      : ClientTest(HookedStream::Maker(
            {.before_write = [written](std::span<const iovec> from) { written->Note(from); }})),
        written_(std::move(written)) {}

  const std::shared_ptr<WrittenMessages> written_;
};

TEST_F(Finishes, RideWithTheNextCall) {
  constexpr uint32_t kMostTries = 1000;
  const kitchen::CookProxy cook = MakeCook();
  // Where the next call comes late a tick has taken the Finish along.
  const WrittenMessages::Kinds both = {protocol::Message::FINISH, protocol::Message::CALL};
  bool together = false;
  for (uint32_t i = 0; i < kMostTries && !together; ++i) {
    written_->Take();
    auto sum = cook.async().Add(i, 1);
    together = written_->Take() == std::vector<WrittenMessages::Kinds>{both};
    ReturnSum(ExpectCall().getQuestionId(), i + 1);
    ASSERT_EQ(sum.Get().value(), i + 1);
  }
  EXPECT_TRUE(together);
}

}  // namespace
}  // namespace drover::rpc

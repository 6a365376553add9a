// A peer at the other end of shared memory, which it can write to as it likes.
#include "drover/transport/shared_memory_stream.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/ring_pair.h"

namespace drover::transport {
namespace {

using ::testing::HasSubstr;
using testing_support::RingPair;

constexpr size_t kRing = 64 << 10;

IoResult WriteText(ByteStream& to, std::string_view text, std::span<const int> fds = {}) {
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  return fds.empty() ? to.Write({&piece, 1}) : to.WriteWithFds({&piece, 1}, fds);
}

IoResult ReadNow(ByteStream& from, size_t most = 4096) {
  std::vector<std::byte> into(most);
  return from.Read(into, Wait::kDontBlock);
}

bool BellRings(const SharedMemoryStream& stream) {
  pollfd bell{.fd = stream.fd(), .events = POLLIN, .revents = 0};
  return poll(&bell, 1, 0) > 0;
}

class SharedMemoryPeer : public ::testing::Test {
 protected:
  SharedMemoryStream& ours() { return *pair_.maker; }
  SharedMemoryStream& peer() { return *pair_.taker; }
  // What the peer can do to the memory, whatever its stream would do.
  Lane& peers_out() { return spoiler_->out_lane(); }
  Lane& peers_in() { return spoiler_->in_lane(); }
  void Spoil(uint32_t length, uint32_t flags) {
    const uint32_t header[2] = {length, flags};
    std::memcpy(spoiler_->out(), header, sizeof header);
  }
  void FillAndWaitForRoom() {
    EXPECT_EQ(WriteText(ours(), std::string(kRing, 'x')).bytes, kRing - 8);
    EXPECT_TRUE(WriteText(ours(), "x").would_block);
    EXPECT_TRUE(ours().WaitForRoom());
  }
  void ExpectFault(const IoResult& result, const std::string& reason) {
    EXPECT_EQ(result.error, EPROTO);
    EXPECT_EQ(result.bytes, 0u);
    ASSERT_NE(result.reason, nullptr);
    EXPECT_THAT(result.reason, HasSubstr(reason));
  }

  RingPair pair_{kRing};
  std::unique_ptr<SharedMemory> spoiler_ = SharedMemory::Open(pair_.memory.get(), kRing).value();
};

TEST_F(SharedMemoryPeer, WhosePositionIsBeyondTheRingIsAtFault) {
  peers_out().head.store(kRing + 8);
  ExpectFault(ReadNow(ours()), "position");
}

TEST_F(SharedMemoryPeer, WhosePositionGoesBackIsAtFault) {
  EXPECT_EQ(WriteText(peer(), "hello").bytes, 5u);
  EXPECT_EQ(ReadNow(ours()).bytes, 5u);
  peers_out().head.store(8);
  ExpectFault(ReadNow(ours()), "position");
}

TEST_F(SharedMemoryPeer, WhosePositionIsNoWordIsAtFault) {
  peers_out().head.store(12);
  ExpectFault(ReadNow(ours()), "position");
}

TEST_F(SharedMemoryPeer, WhoHasReadMoreThanWasWrittenIsAtFault) {
  peers_in().tail.store(8);
  const std::string much(kRing, 'x');  // so that the position is looked at
  ExpectFault(WriteText(ours(), much), "position");
}

TEST_F(SharedMemoryPeer, WhoHasReadHalfAWordIsAtFault) {
  EXPECT_EQ(WriteText(ours(), "hello").bytes, 5u);
  peers_in().tail.store(4);
  const std::string much(kRing, 'x');
  ExpectFault(WriteText(ours(), much), "position");
}

TEST_F(SharedMemoryPeer, WhoseRecordIsEmptyIsAtFault) {
  Spoil(0, 0);
  peers_out().head.store(8);
  ExpectFault(ReadNow(ours()), "record");
}

TEST_F(SharedMemoryPeer, WhoseRecordIsLongerThanWhatItPublishedIsAtFault) {
  for (uint32_t length : {9u, 4096u, UINT32_MAX}) {
    Spoil(length, 0);
    peers_out().head.store(16);
    ExpectFault(ReadNow(ours()), "record");
  }
}

TEST_F(SharedMemoryPeer, WhoseRecordIsOfAnUnknownKindIsAtFault) {
  Spoil(8, 0x80);
  peers_out().head.store(16);
  ExpectFault(ReadNow(ours()), "record");
}

TEST_F(SharedMemoryPeer, WhoRewritesARecordThatIsBeingReadChangesNotItsLength) {
  EXPECT_EQ(WriteText(peer(), std::string(100, 'x')).bytes, 100u);
  EXPECT_EQ(ReadNow(ours(), 10).bytes, 10u);
  Spoil(UINT32_MAX, 0);
  peers_out().head.store(8);  // back, too
  EXPECT_EQ(ReadNow(ours()).bytes, 90u);
  ExpectFault(ReadNow(ours()), "position");
}

// Most of what it writes is plausible, so records are taken until one does not fit what has been
// published, which is a fault.
class RewritingPeer {
 public:
  // What it publishes ends here, as far as it is plausible.
  static constexpr uint64_t kEnd = 4 * kRing;

  // The lengths of its records are multiples of `unit`.
  RewritingPeer(SharedMemory& memory, uint32_t unit) : memory_(memory), unit_(unit) {}
  ~RewritingPeer() {
    done_ = true;
    thread_.join();
  }

 private:
  uint64_t Random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_ >> 8;
  }
  void PutHeader(uint64_t at, uint64_t header) {
    __atomic_store_n(reinterpret_cast<uint64_t*>(memory_.out() + at % kRing), header,
                     __ATOMIC_RELAXED);
  }
  void PutRecord(uint64_t at) { PutHeader(at, unit_ * (1 + Random() % (2048 / unit_))); }
  uint64_t SomeOfRing() { return 8 * (Random() % (kRing / 8 + 1)); }
  void Rewrite() {
    Lane& out = memory_.out_lane();
    Lane& in = memory_.in_lane();
    for (size_t at = 0; at < kRing; at += sizeof(uint64_t)) PutRecord(at);
    while (!done_.load(std::memory_order_relaxed)) {
      PutRecord(SomeOfRing());
      const uint64_t tail = out.tail.load();
      for (int i = 0; i < 8; ++i) {
        PutHeader(tail, UINT32_MAX);
        PutRecord(tail);
        out.head.store(uint64_t{1} << 40);
        out.head.store(std::min(tail + SomeOfRing(), kEnd));
      }
      in.tail.store(in.head.load() - std::min(in.head.load(), SomeOfRing()));
      out.wants_room.store(1);
      in.asleep.store(1);
    }
  }

  SharedMemory& memory_;
  const uint64_t unit_;
  uint64_t random_ = 88172645463325252u;
  std::atomic<bool> done_{false};
  std::thread thread_{[this] { Rewrite(); }};
};

TEST_F(SharedMemoryPeer, WhoRewritesEverythingAllTheTimeHarmsNobody) {
  constexpr size_t kRead = 256;
  const std::string text(3000, 'x');
  int taken = 0;
  int written = 0;
  for (int round = 0; taken < 2'000 || written < 1'000; ++round) {
    pair_ = RingPair(kRing);
    spoiler_ = SharedMemory::Open(pair_.memory.get(), kRing).value();
    // Now and then each record is read from its beginning, which it rewrites most.
    const RewritingPeer rewriter(*spoiler_, round % 2 == 0 ? 1 : kRead);
    for (IoResult read; read.error == 0 && peers_out().tail.load() != RewritingPeer::kEnd;) {
      read = ReadNow(ours(), kRead);
      EXPECT_LE(read.bytes, kRead);
      if (read.bytes > 0) ++taken;
      ASSERT_LE(peers_out().tail.load(), RewritingPeer::kEnd);
      const IoResult wrote = WriteText(ours(), text);
      EXPECT_LE(wrote.bytes, text.size());
      if (wrote.bytes > 0) ++written;
    }
  }
}

TEST_F(SharedMemoryPeer, WhoIsAwakeIsNotWoken) {
  EXPECT_EQ(WriteText(ours(), "a").bytes, 1u);
  EXPECT_FALSE(BellRings(peer()));
}

TEST_F(SharedMemoryPeer, WhoSleepsIsWokenOnce) {
  EXPECT_TRUE(peer().Arm());
  EXPECT_EQ(WriteText(ours(), "a").bytes, 1u);
  EXPECT_EQ(WriteText(ours(), "b").bytes, 1u);
  EXPECT_TRUE(BellRings(peer()));
  EXPECT_EQ(ReadNow(peer()).bytes, 2u);
  EXPECT_TRUE(ReadNow(peer()).would_block);  // and has heard it
  EXPECT_FALSE(BellRings(peer()));
}

TEST_F(SharedMemoryPeer, WhoFallsAsleepFindsWhatCameBefore) {
  EXPECT_EQ(WriteText(ours(), "a").bytes, 1u);
  EXPECT_FALSE(peer().Arm());
  EXPECT_EQ(ReadNow(peer()).bytes, 1u);
}

TEST_F(SharedMemoryPeer, WhoRingsForNothingIsHeardAndThatIsAll) {
  const char ring[1000] = {};
  ASSERT_GT(send(peer().fd(), ring, sizeof ring, 0), 0);
  EXPECT_TRUE(ours().Arm());
  while (BellRings(ours())) {
    ours().NoteBell();
    EXPECT_TRUE(ReadNow(ours()).would_block);
  }
  EXPECT_EQ(WriteText(peer(), "a").bytes, 1u);
  EXPECT_EQ(ReadNow(ours()).bytes, 1u);
}

TEST_F(SharedMemoryPeer, WhoReadsAgainTellsWhoWaitsForRoom) {
  FillAndWaitForRoom();
  EXPECT_FALSE(ours().HasRoomAgain());
  EXPECT_EQ(ReadNow(peer(), 100).bytes, 100u);
  EXPECT_FALSE(BellRings(ours()));  // not worth it yet
  EXPECT_EQ(ReadNow(peer(), kRing).bytes, kRing - 108);
  EXPECT_TRUE(BellRings(ours()));
  EXPECT_TRUE(ours().HasRoomAgain());
  EXPECT_EQ(WriteText(ours(), "x").bytes, 1u);
  EXPECT_FALSE(ours().HasRoomAgain());
}

// It looked before our last write, and takes the wish after it.
TEST_F(SharedMemoryPeer, WhoTellsOfRoomThatIsFullAgainIsAskedAgain) {
  FillAndWaitForRoom();
  peers_in().wants_room.store(0);
  ASSERT_EQ(send(peer().fd(), "x", 1, 0), 1);
  ours().NoteBell();
  EXPECT_TRUE(ReadNow(ours()).would_block);
  EXPECT_FALSE(BellRings(ours()));
  EXPECT_EQ(ReadNow(peer(), kRing).bytes, kRing - 8);
  EXPECT_TRUE(BellRings(ours()));
}

TEST_F(SharedMemoryPeer, WhoGaveRoomIsHeardOfBeforeTheReaderSleeps) {
  FillAndWaitForRoom();
  EXPECT_EQ(ReadNow(peer(), kRing).bytes, kRing - 8);
  // Something else rang before, which the reader has yet to hear; with that it hears all there is.
  ours().NoteBell();
  ours().SetReadLimit(absl::Milliseconds(1));
  std::byte into[8];
  EXPECT_TRUE(ours().Read(into, Wait::kBlock).would_block);
  EXPECT_EQ(ours().bells(), 1u) << "it slept";
  EXPECT_TRUE(ours().HasRoomAgain());
}

TEST_F(SharedMemoryPeer, WhoKeepsTheRingFullHoldsNoReaderThatHasShutDown) {
  std::atomic<bool> done{false};
  std::thread writer([&] {
    const std::string some(1000, 'x');
    while (!done.load()) WriteText(peer(), some);
  });
  while (ReadNow(ours()).bytes == 0) std::this_thread::yield();
  ours().Shutdown();
  EXPECT_TRUE(ReadNow(ours()).end);
  EXPECT_TRUE(ReadNow(ours()).end);
  done = true;
  writer.join();
}

TEST_F(SharedMemoryPeer, ThatIsGoneLetsNobodyWaitForRoom) {
  pair_.taker.reset();
  const std::string much(kRing, 'x');
  while (true) {
    const IoResult r = WriteText(ours(), much);
    if (r.bytes > 0) continue;
    EXPECT_EQ(r.error, EPIPE);
    break;
  }
}

TEST(SharedMemoryPeerProcess, ThatIsKilledEndsABlockedRead) {
  RingPair pair(kRing);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    pair.maker.reset();  // its own part of it, which would keep the bell open
    const char go = 1;
    if (write(ready[1], &go, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char go;
  ASSERT_EQ(read(ready[0], &go, 1), 1);
  pair.taker.reset();
  std::thread killer([child] { kill(child, SIGKILL); });
  std::byte byte;
  EXPECT_TRUE(pair.maker->Read({&byte, 1}, Wait::kBlock).end);
  killer.join();
  waitpid(child, nullptr, 0);
}

// Of which file this process has how many descriptors.
class SharedMemoryFds : public SharedMemoryPeer {
 protected:
  size_t Open() const {
    const auto name = [](int fd) { return "/proc/self/fd/" + std::to_string(fd); };
    const auto file = std::filesystem::read_symlink(name(file_.get()));
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path(), gone) == file) ++count;
    }
    return count - 1;
  }
  IoResult Pass(std::string_view text, size_t count) {
    const std::vector<int> fds(count, file_.get());
    return WriteText(peer(), text, fds);
  }
  IoResult Take(size_t most, std::vector<base::UniqueFd>* fds) {
    std::byte into[4096];
    return ours().ReadWithFds(into, Wait::kDontBlock, most, fds);
  }

  const base::UniqueFd file_{memfd_create("passed-in-a-test", MFD_CLOEXEC)};
};

TEST_F(SharedMemoryFds, ComeWithTheirBytesAndNoOthers) {
  EXPECT_EQ(WriteText(peer(), "before").bytes, 6u);
  EXPECT_EQ(Pass("with", 2).bytes, 4u);
  EXPECT_EQ(WriteText(peer(), "after").bytes, 5u);
  std::vector<base::UniqueFd> fds;
  EXPECT_EQ(Take(16, &fds).bytes, 6u);
  EXPECT_EQ(fds.size(), 0u);
  EXPECT_EQ(Take(16, &fds).bytes, 4u);
  EXPECT_EQ(fds.size(), 2u);
  EXPECT_EQ(Take(16, &fds).bytes, 5u);
  EXPECT_EQ(fds.size(), 2u);
}

TEST_F(SharedMemoryFds, BeyondTheLimitAreClosed) {
  EXPECT_EQ(Pass("with", 100).bytes, 4u);
  std::vector<base::UniqueFd> fds;
  EXPECT_EQ(Take(3, &fds).bytes, 4u);
  EXPECT_EQ(fds.size(), 3u);
  EXPECT_EQ(Open(), 3u);
}

TEST_F(SharedMemoryFds, ThatAreNotAcceptedAreClosed) {
  EXPECT_EQ(Pass("with", 5).bytes, 4u);
  EXPECT_EQ(ReadNow(ours()).bytes, 4u);
  EXPECT_EQ(Open(), 0u);
  EXPECT_EQ(Pass("again", 5).bytes, 5u);
  EXPECT_EQ(ReadNow(ours()).bytes, 5u);
}

TEST_F(SharedMemoryFds, AreNeverTakenAhead) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Pass("with", 5).bytes, 4u);
  std::vector<base::UniqueFd> fds;
  EXPECT_EQ(Take(16, &fds).bytes, 4u);
  EXPECT_EQ(fds.size(), 5u);
  EXPECT_EQ(Open(), 5u);
}

TEST_F(SharedMemoryFds, ThatPileUpMakeTheSenderWait) {
  size_t sent = 0;
  while (Pass("with", 1).bytes > 0) ++sent;
  EXPECT_LE(sent, 64u);
  EXPECT_TRUE(peer().WaitForRoom());
  std::vector<base::UniqueFd> fds;
  EXPECT_EQ(Take(16, &fds).bytes, 4u);
  EXPECT_TRUE(BellRings(peer()));
  EXPECT_TRUE(peer().HasRoomAgain());
  EXPECT_EQ(Pass("with", 1).bytes, 4u);
}

TEST_F(SharedMemoryFds, ThatWereAnnouncedAndDidNotComeAreAFault) {
  Spoil(8, 1);
  peers_out().head.store(16);
  std::vector<base::UniqueFd> fds;
  ExpectFault(Take(16, &fds), "descriptors that did not come");
}

TEST(SharedMemoryFdsBeforeTheReading, WaitForIt) {
  RingPair pair(kRing, /*reading=*/false);
  const int fd = pair.memory.get();
  EXPECT_TRUE(WriteText(*pair.taker, "with", {&fd, 1}).would_block);
  EXPECT_TRUE(pair.taker->WaitForRoom());
  pair.maker->BeginReading();
  EXPECT_TRUE(BellRings(*pair.taker));
  EXPECT_TRUE(pair.taker->HasRoomAgain());
  EXPECT_EQ(WriteText(*pair.taker, "with", {&fd, 1}).bytes, 4u);
}

}  // namespace
}  // namespace drover::transport

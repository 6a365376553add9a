// Descriptors from a peer that does not keep to the rules.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

class PeerFds : public ServerTest {
 protected:
  PeerFds() : ServerTest(std::make_shared<Cook>(), {.max_fds_per_message = 16, .max_fds = 4}) {
    Front();
    peer_->PassOver(protocol::Message::RELEASE);
  }

  // One write of these bytes, with this many descriptors.
  void SendWithFds(std::span<const std::byte> bytes, size_t count) {
    std::vector<int> fds(count, file_.get());
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), count * sizeof(int));
    ASSERT_EQ(sendmsg(peer_->fd(), &message, 0), static_cast<ssize_t>(bytes.size()));
  }
  // A call of Keep, whose listener has descriptor number `index`.
  std::vector<std::byte> KeepCall(uint32_t question, uint32_t id, uint8_t index) {
    return ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kKeep);
      call.initTarget().setImportedCap(front_);
      auto payload = call.initParams();
      SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::KeepParams>(), 0), 0);
      auto descriptor = payload.initCapTable(1)[0];
      descriptor.setSenderHosted(id);
      descriptor.setAttachedFd(index);
    });
  }
  // How many descriptors of the file this process has; those of another test may yet be closed.
  size_t OpenDescriptors() const {
    const auto file = std::filesystem::read_symlink(InProc(file_.get()));
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path(), gone) == file) ++count;
    }
    return count;
  }
  void ExpectOpen(size_t count) {
    ExpectNothing();
    while (OpenDescriptors() != count) std::this_thread::yield();
  }

 private:
  static std::string InProc(int fd) { return "/proc/self/fd/" + std::to_string(fd); }
  static base::UniqueFd MakeFile() {
    static int made = 0;
    const std::string name = "passed-" + std::to_string(++made);
    return base::UniqueFd(memfd_create(name.c_str(), MFD_CLOEXEC));
  }

  const base::UniqueFd file_ = MakeFile();
};

TEST_F(PeerFds, ThatNobodyClaimsAreClosed) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  for (uint32_t i = 0; i < 50; ++i) {
    SendWithFds(KeepCall(i, 7, 0xff), 3);
    peer_->ExpectReturn(i);
    peer_->SendFinish(i);
  }
  ExpectOpen(before);
}

TEST_F(PeerFds, BeyondTheLimitAreClosed) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  SendWithFds(KeepCall(1, 7, 15), 100);
  peer_->ExpectReturn(1);
  ExpectOpen(before + 1);
  SendWithFds(KeepCall(2, 8, 16), 100);  // one that was not let in; the first is kept no more
  peer_->ExpectReturn(2);
  ExpectOpen(before);
}

TEST_F(PeerFds, ThatComeByteForByteWithOneFrameAreNoMoreThanTheLimit) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  const auto frame = KeepCall(1, 7, 0);
  for (size_t i = 0; i + 1 < frame.size(); ++i) SendWithFds({&frame[i], 1}, 16);
  // As much is open as may be, and what a read has just brought beyond that until it is dropped.
  while (OpenDescriptors() < before + 16) std::this_thread::yield();
  EXPECT_LE(OpenDescriptors(), before + 2 * 16);
  while (OpenDescriptors() > before + 16) std::this_thread::yield();
  SendWithFds({&frame.back(), 1}, 16);
  peer_->ExpectReturn(1);
  ExpectOpen(before + 1);
}

TEST_F(PeerFds, OfAFrameThatNeverEndsAreClosedWithTheConnection) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  const auto frame = KeepCall(1, 7, 0);
  SendWithFds({frame.data(), 20}, 16);
  while (OpenDescriptors() != before + 16) std::this_thread::yield();
  peer_->Close();
  connection_ = nullptr;
  while (OpenDescriptors() > before) std::this_thread::yield();
}

TEST_F(PeerFds, AreClosedWithTheConnection) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  SendWithFds(KeepCall(1, 7, 0), 1);
  peer_->ExpectReturn(1);
  ExpectOpen(before + 1);
  EXPECT_EQ(cook_->Keep({}), absl::OkStatus());
  ExpectOpen(before);
}

TEST_F(PeerFds, OfAnObjectThatHasOneAreClosed) {
  ExpectNothing();
  const size_t before = OpenDescriptors();
  for (uint32_t i = 0; i < 5; ++i) {
    SendWithFds(KeepCall(i, 7, 0), 1);
    peer_->ExpectReturn(i);
  }
  ExpectOpen(before + 1);
}

}  // namespace
}  // namespace drover::rpc

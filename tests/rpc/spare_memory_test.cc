// Memory that connections use again for large messages: of what was in it nothing reaches a peer.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "rpc/hostile_fixture.h"

namespace drover::rpc {
namespace {

constexpr std::byte kSecret{0xab};

class UsedMemory : public HostilePeer {
 protected:
  ScriptedPeer::Received Echo(uint32_t question, size_t bytes, std::byte content) {
    const uint32_t front = Front();
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kEcho);
      call.initTarget().setImportedCap(front);
      auto data = call.initParams().getContent().initAs<Wire::EchoParams>().initData(bytes);
      std::memset(data.begin(), static_cast<int>(content), data.size());
    });
    return peer_->ExpectReturn(question);
  }
};

TEST_F(UsedMemory, IsNotSeenByThePeerWhoseMessageGetsIt) {
  uint32_t question = 1;
  for (const size_t size : {16'385, 65'537, 73'700, 100'003, 300'001, 1'000'001}) {
    Echo(question++, size, kSecret);
    const auto answer = Echo(question++, size, std::byte{1});
    const auto frame = answer->frame();
    EXPECT_GT(frame.size(), size);
    EXPECT_EQ(std::count(frame.begin(), frame.end(), kSecret), 0) << size;
  }
}

}  // namespace
}  // namespace drover::rpc

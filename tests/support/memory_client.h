// A client that goes over to shared memory by hand, message by message, and can do to the memory
// whatever it likes.
//
//   MemoryClient client(server.endpoint());
//   client.Ask();                                // the server's Return, and what came with it
//   client.GoOver();
//   client.peer().Send(...);                     // through the ring from here on
//   client.spoiler().out_lane().head.store(...);
//
// Not thread-safe.
#ifndef DROVER_TESTS_SUPPORT_MEMORY_CLIENT_H_
#define DROVER_TESTS_SUPPORT_MEMORY_CLIENT_H_

#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/node.capnp.h"
#include "drover/transport/dial.h"
#include "drover/transport/socket_stream.h"
#include "gtest/gtest.h"
#include "support/ring_pair.h"
#include "support/scripted_peer.h"

namespace drover::testing_support {

class MemoryClient {
 public:
  static constexpr uint32_t kHello = 70;
  static constexpr uint32_t kAsked = 71;
  static constexpr size_t kRing = 1 << 20;

  explicit MemoryClient(const Endpoint& endpoint)
      : socket_(transport::Dial(endpoint).value()), peer_(Dup(socket_->fd())) {
    front_ = peer_.Bootstrap();
  }

  ScriptedPeer& peer() { return peer_; }
  uint32_t front() const { return front_; }

  void SayHello() {
    CallNode(kHello, protocol::NODE_HELLO, /*nonce=*/5);
    peer_.ExpectReturn(kHello);
    peer_.SendFinish(kHello);
  }
  void CallNode(uint32_t question, uint16_t method, uint64_t nonce = 0) {
    peer_.Send([&](protocol::Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(question);
      call.setInterfaceId(protocol::NODE_INTERFACE_ID);
      call.setMethodId(method);
      call.initTarget().setImportedCap(front_);
      call.initParams().getContent().initAs<protocol::Node::ShareMemoryParams>();
      if (nonce != 0) call.initExtension().initAs<protocol::CallExtension>().setNonce(nonce);
    });
  }
  // After hello. Reads exactly the Return.
  void Ask() {
    SayHello();
    CallNode(kAsked, protocol::NODE_SHARE_MEMORY);
    uint32_t header[2];
    std::vector<base::UniqueFd> fds;
    const auto result = socket_->ReadWithFds(std::as_writable_bytes(std::span(header)),
                                             transport::Wait::kBlock, 8, &fds);
    ASSERT_EQ(result.bytes, sizeof header);
    ASSERT_EQ(fds.size(), 2u);
    std::vector<std::byte> rest(header[1] * 8);
    ASSERT_EQ(socket_->Read(rest, transport::Wait::kBlock).bytes, rest.size());
    memory_ = std::move(fds[0]);
    bell_ = std::move(fds[1]);
  }
  // What comes next is in the rings.
  void GoOver() {
    peer_.SendFinish(kAsked, /*release_result_caps=*/false);
    auto stream = RingPair::Stream(transport::SharedMemory::Open(memory_.get(), kRing).value(),
                                   Dup(bell_.get()), Dup(socket_->fd()));
    stream->BeginReading();
    peer_.SwitchTo(std::move(stream));
    spoiler_ = transport::SharedMemory::Open(memory_.get(), kRing).value();
  }
  void AskAndGoOver() {
    Ask();
    GoOver();
  }
  // Another mapping of the same memory, which stays.
  transport::SharedMemory& spoiler() { return *spoiler_; }
  int bell() const { return bell_.get(); }
  transport::ByteStream& socket() { return *socket_; }
  void Close() {
    peer_.Close();
    bell_.Reset();
    socket_ = nullptr;
  }

 private:
  static base::UniqueFd Dup(int fd) { return base::UniqueFd(dup(fd)); }

  std::unique_ptr<transport::ByteStream> socket_;
  ScriptedPeer peer_;
  uint32_t front_ = 0;
  base::UniqueFd memory_, bell_;
  std::unique_ptr<transport::SharedMemory> spoiler_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_MEMORY_CLIENT_H_

// A peer that speaks the protocol's messages by hand, over one end of a socketpair: the far end of
// a connection whose rules are to be tested.
//
//   ScriptedPeer peer(std::move(fd));
//   peer.Send([](protocol::Message::Builder m) { m.initBootstrap().setQuestionId(0); });
//   auto message = peer.Expect(protocol::Message::RETURN);
//   EXPECT_TRUE(message->root().getReturn().isResults());
//
// Not thread-safe. Receive blocks; if nothing comes for a long time it fails the test, in place of
// hanging.
#ifndef DROVER_TESTS_SUPPORT_SCRIPTED_PEER_H_
#define DROVER_TESTS_SUPPORT_SCRIPTED_PEER_H_

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/rpc.capnp.h"
#include "drover/transport/byte_stream.h"

namespace drover::testing_support {

// Two connected UNIX stream sockets.
std::pair<base::UniqueFd, base::UniqueFd> SocketPair();

class ReceivedMessage {
 public:
  explicit ReceivedMessage(std::vector<capnp::word> words)
      : words_(std::move(words)), reader_(kj::arrayPtr(words_.data(), words_.size())) {}

  protocol::Message::Reader root() { return reader_.getRoot<protocol::Message>(); }
  std::span<const std::byte> frame() const { return std::as_bytes(std::span(words_)); }

 private:
  const std::vector<capnp::word> words_;  // the whole frame
  capnp::FlatArrayMessageReader reader_;
};

class ScriptedPeer {
 public:
  using Build = std::function<void(protocol::Message::Builder)>;
  using Received = std::unique_ptr<ReceivedMessage>;

  explicit ScriptedPeer(base::UniqueFd fd) : fd_(std::move(fd)) {}

  void Send(const Build& build);
  void SendBytes(std::span<const std::byte> bytes);
  void SendBytes(const void* data, size_t size) {
    SendBytes({static_cast<const std::byte*>(data), size});
  }
  // The frame of a message, for tests that spoil it before they send it.
  static std::vector<std::byte> Frame(const Build& build);

  // From now on messages of this kind are passed over by everything below: those that come at
  // their own time and are not what a test is about.
  void PassOver(protocol::Message::Which which) { passed_over_.insert(which); }

  // The next message; null at the end of the stream.
  Received Receive();
  // The next message, which must be of this kind. Never null: a message of another kind, or the
  // end, fails the test and ends it with an exception.
  Received Expect(protocol::Message::Which which);
  // Expects a Return for this question.
  Received ExpectReturn(uint32_t question);
  // Expects an Abort, perhaps after Returns, and then the end; gives the Abort's reason.
  std::string ExpectAbort();
  // Whether the stream ends here.
  bool AtEnd() { return Receive() == nullptr; }

  // Common messages.
  void SendBootstrap(uint32_t question);
  void SendFinish(uint32_t question, bool release_result_caps = true);
  void SendRelease(uint32_t id, uint32_t count);
  // Asks for the front object, and returns the export that it is.
  uint32_t Bootstrap(uint32_t question = 1000);

  // From now on it speaks over this.
  void SwitchTo(std::unique_ptr<transport::ByteStream> stream) { stream_ = std::move(stream); }

  void CloseForWriting();
  void Close() {
    stream_ = nullptr;
    fd_.Reset();
  }
  int fd() const { return fd_.get(); }

 private:
  // False at the end of the stream.
  bool ReadExactly(std::byte* into, size_t size);

  Received ReceiveAny();

  base::UniqueFd fd_;
  std::unique_ptr<transport::ByteStream> stream_;  // null: the descriptor
  std::set<protocol::Message::Which> passed_over_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_SCRIPTED_PEER_H_

#include "support/scripted_peer.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "gtest/gtest.h"

namespace drover::testing_support {
namespace {

// Long enough for any machine; reached only by a test that fails.
constexpr int kGiveUpMillis = 60'000;

[[noreturn]] void Fail(const std::string& what) {
  ADD_FAILURE() << what;
  throw std::runtime_error(what);
}

}  // namespace

std::pair<base::UniqueFd, base::UniqueFd> SocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
  return {base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

std::vector<std::byte> ScriptedPeer::Frame(const Build& build) {
  capnp::MallocMessageBuilder message;
  build(message.initRoot<protocol::Message>());
  auto words = capnp::messageToFlatArray(message);
  auto bytes = words.asBytes();
  std::vector<std::byte> frame(bytes.size());
  std::memcpy(frame.data(), bytes.begin(), bytes.size());
  return frame;
}

void ScriptedPeer::Send(const Build& build) { SendBytes(Frame(build)); }

void ScriptedPeer::SendBytes(std::span<const std::byte> bytes) {
  while (!bytes.empty() && stream_ != nullptr) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const transport::IoResult result = stream_->Write({&piece, 1});
    if (result.error != 0) return;
    if (result.would_block) std::this_thread::yield();
    bytes = bytes.subspan(result.bytes);
  }
  while (!bytes.empty()) {
    const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the other end has gone: what it sent before tells why
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

bool ScriptedPeer::ReadExactly(std::byte* into, size_t size) {
  while (size > 0 && stream_ != nullptr) {
    stream_->SetReadLimit(absl::Milliseconds(kGiveUpMillis));
    const transport::IoResult result = stream_->Read({into, size}, transport::Wait::kBlock);
    if (result.end || result.error != 0) return false;
    into += result.bytes;
    size -= result.bytes;
  }
  while (size > 0) {
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kGiveUpMillis) == 0) Fail("no message came");
    const ssize_t n = recv(fd_.get(), into, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

ScriptedPeer::Received ScriptedPeer::Receive() {
  for (;;) {
    Received message = ReceiveAny();
    if (!message || !passed_over_.contains(message->root().which())) return message;
  }
}

ScriptedPeer::Received ScriptedPeer::ReceiveAny() {
  uint32_t segments;
  if (!ReadExactly(reinterpret_cast<std::byte*>(&segments), sizeof(segments))) return nullptr;
  if (++segments > 512) Fail("a frame has too many segments");
  std::vector<uint32_t> header(segments / 2 * 2 + 2);  // padded to a whole word
  header[0] = segments - 1;
  if (!ReadExactly(reinterpret_cast<std::byte*>(&header[1]), (header.size() - 1) * 4)) {
    Fail("the stream ends within a frame's header");
  }
  size_t words = header.size() / 2;
  const size_t body = words;
  for (uint32_t i = 1; i <= segments; ++i) words += header[i];
  std::vector<capnp::word> frame(words);
  std::memcpy(static_cast<void*>(frame.data()), header.data(), header.size() * 4);
  if (!ReadExactly(reinterpret_cast<std::byte*>(frame.data() + body), (words - body) * 8)) {
    Fail("the stream ends within a frame");
  }
  return std::make_unique<ReceivedMessage>(std::move(frame));
}

ScriptedPeer::Received ScriptedPeer::Expect(protocol::Message::Which which) {
  Received message = Receive();
  if (!message) Fail("the stream ended");
  if (message->root().which() != which) {
    Fail(std::string("an unexpected message: ") + kj::str(message->root()).cStr());
  }
  return message;
}

ScriptedPeer::Received ScriptedPeer::ExpectReturn(uint32_t question) {
  Received message = Expect(protocol::Message::RETURN);
  if (message->root().getReturn().getAnswerId() != question) {
    Fail(std::string("a Return of another question: ") + kj::str(message->root()).cStr());
  }
  return message;
}

std::string ScriptedPeer::ExpectAbort() {
  Received message = Receive();
  while (message && message->root().isReturn()) message = Receive();
  if (!message || !message->root().isAbort()) Fail("the connection ends without an Abort");
  const std::string reason = message->root().getAbort().getReason();
  EXPECT_TRUE(AtEnd());
  return reason;
}

void ScriptedPeer::SendBootstrap(uint32_t question) {
  Send([&](protocol::Message::Builder m) { m.initBootstrap().setQuestionId(question); });
}

void ScriptedPeer::SendFinish(uint32_t question, bool release_result_caps) {
  Send([&](protocol::Message::Builder m) {
    m.initFinish().setQuestionId(question);
    m.getFinish().setReleaseResultCaps(release_result_caps);
  });
}

void ScriptedPeer::SendRelease(uint32_t id, uint32_t count) {
  Send([&](protocol::Message::Builder m) {
    m.initRelease().setId(id);
    m.getRelease().setReferenceCount(count);
  });
}

uint32_t ScriptedPeer::Bootstrap(uint32_t question) {
  SendBootstrap(question);
  Received message = ExpectReturn(question);
  auto results = message->root().getReturn().getResults();
  if (results.getCapTable().size() != 1 || !results.getCapTable()[0].isSenderHosted()) {
    Fail("the front object is not one that the sender hosts");
  }
  SendFinish(question, /*release_result_caps=*/false);
  return results.getCapTable()[0].getSenderHosted();
}

void ScriptedPeer::CloseForWriting() { shutdown(fd_.get(), SHUT_WR); }

}  // namespace drover::testing_support

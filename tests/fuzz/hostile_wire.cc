#include "fuzz/hostile_wire.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "drover/wire/in_message.h"
#include "fuzz/check.h"

namespace drover::fuzz {
namespace {

// Questions of Sync, which no other message names.
constexpr uint32_t kFirstSync = 0x70000000;
constexpr int kGiveUpMillis = 60'000;

// Waits for one of `events`; ends the process if none comes for a long time.
short WaitFor(int fd, short events) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  int ready;
  do {
    ready = poll(&waiting, 1, kGiveUpMillis);
  } while (ready < 0 && errno == EINTR);  // libFuzzer has a timer
  FUZZ_CHECK(ready > 0) << "the connection neither reads nor writes nor ends";
  return waiting.revents;
}

}  // namespace

HostileWire::HostileWire(base::UniqueFd fd) : fd_(std::move(fd)) {}

std::vector<std::byte> HostileWire::Frame(const Build& build) {
  capnp::MallocMessageBuilder message;
  build(message.initRoot<protocol::Message>());
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  std::vector<std::byte> frame(bytes.size());
  std::memcpy(frame.data(), bytes.begin(), bytes.size());
  return frame;
}

void HostileWire::Send(const Build& build) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<protocol::Message>();
  build(root);
  ledger_.Sent(root.asReader());
  const auto words = capnp::messageToFlatArray(message);
  SendBytes(std::as_bytes(std::span(words.asBytes().begin(), words.asBytes().size())));
}

void HostileWire::SendSpoiled(std::span<const std::byte> frame) {
  ledger_.GoBlind();
  SendBytes(frame);
}

void HostileWire::SendGarbage(std::span<const std::byte> bytes) {
  ledger_.GoBlind();
  in_frames_ = false;
  SendBytes(bytes);
}

void HostileWire::SendBytes(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN || ended_) return;  // the other end has gone
    if ((WaitFor(fd_.get(), POLLIN | POLLOUT) & POLLIN) != 0) Read(/*block=*/false);
  }
}

void HostileWire::Sync() {
  Read(/*block=*/false);
  if (!in_frames_ || ended_) return;
  const uint32_t question = kFirstSync + ++syncs_;
  Send([&](protocol::Message::Builder m) { m.initBootstrap().setQuestionId(question); });
  while (!ended_ && synced_ != syncs_) Read(/*block=*/true);
  Send([&](protocol::Message::Builder m) { m.initFinish().setQuestionId(question); });
}

void HostileWire::Finish() { shutdown(fd_.get(), SHUT_WR); }

void HostileWire::AwaitEnd() {
  while (!ended_) Read(/*block=*/true);
}

void HostileWire::Read(bool block) {
  while (!ended_) {
    const std::span<std::byte> space = reader_.Space();
    const ssize_t n = recv(fd_.get(), space.data(), space.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!block) return;
      WaitFor(fd_.get(), POLLIN);
      continue;
    }
    if (n <= 0) {
      ended_ = true;
      return;
    }
    reader_.Fill(static_cast<size_t>(n));
    block = false;
    for (;;) {
      wire::Frame frame;
      absl::StatusOr<bool> next = reader_.Next(&frame);
      FUZZ_CHECK(next.ok()) << next.status();
      if (!*next) break;
      Handle(frame);
    }
  }
}

void HostileWire::Handle(const wire::Frame& frame) {
  wire::InMessage in(frame);
  const protocol::Message::Reader message = in.root();
  ledger_.Received(message);
  if (message.isReturn() && message.getReturn().getAnswerId() > kFirstSync &&
      message.getReturn().getAnswerId() <= kFirstSync + syncs_) {
    synced_ = message.getReturn().getAnswerId() - kFirstSync;
  }
}

}  // namespace drover::fuzz

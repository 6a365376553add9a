// The far end of a connection under test, over a socketpair: sends messages and garbage, and hands
// what comes back to a Ledger. Never waits for room without reading, so it cannot hang a connection
// that does not hang itself.
//
// Not thread-safe. Sync and AwaitEnd block; if what they wait for does not come for a long time,
// they end the process.
#ifndef DROVER_TESTS_FUZZ_HOSTILE_WIRE_H_
#define DROVER_TESTS_FUZZ_HOSTILE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/rpc.capnp.h"
#include "drover/wire/frame_reader.h"
#include "fuzz/ledger.h"

namespace drover::fuzz {

class HostileWire {
 public:
  using Build = std::function<void(protocol::Message::Builder)>;

  explicit HostileWire(base::UniqueFd fd);

  static std::vector<std::byte> Frame(const Build& build);

  // The other end takes this one for Drover.
  void KnowDrover() { ledger_.KnowDrover(); }
  void Send(const Build& build);
  // A frame whose content nobody knows.
  void SendSpoiled(std::span<const std::byte> frame);
  // Bytes that are no frame: nothing after them can be told apart.
  void SendGarbage(std::span<const std::byte> bytes);

  // Waits until what was sent has been handled: a question of its own is answered, or the
  // connection has ended.
  void Sync();
  // Sends no more.
  void Finish();
  // Waits until the other end sends no more.
  void AwaitEnd();
  bool ended() const { return ended_; }

 private:
  void SendBytes(std::span<const std::byte> bytes);
  // Reads what there is; waits for some if `block`.
  void Read(bool block);
  void Handle(const wire::Frame& frame);

  base::UniqueFd fd_;
  wire::FrameReader reader_{64 << 20};
  Ledger ledger_;
  bool in_frames_ = true;  // false once garbage was sent
  bool ended_ = false;
  uint32_t syncs_ = 0;
  uint32_t synced_ = 0;
};

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_HOSTILE_WIRE_H_

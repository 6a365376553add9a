// A ByteStream over shared memory: a ring for each direction, a bell to wake who sleeps, and the
// UNIX socket over which the two met, for descriptors.
//
//   SharedMemoryStream stream(std::move(memory), std::move(bell), socket);
//   stream.BeginReading();                  // from here on, what comes is in the ring
//   stream.Write(pieces);
//
// What is written goes into the ring as records: a word with their length and flags, then the
// bytes. An end that goes to sleep says so in the shared page, looks once more, and sleeps on the
// bell, an end of a socket pair that nothing else travels over: in recv, in poll or in epoll. A
// writer that finds it asleep rings: it sends a byte. Who finds no room asks for the bell in the
// same way, and again if the bell tells of room that is full by then. As long as both are awake
// there is no system call. When the peer is gone, the bell says so: what it had written is still
// read, then the stream ends.
//
// The peer is not trusted. Its positions are read once each and must lie within the ring; bytes are
// copied out before anybody looks at them; a record must lie whole between the positions. What does
// not hold ends the stream with a reason (IoResult::reason).
//
// Descriptors go over the socket with one byte, before the record that they belong to is published.
// The reader takes them when it comes to that record, as many as are wanted, and never earlier:
// those of further records wait in the kernel, at the sender's expense.
//
// Thread-safety and blocking: as ByteStream's. What belongs to the reader: Read, ReadWithFds,
// BeginReading, Arm, NoteBell. Ownership: owns the mapping and the bell; `socket` must outlive it.
#ifndef DROVER_TRANSPORT_SHARED_MEMORY_STREAM_H_
#define DROVER_TRANSPORT_SHARED_MEMORY_STREAM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "drover/base/unique_fd.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/shared_memory.h"

namespace drover::transport {

class SharedMemoryStream final : public ByteStream {
 public:
  // `kept` goes with the stream.
  SharedMemoryStream(std::unique_ptr<SharedMemory> memory, base::UniqueFd bell, ByteStream& socket,
                     std::shared_ptr<const void> kept = nullptr);

  IoResult Read(std::span<std::byte> into, Wait wait) override {
    return ReadWithFds(into, wait, 0, nullptr);
  }
  // Descriptors come with the first bytes of a record, and no bytes of another record with them.
  // (Null `fds`: the kernel closes those that come.)
  IoResult ReadWithFds(std::span<std::byte> into, Wait wait, size_t max_fds,
                       std::vector<base::UniqueFd>* fds) override;
  void SetReadLimit(absl::Duration limit) override;
  IoResult Write(std::span<const iovec> from) override { return WriteWithFds(from, {}); }
  bool CanPassFds() const override { return true; }
  IoResult WriteWithFds(std::span<const iovec> from, std::span<const int> fds) override;
  // What is in the ring is not read any more, however full the peer keeps it.
  void Shutdown() override;
  // The bell. Readable once it has been rung or the peer is gone, if Arm was called before.
  int fd() const override { return bell_.get(); }
  const PeerInfo& peer() const override { return socket_.peer(); }

  // The peer's last byte on the socket has been read: descriptors may follow there.
  void BeginReading();
  // Before sleeping on fd(): from now on the peer rings. False if there is something to read
  // already, for which it will not. The next read takes it back.
  [[nodiscard]] bool Arm();
  // Any thread: something came that nobody has read, and for which the peer did not have to ring.
  bool Unread() const;
  // fd() is readable: the next read that finds nothing looks what that is.
  void NoteBell() { look_ = true; }
  // How often that has been looked at; any thread.
  uint64_t bells() const { return bells_.load(std::memory_order_relaxed); }

  // A write that would have blocked may go on; any thread. The bell tells, if WaitForRoom was
  // called after that write. To be asked after each read: one that has heard the bell ends.
  bool HasRoomAgain() const { return WantsRoom() && HasRoom(); }
  bool WantsRoom() const { return wants_room_.load(std::memory_order_relaxed); }
  // False if there is room already.
  [[nodiscard]] bool WaitForRoom();

 private:
  enum Flags : uint32_t { kWithFds = 1, kAllFlags = 1 };

  IoResult Take(std::span<std::byte> into, size_t max_fds, std::vector<base::UniqueFd>* fds);
  IoResult TakeNotice(size_t max_fds, std::vector<base::UniqueFd>* fds);
  void GiveRoom();
  void LookAtBell(Wait wait);
  bool HasRoom() const;
  bool MayPassFds() const;
  // Bytes that can be written now; -1 if the peer's position is impossible.
  int64_t Free();
  bool PeerIsGone() const;
  void Put(std::span<const iovec> from, size_t payload, uint32_t flags);
  void Ring();

  const std::shared_ptr<const void> kept_;
  const std::unique_ptr<SharedMemory> memory_;
  const base::UniqueFd bell_;
  ByteStream& socket_;
  const size_t ring_bytes_;
  std::atomic<bool> shut_{false};

  // The reader's.
  uint64_t tail_ = 0;
  uint64_t seen_head_ = 0;
  uint32_t left_ = 0;   // of the record that is being read
  uint32_t taken_ = 0;  // notices of descriptors
  std::atomic<bool> armed_{false};
  std::atomic<uint64_t> given_{0};  // tail_, for others
  bool look_ = false;
  bool gone_ = false;  // the peer
  std::atomic<uint64_t> bells_{0};

  // The writer's.
  std::atomic<uint64_t> head_{0};  // read by others
  uint64_t seen_tail_ = 0;
  std::atomic<uint32_t> notices_{0};
  std::atomic<bool> wants_room_{false};
  std::atomic<bool> passes_fds_{false};  // what was written last, or could not be
  std::atomic<bool> unheard_{false};     // the peer is gone
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SHARED_MEMORY_STREAM_H_

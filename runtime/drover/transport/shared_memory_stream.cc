#include "drover/transport/shared_memory_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "drover/base/sanitizer.h"

namespace drover::transport {
namespace {

constexpr size_t kWord = 8;
constexpr std::byte kNotice{'d'};
// On their way at a time: the socket takes so many.
constexpr uint32_t kMostNotices = 64;

constexpr size_t RoundUp(size_t bytes) { return (bytes + kWord - 1) & ~(kWord - 1); }

IoResult Fault(const char* reason) { return {.error = EPROTO, .reason = reason}; }

// Bytes past `from` of what `pieces` hold, to `to`.
void CopyPieces(std::span<const iovec> pieces, size_t bytes, std::byte* to) {
  for (const iovec& piece : pieces) {
    const size_t n = std::min(piece.iov_len, bytes);
    if (n > 0) std::memcpy(to, piece.iov_base, n);
    to += n;
    bytes -= n;
    if (bytes == 0) return;
  }
}

size_t BytesOf(std::span<const iovec> pieces) {
  size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

// Two ends in one process have mapped the memory at two places, which ThreadSanitizer takes for two
// memories: it is told that what was before a position moved is before what follows its being seen.
#ifdef DROVER_TSAN
std::atomic<uint64_t> moves;
void Moves() { moves.fetch_add(1, std::memory_order_acq_rel); }
void SeesMoves() { moves.load(std::memory_order_acquire); }
#else
void Moves() {}
void SeesMoves() {}
#endif

}  // namespace

SharedMemoryStream::SharedMemoryStream(std::unique_ptr<SharedMemory> memory, base::UniqueFd bell,
                                       ByteStream& socket, std::shared_ptr<const void> kept)
    : kept_(std::move(kept)),
      memory_(std::move(memory)),
      bell_(std::move(bell)),
      socket_(socket),
      ring_bytes_(memory_->ring_bytes()) {}

// --- reading ------------------------------------------------------------------------------------

void SharedMemoryStream::BeginReading() {
  // A reader may be bound already in how long it waits.
  timeval limit{};
  socklen_t size = sizeof limit;
  if (getsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, &size) == 0) {
    setsockopt(bell_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  Lane& lane = memory_->in_lane();
  lane.listens.store(1, std::memory_order_seq_cst);
  // Not taken back: who waits may wait for room, too.
  if (lane.wants_room.load(std::memory_order_seq_cst) != 0) Ring();
}

void SharedMemoryStream::SetReadLimit(absl::Duration limit) {
  const timeval value = limit == absl::InfiniteDuration() ? timeval{} : absl::ToTimeval(limit);
  setsockopt(bell_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

bool SharedMemoryStream::Unread() const {
  return !armed_.load(std::memory_order_relaxed) &&
         memory_->in_lane().head.load(std::memory_order_acquire) !=
             given_.load(std::memory_order_relaxed);
}

bool SharedMemoryStream::Arm() {
  Lane& lane = memory_->in_lane();
  armed_ = true;
  lane.asleep.store(1, std::memory_order_seq_cst);
  // A peer that is gone rings no more, but closed its end of the bell.
  return lane.head.load(std::memory_order_seq_cst) == tail_;
}

IoResult SharedMemoryStream::ReadWithFds(std::span<std::byte> into, Wait wait, size_t max_fds,
                                         std::vector<base::UniqueFd>* fds) {
  assert(!into.empty());
  if (shut_.load(std::memory_order_relaxed)) return {.end = true};
  if (armed_) {
    armed_ = false;
    // It has rung, if it was not asleep any more by its own account.
    if (memory_->in_lane().asleep.exchange(0, std::memory_order_seq_cst) == 0) look_ = true;
  }
  IoResult result = Take(into, max_fds, fds);
  if (!result.would_block) return result;
  if (look_) {
    LookAtBell(Wait::kDontBlock);
    result = Take(into, max_fds, fds);
    if (!result.would_block) return result;
    // It may have rung for room, and does not ring again for that: whoever reads sees to it first.
    if (!gone_ && HasRoomAgain()) return result;
  }
  if (!gone_ && wait == Wait::kBlock) {
    if (Arm()) LookAtBell(Wait::kBlock);
    armed_ = false;
    memory_->in_lane().asleep.store(0, std::memory_order_relaxed);
    if (shut_.load(std::memory_order_relaxed)) return {.end = true};
    result = Take(into, max_fds, fds);
  }
  if (result.would_block && gone_) return {.end = true};
  return result;
}

void SharedMemoryStream::LookAtBell(Wait wait) {
  look_ = false;
  bells_.store(bells() + 1, std::memory_order_relaxed);
  char rings[256];
  ssize_t n;
  do {
    n = recv(bell_.get(), rings, sizeof rings, wait == Wait::kDontBlock ? MSG_DONTWAIT : 0);
  } while (n < 0 && errno == EINTR);
  // ECONNRESET: it left while it had not heard all of ours.
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) gone_ = true;
  // Between the peer's look at how much is free and its taking the wish, the writer may have found
  // the room, filled it and waited again: then that wish is gone, and is made again.
  if (WantsRoom() && !HasRoom()) {
    memory_->out_lane().wants_room.store(1, std::memory_order_seq_cst);
  }
}

IoResult SharedMemoryStream::Take(std::span<std::byte> into, size_t max_fds,
                                  std::vector<base::UniqueFd>* fds) {
  const std::byte* const ring = memory_->in();
  const size_t mask = ring_bytes_ - 1;
  const uint64_t from = tail_;
  size_t copied = 0;
  bool alone = false;  // nothing more is to come with what was copied
  while (copied < into.size() && !alone) {
    if (seen_head_ == tail_) {
      const uint64_t head = memory_->in_lane().head.load(std::memory_order_acquire);
      if (head == tail_) break;
      SeesMoves();
      if (head - tail_ > ring_bytes_ || head % kWord != 0) {
        if (copied > 0) break;  // the next read finds the same
        return Fault("the peer's position in the shared memory is impossible");
      }
      seen_head_ = head;
    }
    if (left_ == 0) {
      // In one look: the peer may write there at any time.
      const uint64_t header = __atomic_load_n(
          reinterpret_cast<const uint64_t*>(ring + (tail_ & mask)), __ATOMIC_RELAXED);
      const auto bytes = static_cast<uint32_t>(header);
      const auto flags = static_cast<uint32_t>(header >> 32);
      if (bytes == 0 || (flags & ~uint32_t{kAllFlags}) != 0 ||
          kWord + RoundUp(bytes) > seen_head_ - tail_) {
        if (copied > 0) break;
        return Fault("the peer wrote a record into the shared memory that is not one");
      }
      if ((flags & kWithFds) != 0) {
        if (copied > 0) break;
        IoResult notice = TakeNotice(max_fds, fds);
        if (notice.error != 0) return notice;
        alone = true;
      }
      tail_ += kWord;
      left_ = bytes;
    }
    const size_t n = std::min<size_t>(left_, into.size() - copied);
    std::memcpy(into.data() + copied, ring + (tail_ & mask), n);
    copied += n;
    left_ -= static_cast<uint32_t>(n);
    // In the middle of a record the rest of it need not begin at a word.
    tail_ = left_ == 0 ? RoundUp(tail_ + n) : tail_ + n;
  }
  if (tail_ == from) return {.would_block = true};
  GiveRoom();
  return {.bytes = copied};
}

void SharedMemoryStream::GiveRoom() {
  Lane& lane = memory_->in_lane();
  const uint64_t tail = tail_ & ~uint64_t{kWord - 1};
  given_.store(tail_, std::memory_order_relaxed);
  Moves();
  lane.tail.store(tail, std::memory_order_seq_cst);
  if (lane.wants_room.load(std::memory_order_seq_cst) == 0) return;
  // Once it is worth to wake somebody for, who then finds the same (HasRoom).
  if (lane.head.load(std::memory_order_seq_cst) - tail > ring_bytes_ / 2) return;
  if (lane.wants_room.exchange(0, std::memory_order_seq_cst) != 0) Ring();
}

IoResult SharedMemoryStream::TakeNotice(size_t max_fds, std::vector<base::UniqueFd>* fds) {
  std::byte notice;
  const IoResult result = fds != nullptr && max_fds > 0
                              ? socket_.ReadWithFds({&notice, 1}, Wait::kDontBlock, max_fds, fds)
                              : socket_.Read({&notice, 1}, Wait::kDontBlock);
  if (result.bytes == 1 && notice == kNotice) {
    std::atomic<uint32_t>& taken = memory_->in_lane().notices;
    taken.store(++taken_, std::memory_order_release);
    return {};
  }
  return Fault("the peer announced descriptors that did not come");
}

// --- writing ------------------------------------------------------------------------------------

int64_t SharedMemoryStream::Free() {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  const uint64_t used = head - seen_tail_;
  if (used > ring_bytes_ || seen_tail_ % kWord != 0) return -1;
  return static_cast<int64_t>(ring_bytes_ - used);
}

bool SharedMemoryStream::HasRoom() const {
  const Lane& lane = memory_->out_lane();
  if (passes_fds_.load(std::memory_order_relaxed) && !MayPassFds()) return false;
  const uint64_t used =
      head_.load(std::memory_order_relaxed) - lane.tail.load(std::memory_order_seq_cst);
  return used <= ring_bytes_ / 2 || used > ring_bytes_;  // the latter the next write will find
}

// Descriptors would be lost to a peer that still reads the socket for its bytes.
bool SharedMemoryStream::MayPassFds() const {
  const Lane& lane = memory_->out_lane();
  return lane.listens.load(std::memory_order_seq_cst) != 0 &&
         notices_.load(std::memory_order_relaxed) - lane.notices.load(std::memory_order_seq_cst) <
             kMostNotices;
}

bool SharedMemoryStream::WaitForRoom() {
  wants_room_.store(true, std::memory_order_relaxed);
  memory_->out_lane().wants_room.store(1, std::memory_order_seq_cst);
  return !HasRoom();
}

IoResult SharedMemoryStream::WriteWithFds(std::span<const iovec> from, std::span<const int> fds) {
  if (shut_.load(std::memory_order_relaxed) || unheard_.load(std::memory_order_relaxed)) {
    return {.error = EPIPE};
  }
  Lane& lane = memory_->out_lane();
  const size_t bytes = BytesOf(from);
  assert(bytes > 0);
  passes_fds_.store(!fds.empty(), std::memory_order_relaxed);
  const auto ready = [&](int64_t free) {
    return free >= static_cast<int64_t>(2 * kWord) && (fds.empty() || MayPassFds());
  };
  int64_t free = Free();
  // The peer's position is looked at where what is known of it does not do.
  if (free < static_cast<int64_t>(kWord + RoundUp(bytes)) || !ready(free)) {
    seen_tail_ = lane.tail.load(std::memory_order_acquire);
    SeesMoves();
    free = Free();
    if (free >= 0 && !ready(free)) {
      lane.wants_room.store(1, std::memory_order_seq_cst);
      seen_tail_ = lane.tail.load(std::memory_order_seq_cst);
      SeesMoves();
      free = Free();
    }
    if (free < 0) return Fault("the peer's position in the shared memory is impossible");
    if (!ready(free)) {
      if (PeerIsGone()) return {.error = EPIPE};
      wants_room_.store(true, std::memory_order_relaxed);
      return {.would_block = true};
    }
  }
  if (!fds.empty()) {
    std::byte notice = kNotice;
    const iovec piece{&notice, 1};
    const IoResult sent = socket_.WriteWithFds({&piece, 1}, fds);
    if (sent.error != 0) return sent;
    if (sent.would_block) return Fault("the socket beside the shared memory is full");
    notices_.store(notices_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  wants_room_.store(false, std::memory_order_relaxed);
  const size_t payload = std::min<size_t>(
      {bytes, static_cast<size_t>(free) - kWord, size_t{UINT32_MAX} & ~(kWord - 1)});
  Put(from, payload, fds.empty() ? 0U : uint32_t{kWithFds});
  return {.bytes = payload};
}

bool SharedMemoryStream::PeerIsGone() const {
  pollfd bell{.fd = bell_.get(), .events = 0, .revents = 0};
  return poll(&bell, 1, 0) > 0 && (bell.revents & POLLHUP) != 0;
}

void SharedMemoryStream::Put(std::span<const iovec> from, size_t payload, uint32_t flags) {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  std::byte* const at = memory_->out() + (head & (ring_bytes_ - 1));
  const uint64_t header = uint64_t{flags} << 32 | static_cast<uint32_t>(payload);
  std::memcpy(at, &header, sizeof header);
  CopyPieces(from, payload, at + kWord);
  const uint64_t end = head + kWord + RoundUp(payload);
  head_.store(end, std::memory_order_relaxed);
  Lane& lane = memory_->out_lane();
  Moves();
  lane.head.store(end, std::memory_order_seq_cst);
  if (lane.asleep.load(std::memory_order_seq_cst) != 0 &&
      lane.asleep.exchange(0, std::memory_order_seq_cst) != 0) {
    Ring();
  }
}

void SharedMemoryStream::Ring() {
  const char ring = 1;
  ssize_t n;
  do {
    n = send(bell_.get(), &ring, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  // One that has not heard earlier rings hears those.
  if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
    unheard_.store(true, std::memory_order_relaxed);
  }
}

void SharedMemoryStream::Shutdown() {
  shut_.store(true, std::memory_order_relaxed);
  shutdown(bell_.get(), SHUT_RDWR);
}

}  // namespace drover::transport

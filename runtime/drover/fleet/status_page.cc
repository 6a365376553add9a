#include "drover/fleet/status_page.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace drover::fleet {
namespace {

constexpr int kNoExit = -1;
constexpr size_t kMaxEndpointText = 384;  // the longest: a host's name of 255, scheme and port
constexpr size_t kMaxMessage = 2048;

void CopyText(std::string_view from, char* to, size_t capacity) {
  const size_t size = std::min(from.size(), capacity - 1);
  std::memcpy(to, from.data(), size);
  to[size] = '\0';
}

}  // namespace

// The ordering is on the fields themselves: a reader that sees a field of a new write also sees
// the odd sequence number that preceded it, so its second look at the number differs.
struct StatusPage::Slot {
  std::atomic<uint32_t> sequence{0};  // odd while it is written
  std::atomic<int32_t> pid{0};
  std::atomic<int32_t> state{0};
  std::atomic<int32_t> restarts{0};
  std::atomic<int32_t> last_wait_status{kNoExit};
  char endpoint[kMaxEndpointText] = {};
};

struct StatusPage::Header {
  int slots = 0;
  std::atomic<bool> finished{false};
  int code = 0;
  char message[kMaxMessage] = {};
};

static_assert(std::atomic<uint32_t>::is_always_lock_free, "the page is shared by processes");

absl::StatusOr<StatusPage> StatusPage::Map(int slots) {
  const size_t size = sizeof(Header) + slots * sizeof(Slot);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, "cannot map the fleet's status page");
  Header* header = new (memory) Header;
  header->slots = slots;
  StatusPage page(header, size);
  for (int i = 0; i < slots; ++i) new (&page.SlotAt(i)) Slot;
  return page;
}

void StatusPage::Unmap() {
  if (header_ != nullptr) munmap(header_, size_);
  header_ = nullptr;
}

StatusPage::Slot& StatusPage::SlotAt(int slot) const {
  return reinterpret_cast<Slot*>(header_ + 1)[slot];
}

int StatusPage::slots() const { return header_->slots; }

void StatusPage::SetSlot(int slot, const SlotStatus& status) {
  Slot& s = SlotAt(slot);
  const uint32_t sequence = s.sequence.load(std::memory_order_relaxed);
  s.sequence.store(sequence + 1, std::memory_order_relaxed);
  s.pid.store(status.pid, std::memory_order_release);
  s.state.store(static_cast<int32_t>(status.state), std::memory_order_release);
  s.restarts.store(status.restarts, std::memory_order_release);
  s.last_wait_status.store(status.last_wait_status.value_or(kNoExit), std::memory_order_release);
  s.sequence.store(sequence + 2, std::memory_order_release);
}

SlotStatus StatusPage::slot(int slot) const {
  const Slot& s = SlotAt(slot);
  SlotStatus status;
  // A writer needs nanoseconds, or a time slice if it is preempted; one that takes longer than
  // this was killed.
  const absl::Time limit = absl::Now() + absl::Seconds(1);
  do {
    const uint32_t before = s.sequence.load(std::memory_order_acquire);
    status.pid = s.pid.load(std::memory_order_acquire);
    status.state = static_cast<SlotState>(s.state.load(std::memory_order_acquire));
    status.restarts = s.restarts.load(std::memory_order_acquire);
    const int last = s.last_wait_status.load(std::memory_order_acquire);
    status.last_wait_status = last == kNoExit ? std::nullopt : std::optional<int>(last);
    if (before % 2 == 0 && s.sequence.load(std::memory_order_relaxed) == before) break;
    sched_yield();
  } while (absl::Now() < limit);
  return status;
}

void StatusPage::SetEndpoint(int slot, std::string_view endpoint) {
  CopyText(endpoint, SlotAt(slot).endpoint, kMaxEndpointText);
}

std::string StatusPage::endpoint(int slot) const { return SlotAt(slot).endpoint; }

void StatusPage::SetResult(const absl::Status& result) {
  header_->code = static_cast<int>(result.code());
  CopyText(std::string(result.message()), header_->message, kMaxMessage);
  header_->finished.store(true, std::memory_order_release);
}

std::optional<absl::Status> StatusPage::result() const {
  if (!header_->finished.load(std::memory_order_acquire)) return std::nullopt;
  return absl::Status(static_cast<absl::StatusCode>(header_->code), header_->message);
}

}  // namespace drover::fleet

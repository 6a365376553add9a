// What the supervisor tells its host: a piece of shared memory that the supervisor alone writes.
//
//   StatusPage page = *StatusPage::Map(workers);       // before the fork
//   page.SetSlot(3, {.pid = 42, .state = SlotState::kReady});   // supervisor
//   SlotStatus s = page.slot(3);                                // host, any time
//
// A slot's fields change together (a sequence lock); endpoints and the result are written once,
// before the byte or the end of file on the status pipe that tells the host to look.
//
// Thread-safety: one writer; any number of readers, in any process that inherited it.
// Ownership: unmaps its own copy. Errors: ResourceExhausted when memory is short.
// Blocking: reading a slot waits for a write under way, about a second if its writer was killed.
#ifndef DROVER_FLEET_STATUS_PAGE_H_
#define DROVER_FLEET_STATUS_PAGE_H_

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace drover::fleet {

enum class SlotState {
  kStarting,    // forked, not ready yet
  kReady,       // serves
  kBackingOff,  // ended; the next start waits for its time
  kDown,        // ended and stays so: it is done, or the fleet stops
  kFailed,      // given up
};

struct SlotStatus {
  pid_t pid = 0;  // 0 while there is no process
  SlotState state = SlotState::kStarting;
  int restarts = 0;  // starts after the first
  std::optional<int> last_wait_status =
      std::nullopt;  // as of waitpid(), of the last worker that ended
};

class StatusPage {
 public:
  static absl::StatusOr<StatusPage> Map(int slots);

  StatusPage(StatusPage&& other) noexcept
      : header_(std::exchange(other.header_, nullptr)), size_(other.size_) {}
  StatusPage& operator=(StatusPage&& other) = delete;
  ~StatusPage() { Unmap(); }
  void Unmap();

  int slots() const;

  // The supervisor's side.
  void SetSlot(int slot, const SlotStatus& status);
  void SetEndpoint(int slot, std::string_view endpoint);
  void SetResult(const absl::Status& result);

  // The host's side. A slot's status that was cut off in mid-write, by the supervisor's death, is
  // returned as it stands.
  SlotStatus slot(int slot) const;
  std::string endpoint(int slot) const;  // empty until it is known
  std::optional<absl::Status> result()
      const;  // none while the supervisor runs, or if it was killed

 private:
  struct Slot;
  struct Header;
  StatusPage(Header* header, size_t size) : header_(header), size_(size) {}
  Slot& SlotAt(int slot) const;

  Header* header_;
  size_t size_;
};

}  // namespace drover::fleet

#endif  // DROVER_FLEET_STATUS_PAGE_H_

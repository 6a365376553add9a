#include "drover/base/trusted_processes.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/fork_generation.h"
#include "drover/base/mutex.h"
#include "drover/base/unique_fd.h"

namespace drover::base {
namespace {

struct Trusted {
  pid_t pid;
  bool with_children;
  UniqueFd fd;  // of the process itself: pids are used again

  bool there() const {
    pollfd end{.fd = fd.get(), .events = POLLIN, .revents = 0};
    return poll(&end, 1, 0) == 0;
  }
};

// Replaced, not locked, in a forked child, whose parent's threads may hold the lock.
struct Registry {
  const uint32_t generation = ForkGeneration();
  Mutex mu;
  std::vector<Trusted> processes ABSL_GUARDED_BY(mu);
};

Registry& TheRegistry() {
  static std::atomic<Registry*> current{new Registry};
  Registry* registry = current.load(std::memory_order_acquire);
  if (registry->generation == ForkGeneration()) return *registry;
  auto* const fresh = new Registry;  // the old one is the parent's, and lost
  if (current.compare_exchange_strong(registry, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *registry;
}

void Add(pid_t pid, bool with_children) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.valid()) return;
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  registry.processes.push_back({pid, with_children, std::move(fd)});
}

bool Find(pid_t pid, bool with_children) {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  return std::ranges::any_of(registry.processes, [&](const Trusted& trusted) {
    return trusted.pid == pid && (trusted.with_children || !with_children) && trusted.there();
  });
}

bool AnyWithChildren() {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  return std::ranges::any_of(registry.processes, &Trusted::with_children);
}

// 0 if that cannot be found out. The second field of `stat`, the name, may hold anything.
pid_t ParentOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const size_t name_end = all.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(all.substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return rest ? parent : 0;
}

}  // namespace

void TrustedProcesses::Trust(pid_t pid) { Add(pid, /*with_children=*/false); }
void TrustedProcesses::TrustWithChildren(pid_t pid) { Add(pid, /*with_children=*/true); }

void TrustedProcesses::Forget(pid_t pid) {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  std::erase_if(registry.processes, [pid](const Trusted& trusted) { return trusted.pid == pid; });
}

bool TrustedProcesses::Includes(pid_t pid) {
  if (pid <= 0) return false;
  if (Find(pid, /*with_children=*/false)) return true;
  if (pid == getpid() || !AnyWithChildren()) return false;
  const pid_t parent = ParentOf(pid);
  return parent > 1 && Find(parent, /*with_children=*/true);
}

}  // namespace drover::base

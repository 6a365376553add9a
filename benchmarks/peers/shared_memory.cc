// Bare shared memory: one page for the numbers of a call, one buffer each way for an echo, and a
// counter in each direction that the other side polls for 20 us before it sleeps in a futex. What
// no transport within one machine can be faster than. On one CPU nobody polls.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/contender.h"
#include "common/process.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"

namespace drover::bench {
namespace {

constexpr auto kPoll = std::chrono::microseconds(20);
constexpr int kLooksAtTheClock = 64;  // after so many polls

// Counts messages in one direction. Plain data in shared memory.
struct alignas(64) Bell {
  std::atomic<uint32_t> rung = 0;
  std::atomic<uint32_t> sleeps = 0;

  void Ring() {
    rung.fetch_add(1);
    if (sleeps.load() != 0) syscall(SYS_futex, &rung, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  // Returns once it was rung more than `seen` times.
  void Await(uint32_t seen, bool poll) {
    if (poll && Polled(seen)) return;
    sleeps.store(1);
    while (rung.load() == seen) {
      syscall(SYS_futex, &rung, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
    sleeps.store(0);
  }

 private:
  bool Polled(uint32_t seen) const {
    const auto end = std::chrono::steady_clock::now() + kPoll;
    do {
      for (int i = 0; i < kLooksAtTheClock; ++i) {
        if (rung.load(std::memory_order_acquire) != seen) return true;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }
};

struct Shared {
  Bell request, answer;
  uint32_t number;
  uint64_t size;  // of the echo; 0 for a call
  alignas(4096) char sent[1 << 20];
  alignas(4096) char returned[1 << 20];
};

absl::StatusOr<Shared*> Map(const base::UniqueFd& fd) {
  void* at =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (at == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap");
  return static_cast<Shared*>(at);
}

bool MayPoll() { return AllowedCpus().size() > 1; }

class SharedMemory final : public Contender {
 public:
  std::string name() const override { return "shared memory"; }
  Kind kind() const override { return Kind::kBare; }
  std::string how() const override {
    return "polls for 20 us, then sleeps in a futex; an echo is a memcpy each way";
  }

  bool Does(Work work, Placement) const override { return work == Work::kNullCall || IsEcho(work); }

  // The socket's name leads to the memory, which is nowhere else.
  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    const base::UniqueFd fd(memfd_create("bench", MFD_CLOEXEC));
    if (!fd.valid() || ftruncate(fd.get(), sizeof(Shared)) != 0 ||
        symlink(absl::StrCat("/proc/", getpid(), "/fd/", fd.get()).c_str(), socket.c_str()) != 0) {
      return absl::ErrnoToStatus(errno, socket);
    }
    DROVER_ASSIGN_OR_RETURN(Shared * shared, Map(fd));
    const bool poll = MayPoll();
    ready();
    for (uint32_t seen = 0;; ++seen) {
      shared->request.Await(seen, poll);
      if (shared->size == 0) {
        ++shared->number;
      } else {
        std::memcpy(shared->returned, shared->sent, shared->size);
      }
      shared->answer.Ring();
    }
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    const base::UniqueFd fd(open(socket.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd.valid()) return absl::ErrnoToStatus(errno, socket);
    DROVER_ASSIGN_OR_RETURN(Shared * shared, Map(fd));
    const bool poll = MayPoll();
    uint32_t seen = 0;
    auto exchange = [&] {
      shared->request.Ring();
      shared->answer.Await(seen++, poll);
    };
    if (work == Work::kNullCall) {
      return TimeCalls(seconds, [&] {
        shared->number = 7;
        exchange();
        return shared->number == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
      });
    }
    const std::string data(EchoBytes(work), 'x');
    shared->size = data.size();
    return TimeCalls(seconds, [&] {
      std::memcpy(shared->sent, data.data(), data.size());
      exchange();
      const bool right = shared->returned[data.size() - 1] == 'x';
      return right ? absl::OkStatus() : absl::DataLossError("another answer");
    });
  }
};

}  // namespace

std::unique_ptr<Contender> SharedMemoryContender() { return std::make_unique<SharedMemory>(); }

}  // namespace drover::bench

#include "drover/transport/inproc.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/base/fork_generation.h"
#include "drover/base/mutex.h"
#include "drover/transport/socket_stream.h"

namespace drover::transport {
namespace {

// What waits to be accepted. Shared by the listener and the registry's entry.
class Queue {
 public:
  Queue(base::UniqueFd event, size_t backlog) : event_(std::move(event)), backlog_(backlog) {}

  int fd() const { return event_.get(); }

  bool Push(std::unique_ptr<ByteStream> stream) {
    base::MutexLock lock(&mu_);
    if (closed_ || streams_.size() >= backlog_) return false;
    streams_.push_back(std::move(stream));
    eventfd_write(event_.get(), 1);
    return true;
  }

  std::unique_ptr<ByteStream> Pop() {
    base::MutexLock lock(&mu_);
    if (streams_.empty()) return nullptr;
    eventfd_t ignored;
    eventfd_read(event_.get(), &ignored);
    std::unique_ptr<ByteStream> stream = std::move(streams_.front());
    streams_.pop_front();
    return stream;
  }

  // Refuses what comes, hangs up on what waits.
  void Close() {
    std::deque<std::unique_ptr<ByteStream>> dropped;
    base::MutexLock lock(&mu_);
    closed_ = true;
    dropped.swap(streams_);
  }

 private:
  const base::UniqueFd event_;  // counts streams_
  const size_t backlog_;
  base::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::unique_ptr<ByteStream>> streams_ ABSL_GUARDED_BY(mu_);
};

struct Registry {
  const uint32_t born = base::ForkGeneration();
  base::Mutex mu;
  std::map<std::string, std::shared_ptr<Queue>> queues ABSL_GUARDED_BY(mu);
};

// Never destroyed. In a forked child the parent's lock may be held for ever, so the child leaves
// it untouched and begins anew.
Registry& CurrentRegistry() {
  static std::atomic<Registry*> current{nullptr};
  Registry* registry = current.load(std::memory_order_acquire);
  while (registry == nullptr || registry->born != base::ForkGeneration()) {
    auto fresh = std::make_unique<Registry>();
    if (current.compare_exchange_strong(registry, fresh.get(), std::memory_order_acq_rel)) {
      return *fresh.release();
    }
  }
  return *registry;
}

class InprocListener final : public Listener {
 public:
  InprocListener(Endpoint endpoint, std::shared_ptr<Queue> queue)
      : endpoint_(std::move(endpoint)), queue_(std::move(queue)) {}

  ~InprocListener() override {
    if (born_ != base::ForkGeneration()) return;
    {
      Registry& registry = CurrentRegistry();
      base::MutexLock lock(&registry.mu);
      registry.queues.erase(endpoint_.path());
    }
    queue_->Close();
  }

  absl::StatusOr<std::unique_ptr<ByteStream>> Accept() override {
    if (born_ != base::ForkGeneration()) {
      return absl::FailedPreconditionError(
          absl::StrCat(endpoint_.ToString(), ": belongs to the process this one was forked from"));
    }
    return queue_->Pop();
  }

  int fd() const override { return queue_->fd(); }
  std::vector<int> fds() const override { return {queue_->fd()}; }
  const Endpoint& endpoint() const override { return endpoint_; }

 private:
  const uint32_t born_ = base::ForkGeneration();
  const Endpoint endpoint_;
  const std::shared_ptr<Queue> queue_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> ListenInproc(const Endpoint& endpoint,
                                                       const ListenOptions& options) {
  base::UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  if (!event.valid()) return absl::ErrnoToStatus(errno, endpoint.ToString());
  auto queue = std::make_shared<Queue>(std::move(event), options.backlog);
  Registry& registry = CurrentRegistry();
  {
    base::MutexLock lock(&registry.mu);
    if (!registry.queues.emplace(endpoint.path(), queue).second) {
      return absl::AlreadyExistsError(
          absl::StrCat(endpoint.ToString(), ": another server listens there"));
    }
  }
  return std::make_unique<InprocListener>(endpoint, std::move(queue));
}

absl::StatusOr<std::unique_ptr<ByteStream>> DialInproc(const Endpoint& endpoint) {
  std::shared_ptr<Queue> queue;
  {
    Registry& registry = CurrentRegistry();
    base::MutexLock lock(&registry.mu);
    const auto found = registry.queues.find(endpoint.path());
    if (found != registry.queues.end()) queue = found->second;
  }
  if (queue == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(endpoint.ToString(), ": nobody listens there in this process"));
  }
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return absl::ErrnoToStatus(errno, endpoint.ToString());
  }
  std::unique_ptr<ByteStream> near = SocketStream::Make(base::UniqueFd(fds[0]), "inproc");
  if (!queue->Push(SocketStream::Make(base::UniqueFd(fds[1]), "inproc"))) {
    return absl::UnavailableError(
        absl::StrCat(endpoint.ToString(), ": the listener's backlog is full or it just closed"));
  }
  return near;
}

}  // namespace drover::transport

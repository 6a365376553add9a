#include "drover/rpc/local_capability.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/base/log.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {

Dispatcher::Dispatcher() : strand_(base::MakeRef<Strand>()) {}

Dispatcher::~Dispatcher() {
  base::Ref<Life> life;
  {
    base::MutexLock lock(&mu_);
    life = std::move(life_);
  }
  if (life) life->End(absl::OkStatus());
}

base::Ref<Life> Dispatcher::life() {
  base::MutexLock lock(&mu_);
  if (!life_) life_ = base::MakeRef<Life>();
  return life_;
}

std::string Dispatcher::MethodName(uint64_t interface_id, uint16_t method_id) const {
  return NameUnknown(interface_id, method_id);
}

std::string Dispatcher::NameUnknown(uint64_t interface_id, uint16_t method_id) {
  return absl::StrCat("method ", method_id, " of interface 0x", absl::Hex(interface_id));
}

// Outside the lock, as the servant's own code answers.
void LocalCapability::AskForFd(Dispatcher& dispatcher) {
  {
    base::MutexLock lock(&dispatcher.mu_);
    if (dispatcher.asked_for_fd_) return;
  }
  const int fd = dispatcher.DescriptorToAttach();
  base::Ref<base::SharedFd> shared;
  if (fd >= 0) {
    shared = base::MakeRef<base::SharedFd>(base::UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
    if (shared->get() < 0) {
      DROVER_LOG(kError) << "descriptor " << fd << " cannot be attached to an object: "
                         << absl::ErrnoToStatus(errno, "dup").message();
      shared = nullptr;
    }
  }
  base::MutexLock lock(&dispatcher.mu_);
  if (std::exchange(dispatcher.asked_for_fd_, true)) return;
  dispatcher.fd_ = std::move(shared);
}

base::Ref<LocalCapability> LocalCapability::Of(std::shared_ptr<Dispatcher> dispatcher) {
  if (dispatcher == nullptr) return nullptr;
  Dispatcher& d = *dispatcher;
  AskForFd(d);
  base::MutexLock lock(&d.mu_);
  if (d.capability_ != nullptr && d.capability_->TryRef()) {
    return base::Ref<LocalCapability>::Adopt(d.capability_);
  }
  auto capability =
      base::Ref<LocalCapability>::Adopt(new LocalCapability(std::move(dispatcher), d.fd_));
  d.capability_ = capability.get();
  return capability;
}

LocalCapability::~LocalCapability() {
  {
    base::MutexLock lock(&dispatcher_->mu_);
    if (dispatcher_->capability_ == this) dispatcher_->capability_ = nullptr;
  }
  if (async::ThreadContext::Current().may_run_user_code) return;
  async::CurrentPool().Post([dispatcher = std::move(dispatcher_)] {});
}

void LocalCapability::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  call->SetServant(base::Ref<LocalCapability>::Share(this));
  if (dispatcher_->IsConcurrent(call->interface_id(), call->method_id())) {
    deferred.Run(call);
  } else if (dispatcher_->strand()->PushCall(std::move(call), deferred)) {
    deferred.Run(dispatcher_->strand());
  }
}

}  // namespace drover::rpc

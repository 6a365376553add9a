#include "drover/rpc/local_capability.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/base/log.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {

namespace {

absl::Status CycleError(const std::vector<ChainLink>& chain) {
  std::string way;
  for (const ChainLink& link : chain) absl::StrAppend(&way, link.method, " -> ");
  return absl::FailedPreconditionError(absl::StrCat(
      "the call came back to an object that waits for it and would wait for ever: ", way,
      "this call; mark the method $Drover.concurrent if it may run meanwhile"));
}

}  // namespace

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
  } else if (call->metadata() && dispatcher_->strand()->IsOccupiedBy(call->metadata()->chain)) {
    deferred.Then([call] { call->ReturnError(CycleError(call->metadata()->chain)); });
  } else if (dispatcher_->strand()->Push({.call = std::move(call), .task = nullptr})) {
    deferred.Run(dispatcher_->strand());
  }
}

}  // namespace drover::rpc

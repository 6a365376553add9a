#include "drover/rpc/caretaker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/weak_reference.h"

namespace drover::rpc {
namespace {

// A reference that, over promises, leads back to itself would pass a call on for ever.
constexpr size_t kMostPassed = 64;

}  // namespace

Caretaker::Caretaker(base::Ref<Capability> object)
    : Capability(Kind::kCaretaker), object_(std::move(object)) {}

Caretaker::~Caretaker() = default;

Caretaker::Closing Caretaker::CallBegan() { return {}; }

void Caretaker::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  base::Ref<Capability> object;
  absl::Status refused;
  Closing closing;
  if (call->passed() >= kMostPassed) {
    refused = absl::InvalidArgumentError(absl::StrCat(
        "the call passed more than ", kMostPassed, " references that end (do they form a ring?)"));
  } else {
    base::MutexLock lock(&mu_);
    if (closed_.ok()) closing = CallBegan();
    refused = closed_;
    if (refused.ok()) {
      object = object_;
      running_.insert(call.get());
    }
  }
  if (closing.first) {
    deferred.Then(
        [self = base::Ref<Caretaker>::Share(this), closing = std::move(closing)]() mutable {
          self->FinishClose(std::move(closing));
        });
  }
  if (!refused.ok()) {
    deferred.Then([call = std::move(call), refused] { call->ReturnError(refused); });
    return;
  }
  if (call->Pass(base::Ref<Caretaker>::Share(this))) {
    object->Deliver(std::move(call), deferred);
  } else {
    // Another caretaker that it passed was closed at this moment.
    deferred.Then([self = base::Ref<Caretaker>::Share(this), call = std::move(call)] {
      self->Answered(*call);
    });
  }
  deferred.Drop(std::move(object));
}

base::Ref<base::SharedFd> Caretaker::AttachedFd() const {
  base::MutexLock lock(&mu_);
  return object_ ? PromiseCapability::Follow(object_)->AttachedFd() : nullptr;
}

absl::Status Caretaker::closed() const {
  base::MutexLock lock(&mu_);
  return closed_;
}

void Caretaker::Answered(IncomingCall& call) {
  {
    base::MutexLock lock(&mu_);
    running_.erase(&call);
  }
  CallEnded();
}

bool Caretaker::Close(const absl::Status& why, Running running) {
  Closing closing;
  {
    base::MutexLock lock(&mu_);
    closing = BeginClose(why, running);
  }
  return FinishClose(std::move(closing));
}

Caretaker::Closing Caretaker::BeginClose(const absl::Status& why, Running running) {
  Closing closing;
  if (!closed_.ok()) return closing;
  closed_ = why;
  closing = {.first = true, .why = why, .object = std::move(object_), .cut = {}};
  if (running == Running::kFinish) return closing;
  const async::Cancellation* const closer = async::ThreadContext::Current().cancellation;
  for (IncomingCall* call : running_) {
    if (call == closer || !call->TryRef()) continue;
    closing.cut.push_back(base::Ref<IncomingCall>::Adopt(call));
  }
  return closing;
}

bool Caretaker::FinishClose(Closing closing) {
  if (!closing.first) return false;
  // All are answered before the first one makes room for the next to begin.
  for (base::Ref<IncomingCall>& call : closing.cut) call->ReturnEarly(closing.why);
  for (base::Ref<IncomingCall>& call : closing.cut) call->Cancel();
  MakeWeak().life().End(closing.why);
  return true;
}

}  // namespace drover::rpc

#include "drover/object/lease.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/runtime.h"
#include "drover/async/timers.h"
#include "drover/object/lease_term.h"
#include "drover/rpc/caretaker.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/weak_reference.h"

namespace drover::object {

// One timer at a time, which is moved only when it comes: a call costs no more than looking at the
// clock.
class LeasedReference final : public rpc::Caretaker {
 public:
  LeasedReference(base::Ref<rpc::Capability> object, const LeaseOptions& options)
      : Caretaker(std::move(object)),
        own_timers_(options.timers),
        timers_(own_timers_ != nullptr ? *own_timers_ : Runtime::Default().timers()),
        duration_(options.duration),
        term_(options.duration, timers_.Now()) {}
  ~LeasedReference() override { StopTimer(); }

  // Ends it if it is time; otherwise sees to it that this is looked at again when it may be.
  void Look() {
    Closing closing;
    absl::Duration left;
    {
      base::MutexLock lock(&mu_);
      timer_ = 0;
      left = term_.Left(timers_.Now());
      if (left <= absl::ZeroDuration()) closing = RunOut();
      waits_ = left == absl::InfiniteDuration();  // for a call to end
    }
    FinishClose(std::move(closing));
    if (left > absl::ZeroDuration() && left < absl::InfiniteDuration()) StartTimer(left);
  }

  absl::Duration Remaining() const {
    base::MutexLock lock(&mu_);
    return closed_reason().ok() ? term_.Left(timers_.Now()) : absl::ZeroDuration();
  }

  absl::Status Extend(absl::Duration duration) {
    Closing closing;
    absl::Status ended;
    {
      base::MutexLock lock(&mu_);
      const absl::Duration now = timers_.Now();
      if (term_.Left(now) <= absl::ZeroDuration()) closing = RunOut();
      ended = closed_reason();
      if (ended.ok()) term_.Extend(duration, now);
    }
    FinishClose(std::move(closing));
    return ended;
  }

  void End() {
    if (Close(absl::NotFoundError("the lease was ended"), Running::kFinish)) StopTimer();
  }

 private:
  Closing RunOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return BeginClose(absl::NotFoundError(absl::StrCat("the lease ended: not used for ",
                                                       absl::FormatDuration(duration_))),
                      Running::kFinish);
  }

  // The timer may be late, but a call that is does not get through.
  Closing CallBegan() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const absl::Duration now = timers_.Now();
    if (term_.Left(now) <= absl::ZeroDuration()) return RunOut();
    term_.CallBegan(now);
    return {};
  }
  void CallEnded() override {
    bool look;
    {
      base::MutexLock lock(&mu_);
      term_.CallEnded(timers_.Now());
      look = term_.running() == 0 && std::exchange(waits_, false);
    }
    if (look) Look();
  }

  void StartTimer(absl::Duration left) {
    auto weak = rpc::WeakReference::To(base::Ref<LeasedReference>::Share(this));
    const uint64_t timer = timers_.AddAfter(left, [weak] {
      if (base::Ref<rpc::Capability> self = weak->Lock()) {
        static_cast<LeasedReference&>(*self).Look();
      }
    });
    base::MutexLock lock(&mu_);
    timer_ = timer;
  }
  void StopTimer() {
    uint64_t timer;
    {
      base::MutexLock lock(&mu_);
      timer = std::exchange(timer_, 0);
    }
    if (timer != 0) timers_.Remove(timer);
  }

  const std::shared_ptr<async::TimerSource> own_timers_;
  async::TimerSource& timers_;
  const absl::Duration duration_;
  LeaseTerm term_ ABSL_GUARDED_BY(mu_);
  uint64_t timer_ ABSL_GUARDED_BY(mu_) = 0;
  bool waits_ ABSL_GUARDED_BY(mu_) = false;  // no timer runs: the end of a call looks
};

LeaseHandle::LeaseHandle(const Proxy& object, const LeaseOptions& options)
    : options_(object.options()) {
  if (!object) return;
  reference_ = base::MakeRef<LeasedReference>(object.capability(), options);
  reference_->Look();
}

LeaseHandle::LeaseHandle() = default;
LeaseHandle::LeaseHandle(const LeaseHandle&) = default;
LeaseHandle::LeaseHandle(LeaseHandle&&) noexcept = default;
LeaseHandle& LeaseHandle::operator=(LeaseHandle other) {
  std::swap(reference_, other.reference_);
  std::swap(options_, other.options_);
  return *this;
}
LeaseHandle::~LeaseHandle() = default;

Proxy LeaseHandle::proxy() const { return Proxy::FromCapability(reference_, options_); }
bool LeaseHandle::alive() const { return Remaining() > absl::ZeroDuration(); }
absl::Duration LeaseHandle::Remaining() const {
  return reference_ ? reference_->Remaining() : absl::ZeroDuration();
}
absl::Status LeaseHandle::Extend(absl::Duration duration) const {
  if (!reference_) return absl::FailedPreconditionError("Extend() of a lease of no object");
  return reference_->Extend(duration);
}
void LeaseHandle::End() const {
  if (reference_) reference_->End();
}

}  // namespace drover::object

#include "drover/object/one_way.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/future.h"
#include "drover/async/thread_context.h"
#include "drover/base/log.h"
#include "drover/base/recycled.h"
#include "drover/node.capnp.h"
#include "drover/object/call_binding.h"
#include "drover/object/generated.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/promise_capability.h"

namespace drover::object {
namespace {

// Of the calls on one object that are to be answered all the same.
constexpr size_t kMostUnanswered = 1 << 20;
// How long a servant waits for the answer to one.
constexpr absl::Duration kServantPatience = absl::Milliseconds(100);

// Ready once nothing more will be heard of the call.
class OneWayCall final : public async::FutureState<void>,
                         public CallBinding,
                         public base::Recycled<OneWayCall> {
 public:
  // `owner` keeps `method`; null if that stays.
  OneWayCall(const MethodInfo& method, std::shared_ptr<const void> owner, rpc::Capability* target)
      : method_(method),
        owner_(std::move(owner)),
        target_(base::Ref<rpc::Capability>::Share(target)) {}

  void OnLeft() override {
    Complete(absl::OkStatus());
    Uncount();  // it may have waited to be sent
  }
  void OnFull() override { full_ = true; }
  void OnReturn(capnp::AnyPointer::Reader) override { End(absl::OkStatus()); }
  void OnError(const absl::Status& status) override {
    // What its caller has not been told by then, nobody tells him.
    if (sending_ && std::this_thread::get_id() == maker_ && !begun_) return End(status);
    NoteFailure(status);
    End(absl::OkStatus());
  }
  void OnLost(const absl::Status& status) override {
    const absl::Status lost(status.code(), absl::StrCat(method_.interface_name, ".", method_.name,
                                                        ": ", status.message()));
    if (!sending_) NoteFailure(lost);
    End(lost);
  }
  void OnSent(base::Ref<rpc::Connection> connection, rpc::QuestionId question) override {
    begun_ = true;
    CallBinding::OnSent(std::move(connection), question);
  }
  void OnStarted(base::Ref<rpc::IncomingCall> call) override {
    begun_ = true;
    CallBinding::OnStarted(std::move(call));
  }

  // What became of it when it was given to `send`; waits where it has to.
  template <class F>
  absl::Status Make(size_t weight, F&& send) {
    sending_ = true;
    send();
    sending_ = false;
    if (ready()) return Take();
    return AwaitRoom(weight);
  }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 protected:
  void StopWork() override { Stop(); }
  void RunUnattended() override { LeaveToRuntime(); }
  void WaitForWork(absl::Time until) override {
    until = std::min(until, deadline());
    Drive(*this, until);
    if (!ready()) ExpireIfDue(*this);
    if (!ready()) async::FutureCore::WaitForWork(until);
  }

 private:
  // The call is to be answered.
  absl::Status AwaitRoom(size_t weight) {
    const size_t unanswered =
        target_->unanswered().fetch_add(weight, std::memory_order_relaxed) + weight;
    weight_.exchange(weight, std::memory_order_acq_rel);
    if (ready()) Uncount();  // answered meanwhile
    if (!full_ && unanswered <= kMostUnanswered) return absl::OkStatus();
    Future<void> answer(base::Ref<async::FutureState<void>>::Share(this));
    const async::ThreadContext& context = async::ThreadContext::Current();
    const bool serving = context.cancellation != nullptr || context.executor != nullptr;
    if (serving && !answer.WaitFor(kServantPatience)) {
      answer.Detach();
      LeaveToRuntime();
      return absl::OkStatus();
    }
    return answer.Get();
  }

  void End(const absl::Status& status) {
    Complete(ReasonOr(status));
    Uncount();
  }
  void Uncount() {
    if (const size_t weight = weight_.exchange(0, std::memory_order_acq_rel); weight > 0) {
      target_->unanswered().fetch_sub(weight, std::memory_order_relaxed);
    }
  }
  void NoteFailure(const absl::Status& status) const {
    static std::atomic<uint64_t> failures{0};
    const uint64_t number = failures.fetch_add(1, std::memory_order_relaxed) + 1;
    if (!std::has_single_bit(number)) return;
    DROVER_LOG(kWarning) << "one-way call " << method_.interface_name << "." << method_.name
                         << " failed (so far " << number << " of this process): " << status;
  }

  const MethodInfo& method_;
  const std::shared_ptr<const void> owner_;
  const base::Ref<rpc::Capability> target_;
  const std::thread::id maker_ = std::this_thread::get_id();
  std::atomic<bool> sending_{false};
  std::atomic<bool> begun_{false};
  std::atomic<bool> full_{false};
  std::atomic<size_t> weight_{0};
};

// The error of one that refers to what is known to be broken.
absl::Status CheckBroken(const base::Ref<rpc::Capability>& target) {
  const base::Ref<rpc::Capability> at = rpc::PromiseCapability::Follow(target);
  return at->kind() == rpc::Capability::Kind::kBroken ? rpc::ErrorOf(*at) : absl::OkStatus();
}

}  // namespace

absl::Status ClientCall::SendOneWay(std::shared_ptr<const void> owner) && {
  auto call = base::MakeRef<OneWayCall>(method_, std::move(owner), target_);
  call_.one_way = true;
  call_.not_pipelined = true;
  Tell(call.get());
  absl::Status status = Problem();
  if (status.ok()) status = CheckBroken(base::Ref<rpc::Capability>::Share(target_));
  if (status.ok()) {
    size_t weight = rpc::OneWay::Weight(0);
    if (!call_.plain()) {
      weight = rpc::OneWay::Weight(call_.message()->FrameBytes());
      call_.message()->builder();  // it will change, so what is known of the frame is void
    }
    status = call->Make(weight, [&] { target_->Send(std::move(call_), call); });
  }
  if (done_) done_->Run(status);
  return status;
}

}  // namespace drover::object

namespace drover {

absl::Status Sync(const Proxy& proxy) {
  static constexpr object::MethodInfo kSync = {.interface_id = protocol::OBJECT_INTERFACE_ID,
                                               .ordinal = 0,
                                               .interface_name = "Object",
                                               .name = "sync",
                                               .concurrent = false,
                                               .idempotent = false};
  object::ClientCall call(proxy, kSync);
  const absl::Status status = std::move(call).GetVoid();
  // An object that is not Drover's says so in its turn.
  return absl::IsUnimplemented(status) ? absl::OkStatus() : status;
}

}  // namespace drover

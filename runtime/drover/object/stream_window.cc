#include "drover/object/stream_window.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/steady_clock.h"
#include "drover/base/fork_generation.h"
#include "drover/base/status_macros.h"
#include "drover/object/call_binding.h"
#include "drover/object/stream.h"

namespace drover::object {
namespace {

// What it counts, as it is by now: its address is still to come.
size_t BytesOf(rpc::OutgoingCall& call) {
  const size_t bytes = call.message()->FrameBytes();
  call.message()->builder();  // it will change, so what is known of the frame is void
  return std::max(bytes, StreamWindow::kLeastCallBytes);
}

}  // namespace

// One streaming call, until its answer comes.
class StreamWindow::Call final : public base::RefCounted, public CallBinding {
 public:
  Call(base::Ref<StreamWindow> window, const MethodInfo& method, uint64_t number, Done done)
      : window_(std::move(window)), method_(method), number_(number), done_(std::move(done)) {}

  uint64_t number() const { return number_; }

  void OnReturn(capnp::AnyPointer::Reader) override { OnError(absl::OkStatus()); }
  void OnError(const absl::Status& status) override {
    if (done_) done_(status);
    window_->Answered(number_, status);
  }
  void OnLost(const absl::Status& status) override {
    OnError(absl::Status(status.code(), absl::StrCat(method_.interface_name, ".", method_.name,
                                                     ": ", status.message())));
  }
  using CallBinding::LeaveToRuntime;

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  const base::Ref<StreamWindow> window_;
  const MethodInfo& method_;
  const uint64_t number_;
  const Done done_;
};

void StreamWindow::Wakeups::Run() {
  for (Promise<void>& promise : promises) promise.Set(status);
}

StreamWindow::StreamWindow() : fork_generation_(base::ForkGeneration()) {}

StreamWindow* StreamWindow::Find(rpc::Capability& target) {
  return static_cast<StreamWindow*>(target.attached());
}

StreamWindow& StreamWindow::Of(rpc::Capability& target) {
  if (StreamWindow* window = Find(target)) return *window;
  return static_cast<StreamWindow&>(
      target.Attach(base::Ref<StreamWindow>::Adopt(new StreamWindow)));
}

absl::Status StreamWindow::CheckProcess() const {
  if (base::ForkGeneration() == fork_generation_) return absl::OkStatus();
  return absl::FailedPreconditionError("the stream belongs to the parent process");
}

absl::Status StreamWindow::Write(rpc::Capability& target, const MethodInfo& method,
                                 rpc::OutgoingCall call, Done done) {
  absl::Status status = CheckProcess();
  const size_t bytes = BytesOf(call);
  if (status.ok()) status = AwaitTurn(bytes);
  base::Ref<Call> handler;
  if (status.ok()) {
    base::MutexLock lock(&mu_);
    status = error_;  // came meanwhile
    if (status.ok()) {
      handler = AddCall(method, bytes, call, std::move(done));
    } else {
      in_flight_ -= bytes;
    }
  }
  if (handler) {
    target.Send(std::move(call), std::move(handler));
  } else if (done) {
    done(status);
  }
  return status;
}

absl::Status StreamWindow::AwaitTurn(size_t bytes) {
  Future<void> turn;
  std::list<Sender>::iterator self;
  {
    base::MutexLock lock(&mu_);
    if (!error_.ok()) return error_;
    if (senders_.empty() && Fits(bytes)) {
      in_flight_ += bytes;
      return absl::OkStatus();
    }
    estimate_.OnLimited();
    self = senders_.insert(senders_.end(), Sender{.bytes = bytes, .turn = {}});
    turn = self->turn.future();
  }
  LeaveToRuntime();
  absl::Status status = turn.Get();
  Wakeups wakeups;
  std::list<Sender> done;  // outlives the lock
  {
    base::MutexLock lock(&mu_);
    if (status.ok()) status = error_;
    if (!status.ok() && self->state == Sender::kGranted) in_flight_ -= bytes;
    done.splice(done.end(), senders_, self);
    if (!status.ok() && error_.ok()) Grant(wakeups);  // others wait behind this one
  }
  wakeups.Run();
  return status;
}

Future<void> StreamWindow::WriteAsync(rpc::Capability& target, const MethodInfo& method,
                                      rpc::OutgoingCall call, Done done) {
  absl::Status status = CheckProcess();
  const size_t bytes = BytesOf(call);
  base::Ref<Call> handler;
  if (status.ok()) {
    base::MutexLock lock(&mu_);
    status = error_;
    if (status.ok()) {
      in_flight_ += bytes;
      handler = AddCall(method, bytes, call, std::move(done));
    }
  }
  if (!handler) {
    if (done) done(status);
    return status;
  }
  target.Send(std::move(call), std::move(handler));
  Future<void> room;
  {
    base::MutexLock lock(&mu_);
    if (!error_.ok()) return error_;
    if (Fits(bytes)) return absl::OkStatus();
    estimate_.OnLimited();
    room_waiters_.push_back({.bytes = bytes, .room = {}});
    room = room_waiters_.back().room.future();
  }
  LeaveToRuntime();
  return room;
}

base::Ref<StreamWindow::Call> StreamWindow::AddCall(const MethodInfo& method, size_t bytes,
                                                    rpc::OutgoingCall& call, Done done) {
  if (sent_.empty()) path_ = base::MakeRef<rpc::CallPath>();
  call.path = path_;
  const uint64_t number = answered_ + sent_.size();
  estimate_.OnSent(number, async::SteadyNanos(), sent_.empty());
  sent_.push_back({.bytes = bytes, .answered = false});
  return newest_ = base::MakeRef<Call>(base::Ref<StreamWindow>::Share(this), method, number,
                                       std::move(done));
}

void StreamWindow::Answered(uint64_t number, const absl::Status& status) {
  base::Ref<Call> newest;
  base::Ref<rpc::CallPath> path;
  Wakeups woken;
  Wakeups finished;
  {
    base::MutexLock lock(&mu_);
    Sent& call = sent_[number - answered_];
    in_flight_ -= call.bytes;
    call.answered = true;
    estimate_.OnAnswered(number, call.bytes, async::SteadyNanos());
    while (!sent_.empty() && sent_.front().answered) {
      sent_.pop_front();
      ++answered_;
    }
    if (sent_.empty()) path = std::move(path_);
    if (newest_ && newest_->number() == number) newest = std::move(newest_);
    if (error_.ok() && !status.ok()) error_ = status;
    if (error_.ok()) {
      Grant(woken);
    } else {
      Refuse(woken);
    }
    TellFinishers(finished);
  }
  woken.Run();
  finished.Run();
}

// Those that fit now, in their order.
void StreamWindow::Grant(Wakeups& wakeups) {
  for (Sender& sender : senders_) {
    if (sender.state != Sender::kWaiting) continue;
    if (!Fits(sender.bytes)) break;
    sender.state = Sender::kGranted;
    in_flight_ += sender.bytes;
    wakeups.promises.push_back(std::move(sender.turn));
  }
  for (auto it = room_waiters_.begin(); it != room_waiters_.end();) {
    auto waiter = it++;
    if (!Fits(waiter->bytes)) continue;
    wakeups.promises.push_back(std::move(waiter->room));
    room_waiters_.erase(waiter);
  }
}

void StreamWindow::Refuse(Wakeups& wakeups) {
  wakeups.status = error_;
  for (Sender& sender : senders_) {
    if (sender.state != Sender::kWaiting) continue;
    sender.state = Sender::kRefused;
    wakeups.promises.push_back(std::move(sender.turn));
  }
  for (RoomWaiter& waiter : room_waiters_) wakeups.promises.push_back(std::move(waiter.room));
  room_waiters_.clear();
}

void StreamWindow::TellFinishers(Wakeups& wakeups) {
  for (auto it = finishers_.begin(); it != finishers_.end();) {
    auto finisher = it++;
    if (finisher->calls > answered_) continue;
    wakeups.promises.push_back(std::move(finisher->done));
    finishers_.erase(finisher);
  }
  if (!wakeups.promises.empty()) wakeups.status = std::exchange(error_, absl::OkStatus());
}

Future<void> StreamWindow::Finish() {
  DROVER_RETURN_IF_ERROR(CheckProcess());
  Future<void> done;
  {
    base::MutexLock lock(&mu_);
    if (sent_.empty()) return std::exchange(error_, absl::OkStatus());
    finishers_.push_back({.calls = answered_ + sent_.size(), .done = {}});
    done = finishers_.back().done.future();
  }
  LeaveToRuntime();
  return done;
}

void StreamWindow::LeaveToRuntime() {
  base::Ref<Call> newest;
  {
    base::MutexLock lock(&mu_);
    newest = newest_;
  }
  if (newest) newest->LeaveToRuntime();
}

size_t StreamWindow::bytes_in_flight() const {
  base::MutexLock lock(&mu_);
  return in_flight_;
}

size_t StreamWindow::window() const {
  base::MutexLock lock(&mu_);
  return estimate_.bytes();
}

}  // namespace drover::object

namespace drover {

Future<void> FinishStreamAsync(const Proxy& proxy) {
  if (!proxy) {
    return absl::FailedPreconditionError("FinishStream of a proxy that refers to no object");
  }
  object::StreamWindow* window = object::StreamWindow::Find(*proxy.capability());
  return window != nullptr ? window->Finish() : Future<void>(absl::OkStatus());
}

absl::Status FinishStream(const Proxy& proxy) { return FinishStreamAsync(proxy).Get(); }

}  // namespace drover

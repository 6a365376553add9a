// What generated code is made of: the two sides of a call, and capabilities inside messages.
//
// Included by generated .cc files only, since it brings Cap'n Proto's headers with it; not meant to
// be used by hand.
#ifndef DROVER_OBJECT_GENERATED_H_
#define DROVER_OBJECT_GENERATED_H_

#include <capnp/any.h>
#include <capnp/schema.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "drover/async/future.h"
#include "drover/base/recycled.h"
#include "drover/object/call_binding.h"
#include "drover/object/fields_internal.h"
#include "drover/object/interception.h"
#include "drover/object/interface_info.h"
#include "drover/object/pipeline.h"
#include "drover/object/promised_capabilities.h"
#include "drover/object/proxy.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/wire/plain_struct.h"

namespace drover::object {

// The proxy at a pointer of a message; null for a null pointer.
template <class P>
P GetProxy(capnp::AnyPointer::Reader pointer) {
  return P(Proxy::FromCapability(rpc::GetCapability(pointer)));
}
inline void SetProxy(capnp::AnyPointer::Builder pointer, const Proxy& proxy) {
  rpc::SetCapability(pointer, proxy.capability());
}

// The encoded nodes of a compiled schema and of all that it depends on.
std::vector<std::string> SchemaNodes(const capnp::_::RawSchema& schema);
// InterfaceInfo::schema_nodes of an interface, by the class that Cap'n Proto generates for it.
template <class T>
std::vector<std::string> SchemaNodesOf() {
  return SchemaNodes(capnp::_::rawSchema<T>());
}

using wire::PlainStruct;

template <class T>
using DecodeFunction = T (*)(capnp::AnyPointer::Reader);

// The future of a call. T is void for a method without results. The state owns what decodes them,
// and with it, if that is what it holds, the MethodInfo.
template <class T, class Decode = DecodeFunction<T>>
class CallState : public async::FutureState<T>,
                  public CallBinding,
                  public base::Recycled<CallState<T, Decode>> {
 public:
  CallState(const MethodInfo& method, Decode decode)
      : method_(method), decode_(std::move(decode)) {}

  void OnReturn(capnp::AnyPointer::Reader results) override {
    if constexpr (std::is_void_v<T>) {
      StopTimer();
      EndRetries(/*answered=*/true);
      NoteAnswer();
      this->Complete(absl::OkStatus());
    } else {
      CompleteWith([&] { return decode_(results); });
    }
  }
  void OnError(const absl::Status& status) override {
    StopTimer();
    EndRetries(/*answered=*/true);
    this->Complete(this->ReasonOr(status));
  }
  void OnLost(const absl::Status& status) override {
    if (!Retry()) OnUnreachable(status);
  }
  void OnUnreachable(const absl::Status& status) override {
    StopTimer();
    EndRetries(/*answered=*/false);
    this->Complete(absl::Status(status.code(), absl::StrCat(method_.interface_name, ".",
                                                            method_.name, ": ", status.message())));
  }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { async::FutureCore::Unref(); }

  const MethodInfo& method() const { return method_; }

 protected:
  // The answer is here; `read` gives the value, or throws what CatchCodecErrors catches.
  template <class F>
  void CompleteWith(F&& read) {
    StopTimer();
    EndRetries(/*answered=*/true);
    std::optional<T> value;
    const absl::Status status = CatchCodecErrors([&] { value.emplace(read()); });
    if (!status.ok()) return OnError(status);
    NoteAnswer();
    this->Complete(*std::move(value));
  }
  void StopWork() override {
    StopTimer();
    Stop();
  }
  void RunUnattended() override { LeaveToRuntime(); }
  void WaitForWork(absl::Time until) override {
    until = std::min(until, deadline());
    Drive(*this, until);
    if (!this->ready()) ExpireIfDue(*this);
    if (!this->ready()) async::FutureCore::WaitForWork(until);
  }

 private:
  const MethodInfo& method_;
  const Decode decode_;
};

// That of a call with objects in its results.
template <class T, class Decode = DecodeFunction<T>>
class PipelinedCallState final : public CallState<T, Decode>, public PipelineSource {
 public:
  using CallState<T, Decode>::CallState;

  base::Ref<rpc::Capability> CapabilityAt(const std::vector<uint16_t>& path) override {
    auto self = base::Ref<async::FutureCore>::Share(this);
    if (auto promise = this->PipelineOnWire(path, base::MakeRef<WorkHold>(self))) return promise;
    return promised_.At(path, self, nullptr);
  }
  PipelinePlace Begin() override {
    const int16_t slot = this->method().result_slot;
    SettleWhenReady(*this, promised_, slot, nullptr);
    std::vector<uint16_t> path;
    if (slot >= 0) path.push_back(static_cast<uint16_t>(slot));
    auto self = base::Ref<PipelinedCallState>::Share(this);
    return PipelinePlace(self, std::move(path), base::MakeRef<WorkHold>(self));
  }

  void set_hooks(base::Ref<rpc::CallHooks> hooks) { promised_.hooks = std::move(hooks); }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { async::FutureCore::Unref(); }

 private:
  PromisedCapabilities promised_;
};

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// The caller's side: params are filled in, then the call is made.
class ClientCall {
 public:
  // The target stays until the call has been made; or see Keep.
  ClientCall(const Proxy& target, const MethodInfo& method, uint64_t size_hint_words = 0)
      : target_(target.capability().get()),
        options_(target.options().get()),
        method_(method),
        call_(method.interface_id, method.ordinal, size_hint_words) {}

  // Keeps the target itself.
  void Keep(const Proxy& target) { kept_ = target; }

  // Calls fill(Params::Builder).
  template <class Params, class F>
  void Fill(F&& fill) {
    FillPointer([&](capnp::AnyPointer::Builder params) { fill(params.initAs<Params>()); });
  }
  // For params without pointers: calls fill(PlainStruct&), of so many words.
  template <size_t kWords, class F>
  void FillPlain(F&& fill) {
    PlainStruct params = PlainStruct::OfWords<kWords>();
    fill(params);
    call_.set_plain_params(params);
  }
  // Calls fill(capnp::AnyPointer::Builder).
  template <class F>
  void FillPointer(F&& fill) {
    error_ = CatchCodecErrors([&] { fill(Params()); });
  }
  // For data among the params (wire::OutMessage::Refer).
  wire::OutMessage& message() { return *call_.message(); }

  template <class T>
  Future<T> Start(DecodeFunction<T> decode) && {
    return std::move(*this).template StartWith<T>(decode);
  }
  Future<void> StartVoid() && {
    return std::move(*this).Start<void>(static_cast<DecodeFunction<void>>(nullptr));
  }
  template <class T>
  ResultOf<T> Get(DecodeFunction<T> decode) && {
    return std::move(*this).template GetWith<T>(decode);
  }
  absl::Status GetVoid() && {
    return std::move(*this).Get<void>(static_cast<DecodeFunction<void>>(nullptr));
  }
  // With something that can be called as a DecodeFunction can.
  template <class T, class Decode>
  Future<T> StartWith(Decode decode) && {
    return Started(Begin<T>(std::move(decode), /*with_timer=*/true));
  }
  template <class T, class Decode>
  ResultOf<T> GetWith(Decode decode) && {
    call_.set_awaited();
    return Got(Begin<T>(std::move(decode), /*with_timer=*/false));
  }
  // With a future's state of the caller's own, a CallState<T>. The call is not sent again.
  template <class T, class State>
  Future<T> StartIn() && {
    return Started(BeginIn<T>(base::MakeRef<State>(method_), /*with_timer=*/true));
  }
  template <class T, class State>
  ResultOf<T> GetIn() && {
    return Got(BeginIn<T>(base::MakeRef<State>(method_), /*with_timer=*/false));
  }
  // As a one-way call (one_way.h). `owner`, unless null, keeps the MethodInfo.
  absl::Status SendOneWay(std::shared_ptr<const void> owner = nullptr) &&;
  // Of a streaming method (stream.h).
  absl::Status Stream() &&;
  Future<void> StartStream() &&;

 private:
  template <class T, class Decode>
  Future<T> Begin(Decode decode, bool with_timer) {
    using State =
        std::conditional_t<Pipelined<T>, PipelinedCallState<T, Decode>, CallState<T, Decode>>;
    auto state = base::MakeRef<State>(method_, std::move(decode));
    return BeginIn<T>(std::move(state), with_timer, [this](State& told) {
      if (call_.awaited()) told.SetAwaited();
      if constexpr (Pipelined<T>) {
        if (hooks_) told.set_hooks(hooks_);
      }
      if (!method_.idempotent) return;
      absl::Status kept = CatchCodecErrors([&] { told.KeepForRetry(target_, call_); });
      if (error_.ok()) error_ = std::move(kept);
    });
  }

  // Calls `prepare` with the state just before the call leaves. A thread that waits for the answer
  // sees itself when a deadline passes.
  template <class T, class State, class F = void (*)(State&)>
  Future<T> BeginIn(
      base::Ref<State> state, bool with_timer, F prepare = [](State&) {}) {
    State& told = *state;
    Future<T> future(std::move(state));
    call_.not_pipelined = !std::is_base_of_v<PipelineSource, State>;
    Tell(&told);
    prepare(told);
    Send(base::Ref<rpc::ReturnHandler>::Share(&told));
    if (with_timer && told.deadline() != absl::InfiniteFuture()) told.StartTimer(future.state());
    return future;
  }

  // To the future's side, with what interceptors wanted done.
  template <class T>
  Future<T> Started(Future<T> future) {
    if (done_) RunDoneAfter(future.state());
    return future;
  }
  template <class T>
  ResultOf<T> Got(Future<T> future) {
    ResultOf<T> result = future.Get();
    if (done_) done_->Run(StatusOf(result));
    return result;
  }

  // What interceptors wanted done, once the future is complete.
  template <class T>
  void RunDoneAfter(const base::Ref<async::FutureState<T>>& state) {
    std::shared_ptr<DoneList> done = std::move(done_);
    if (state->BeforeReady([done, s = state.get()] { RunDoneOnPool(done, StatusOf(s->Peek())); })) {
      return;
    }
    state->AwaitCompletion();
    RunDoneOnPool(done, StatusOf(state->Peek()));
  }
  static void RunDoneOnPool(std::shared_ptr<DoneList> done, absl::Status status);

  // Where the call is built.
  capnp::AnyPointer::Builder Params();
  // Asks the interceptors; says what travels with the call. `binding`, unless null, gets the
  // deadline.
  void Tell(CallBinding* binding);
  void TellMore(CallBinding* binding, rpc::CallHooks* hooks);
  void Intercept(CallOptions& options);
  std::function<void(const absl::Status&)> TakeDone();
  // Why the call cannot be made, if it cannot.
  absl::Status Problem() const;
  void Send(base::Ref<rpc::ReturnHandler> handler);

  rpc::Capability* const target_;     // null: there is none
  const CallOptions* const options_;  // null: the defaults
  Proxy kept_;                        // unless its owner keeps both
  const MethodInfo& method_;
  rpc::OutgoingCall call_;
  absl::Status error_;
  base::Ref<ClientHooks> hooks_;    // null: no interceptors
  std::unique_ptr<DoneList> done_;  // null: they want nothing done in the end
};

template <class T>
using EncodeFunction = void (*)(const T&, capnp::AnyPointer::Builder);
// Of results without pointers.
template <class T>
using PlainEncodeFunction = PlainStruct (*)(const T&);

// The servant's side: params are read, then the call is answered.
class ServerCall {
 public:
  explicit ServerCall(rpc::IncomingCall& call) : call_(call) {}

  uint64_t interface_id() const { return call_.interface_id(); }
  uint16_t method_id() const { return call_.method_id(); }
  capnp::AnyPointer::Reader params() const { return call_.params(); }
  rpc::IncomingCall& incoming() const { return call_; }

  template <class T>
  void Reply(const absl::StatusOr<T>& result, EncodeFunction<T> encode) {
    ReplyTo(call_, result, encode);
  }
  template <class T>
  void Reply(const absl::StatusOr<T>& result, PlainEncodeFunction<T> encode) {
    ReplyTo(call_, result, encode);
  }
  void ReplyVoid(const absl::Status& status) { ReplyTo(call_, status); }

  template <class T>
  void ReplyWhenReady(Future<T> result, EncodeFunction<T> encode) {
    WhenReady(std::move(result), [encode](rpc::IncomingCall& call, absl::StatusOr<T> value) {
      ReplyTo(call, value, encode);
    });
  }
  template <class T>
  void ReplyWhenReady(Future<T> result, PlainEncodeFunction<T> encode) {
    WhenReady(std::move(result), [encode](rpc::IncomingCall& call, absl::StatusOr<T> value) {
      ReplyTo(call, value, encode);
    });
  }
  void ReplyVoidWhenReady(Future<void> done) {
    WhenReady(std::move(done),
              [](rpc::IncomingCall& call, absl::Status status) { ReplyTo(call, status); });
  }
  // The method does not exist.
  void Unimplemented();

 private:
  static void ReplyTo(rpc::IncomingCall& call, const absl::Status& status);

  template <class T>
  static void ReplyTo(rpc::IncomingCall& call, const absl::StatusOr<T>& result,
                      PlainEncodeFunction<T> encode) {
    if (!result.ok()) return call.ReturnError(result.status());
    call.ReturnPlain(encode(*result));
  }
  template <class T>
  static void ReplyTo(rpc::IncomingCall& call, const absl::StatusOr<T>& result,
                      EncodeFunction<T> encode) {
    if (!result.ok()) return call.ReturnError(result.status());
    const absl::Status encoded = CatchCodecErrors([&] { encode(*result, call.results()); });
    if (!encoded.ok()) return call.ReturnError(encoded);
    call.ReturnResults();
  }

  // Answers with what `reply` makes of the result; cancelling the call cancels the future.
  template <class T, class F>
  void WhenReady(Future<T> future, F reply) {
    auto call = base::Ref<rpc::IncomingCall>::Share(&call_);
    auto state = future.state();
    const uint64_t hook = state ? call->AddHook([state] { state->Cancel(); }) : 0;
    std::move(future)
        .Then([call, hook, reply](ResultOf<T> result) {
          call->RemoveHook(hook);
          reply(*call, std::move(result));
        })
        .Detach();
  }

  rpc::IncomingCall& call_;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_GENERATED_H_

// Generated code's side of a call, without a network: the message is built, dispatched and decoded
// by the caller. Capabilities are numbers of entries in a table that exists while a call is made.
#ifndef DROVER_OBJECT_GENERATED_H_
#define DROVER_OBJECT_GENERATED_H_

#include <capnp/any.h>
#include <capnp/message.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/async/future.h"
#include "drover/object/fields_internal.h"
#include "drover/object/interface_info.h"
#include "drover/object/proxy.h"

namespace drover::object {

inline thread_local std::vector<Proxy>* capabilities = nullptr;

inline void SetProxy(capnp::AnyPointer::Builder pointer, const Proxy& proxy) {
  if (!proxy) return;
  if (capabilities == nullptr) {
    throw CodecError(absl::FailedPreconditionError("a proxy can be encoded only in a call"));
  }
  pointer.initAs<capnp::Data>(1)[0] = static_cast<capnp::byte>(capabilities->size());
  capabilities->push_back(proxy);
}

template <class P>
P GetProxy(capnp::AnyPointer::Reader pointer) {
  if (pointer.isNull() || capabilities == nullptr) return P();
  auto number = pointer.getAs<capnp::Data>();
  return number.size() == 1 ? P(capabilities->at(number[0])) : P();
}

class ServerCall {
 public:
  ServerCall(uint64_t interface_id, uint16_t method_id, capnp::AnyPointer::Reader params,
             capnp::AnyPointer::Builder results)
      : interface_id_(interface_id), method_id_(method_id), params_(params), results_(results) {}

  uint64_t interface_id() const { return interface_id_; }
  uint16_t method_id() const { return method_id_; }
  capnp::AnyPointer::Reader params() const { return params_; }
  template <class T>
  void Reply(const absl::StatusOr<T>& result,
             void (*encode)(const T&, capnp::AnyPointer::Builder)) {
    status_ = result.status();
    if (result.ok()) encode(*result, results_);
  }
  void ReplyVoid(const absl::Status& status) { status_ = status; }
  template <class T>
  void ReplyWhenReady(Future<T> result, void (*encode)(const T&, capnp::AnyPointer::Builder)) {
    Reply(std::move(result).Get(), encode);
  }
  void ReplyVoidWhenReady(Future<void> done) { ReplyVoid(std::move(done).Get()); }
  void Unimplemented() { status_ = absl::UnimplementedError("no such method"); }

  const absl::Status& status() const { return status_; }

 private:
  uint64_t interface_id_;
  uint16_t method_id_;
  capnp::AnyPointer::Reader params_;
  capnp::AnyPointer::Builder results_;
  absl::Status status_ = absl::InternalError("no reply");
};

class ClientCall {
 public:
  ClientCall(const Proxy& target, const MethodInfo& method, uint64_t /*size_hint_words*/ = 0)
      : target_(target), method_(method) {}

  template <class Params, class F>
  void Fill(F&& fill) {
    Scope scope(this);
    status_ = CatchCodecErrors(
        [&] { fill(params_.template getRoot<capnp::AnyPointer>().template initAs<Params>()); });
  }
  template <class T>
  absl::StatusOr<T> Get(T (*decode)(capnp::AnyPointer::Reader)) && {
    Scope scope(this);
    Run();
    if (!status_.ok()) return status_;
    absl::StatusOr<T> value(T{});
    status_ = CatchCodecErrors(
        [&] { *value = decode(results_.getRoot<capnp::AnyPointer>().asReader()); });
    if (!status_.ok()) return status_;
    return value;
  }
  template <class T>
  Future<T> Start(T (*decode)(capnp::AnyPointer::Reader)) && {
    return Future<T>(std::move(*this).Get(decode));
  }
  absl::Status GetVoid() && {
    Scope scope(this);
    Run();
    return status_;
  }
  Future<void> StartVoid() && { return Future<void>(std::move(*this).GetVoid()); }

 private:
  struct Scope {
    explicit Scope(ClientCall* call) : outer(std::exchange(capabilities, &call->capabilities_)) {}
    ~Scope() { capabilities = outer; }
    std::vector<Proxy>* outer;
  };

  void Run() {
    if (!status_.ok()) return;
    if (!target_) {
      status_ = absl::FailedPreconditionError("null proxy");
      return;
    }
    ServerCall call(method_.interface_id, method_.ordinal,
                    params_.getRoot<capnp::AnyPointer>().asReader(),
                    results_.getRoot<capnp::AnyPointer>());
    absl::Status thrown = CatchCodecErrors([&] { target_.servant_for_test()->Dispatch(call); });
    status_ = thrown.ok() ? call.status() : thrown;
  }

  Proxy target_;
  MethodInfo method_;
  capnp::MallocMessageBuilder params_;
  capnp::MallocMessageBuilder results_;
  std::vector<Proxy> capabilities_;
  absl::Status status_;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_GENERATED_H_

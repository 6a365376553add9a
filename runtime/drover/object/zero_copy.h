// The zero-copy forms of methods, for large messages: params and results as Cap'n Proto's builders
// and readers, built in the message that is sent and read in the frame that was received. Of each
// x/race.capnp there is a header x/race.drover_zero_copy.h with a servant and a proxy of that form
// for each interface; they include Cap'n Proto's headers, which nothing else of Drover's does. Wire
// and peers are the same: either form of one side talks to either form of the other.
//
//   class Store final : public kitchen::CookZeroCopyServant {
//     absl::Status EchoZeroCopy(EchoContext& call) override {
//       capnp::Data::Reader data = call.params().getData();      // where it was received
//       call.results().setData(data);                            // where it is sent from
//       return absl::OkStatus();
//     }
//     absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }  // values
//   };
//
//   auto call = kitchen::CookZeroCopyProxy(cook).Echo(size);     // a hint: about so many bytes
//   file.read(call.params().initData(size));
//   auto reply = call.Send();               // absl::StatusOr<drover::ZeroCopyReply<...>>
//   if (!reply.ok()) return reply.status();
//   consume(reply->results().getData());    // in the frame, as long as `reply` is there
//
// Objects in messages: an accessor of Cap'n Proto's gives a `Listener::Client`, which here is but a
// token. ProxyOf makes a proxy of it, ClientOf makes one of a proxy, for setters:
//
//   kitchen::ListenerProxy listener = drover::ProxyOf(call.params().getListener());
//   call.results().setListener(drover::ClientOf(listener));
//
// Calls on such a client are refused. Proxies may be kept; clients go with the message.
//
// Params are checked before a servant's method runs, results before Send gives them, so that
// accessors of the schema's own fields throw nothing, whatever the peer sent, and may be used as
// often as one likes. (Of a union only the alternative that is set may be read: `which()`.)
// Building is Cap'n Proto's own, and throws kj::Exception for a list longer than messages allow: in
// a servant that becomes the call's error, InvalidArgument; in a client it reaches who builds.
//
// All else is as in the value form: options of the proxy (With), deadlines, cancellation,
// interceptors and statistics, CallContext, the servant's order, limits of messages. But a call in
// this form is never sent again after its connection was lost, also if its method is
// $Drover.idempotent, since its params are kept nowhere; and its future has no Pipeline().
//
// Data need not be copied into a message: it may be sent from where it lies, at the client and from
// among a servant's params, if it is 16 KiB at least, and whole words of memory aligned to them;
// else Share copies after all.
//
//   call.params().adoptData(call.Share(data));     // a drover::SharedData, as it is now
//   call.results().adoptData(call.Share(call.params().getData()));
//
// What is still copied: small messages (less than 16 KiB), when they are sent; results that hold
// objects, and whatever carries descriptors, when they are sent; calls that are passed on, through
// a revocable or leased reference or to an object that is another peer's. Sockets copy to and from
// the kernel, and memory for a frame grows as it arrives.
//
// Thread-safety: calls, contexts and replies are thread-compatible. Ownership: builders and readers
// point into the call, context or reply that gave them. A reply keeps the block of memory that its
// frame was received in, 72 KiB at least. Within a fleet, over shared memory, a message of 16 KiB
// and more is built where the other side reads it, and Share copies to there: a reply then keeps a
// part of the 16 MiB that its connection has for such messages. A child of fork() has that memory
// in common with its parent, and must not use calls and replies from before. Errors: as generated
// proxies give, and of Send:
//   InvalidArgument     The results are malformed, or of another type.
//   ResourceExhausted   The message is larger than the connection's limit.
//   FailedPrecondition  The call was sent before.
// Blocking: Send blocks, safely from a servant; nothing else does, but for SendAsync, as connect.h
// says of futures' calls.
#ifndef DROVER_OBJECT_ZERO_COPY_H_
#define DROVER_OBJECT_ZERO_COPY_H_

#include <capnp/any.h>
#include <capnp/capability.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/async/future.h"
#include "drover/object/generated.h"
#include "drover/object/interface_info.h"
#include "drover/object/message_shape_internal.h"
#include "drover/object/proxy.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/kept_results.h"
#include "drover/rpc/message_caps.h"

namespace drover {

// Data that is kept, unchanged, until the messages that share it are gone.
using SharedData = std::shared_ptr<const std::vector<uint8_t>>;

namespace object {

// Specialised by generated code: Cap'n Proto's class of an interface, and Drover's proxy.
template <class Interface>
struct ProxyOfInterface;
template <class P>
struct InterfaceOfProxy;

// Null is no bytes.
inline std::span<const uint8_t> BytesOf(const SharedData& data) {
  return data ? std::span<const uint8_t>(*data) : std::span<const uint8_t>();
}

inline uint64_t WordsForBytes(size_t bytes) { return bytes / sizeof(capnp::word) + 1; }

}  // namespace object

// The object that a client stands for, which an accessor of a message gave; null for a null one. A
// client of KJ's own runtime is none: calls give InvalidArgument.
template <class Client>
typename object::ProxyOfInterface<typename Client::Calls>::Proxy ProxyOf(const Client& client) {
  using P = typename object::ProxyOfInterface<typename Client::Calls>::Proxy;
  // Clients copy from what is not const alone, as KJ's do; copying changes nothing in one.
  return P(Proxy::FromCapability(rpc::CapabilityOf(const_cast<Client&>(client))));
}

// What stands for the object in a setter of a message.
template <class P>
typename object::InterfaceOfProxy<P>::Interface::Client ClientOf(const P& proxy) {
  using Client = typename object::InterfaceOfProxy<P>::Interface::Client;
  if (!proxy) return Client(nullptr);
  return Client(rpc::HookOf(proxy.capability()));
}

// The results of a call, where they were received. Move-only.
template <class Results>
class ZeroCopyReply {
 public:
  typename Results::Reader results() const { return results_; }

  // For the runtime. Throws what CatchCodecErrors catches.
  static ZeroCopyReply Read(std::unique_ptr<rpc::KeptResults> kept) {
    const absl::Status sound = object::MessageShape::Of<Results>().Check(kept->content());
    if (!sound.ok()) throw object::CodecError(sound);
    kept->LiftTraversalLimit();
    return ZeroCopyReply(std::move(kept));
  }

 private:
  explicit ZeroCopyReply(std::unique_ptr<rpc::KeptResults> kept)
      : kept_(std::move(kept)), results_(kept_->content().template getAs<Results>()) {}

  std::unique_ptr<rpc::KeptResults> kept_;
  typename Results::Reader results_;
};

namespace object {

// The future of a call whose results are read in place.
template <class Results>
class ZeroCopyCallState final : public CallState<ZeroCopyReply<Results>> {
 public:
  explicit ZeroCopyCallState(const MethodInfo& method)
      : CallState<ZeroCopyReply<Results>>(method, nullptr) {}

  bool KeepsResults() const override { return true; }
  void OnKeptReturn(std::unique_ptr<rpc::KeptResults> results) override {
    this->CompleteWith([&] { return ZeroCopyReply<Results>::Read(std::move(results)); });
  }
};

// Params being built; the base of calls.
template <class Params>
class ZeroCopyParams {
 public:
  ZeroCopyParams(const Proxy& target, const MethodInfo& method, size_t size_hint_bytes)
      : call_(std::make_unique<ClientCall>(target, method, WordsForBytes(size_hint_bytes))) {
    call_->Keep(target);
    call_->Fill<Params>([&](typename Params::Builder params) { params_ = params; });
  }

  // Until the call is sent.
  typename Params::Builder params() { return params_; }
  // Data to be adopted into params(), sent from where it lies.
  capnp::Orphan<capnp::Data> Share(SharedData data) {
    return call_->message().Refer(object::BytesOf(data), data);
  }

 protected:
  // Null if it has been taken.
  std::unique_ptr<ClientCall> TakeCall() { return std::move(call_); }
  static absl::Status AlreadySent() {
    return absl::FailedPreconditionError("a zero-copy call was sent twice");
  }

 private:
  std::unique_ptr<ClientCall> call_;
  typename Params::Builder params_{nullptr};
};

}  // namespace object

// A call whose params are being built. Move-only; sent once, or dropped unsent.
template <class Params, class Results>
class ZeroCopyCall : public object::ZeroCopyParams<Params> {
 public:
  using Reply = ZeroCopyReply<Results>;
  using object::ZeroCopyParams<Params>::ZeroCopyParams;

  // Waits for the answer.
  absl::StatusOr<Reply> Send() {
    const std::unique_ptr<object::ClientCall> call = this->TakeCall();
    if (call == nullptr) return this->AlreadySent();
    return std::move(*call).template GetIn<Reply, object::ZeroCopyCallState<Results>>();
  }
  // Dropping the future cancels the call, as ever.
  Future<Reply> SendAsync() {
    const std::unique_ptr<object::ClientCall> call = this->TakeCall();
    if (call == nullptr) return this->AlreadySent();
    return std::move(*call).template StartIn<Reply, object::ZeroCopyCallState<Results>>();
  }
};

// The same of a streaming method: Send returns when there is room in the window, as stream.h says.
template <class Params>
class ZeroCopyStreamCall : public object::ZeroCopyParams<Params> {
 public:
  using object::ZeroCopyParams<Params>::ZeroCopyParams;

  absl::Status Send() {
    const std::unique_ptr<object::ClientCall> call = this->TakeCall();
    if (call == nullptr) return this->AlreadySent();
    return std::move(*call).Stream();
  }
  Future<void> SendAsync() {
    const std::unique_ptr<object::ClientCall> call = this->TakeCall();
    if (call == nullptr) return this->AlreadySent();
    return std::move(*call).StartStream();
  }
};

// A call of a streaming method that is being served. Readers are valid until the method returns.
template <class Params>
class ZeroCopyStreamContext {
 public:
  using ParamsType = Params;

  // For generated code, which has had the params checked.
  explicit ZeroCopyStreamContext(rpc::IncomingCall& call)
      : call_(call), params_(call.params().getAs<Params>()) {}
  ZeroCopyStreamContext(const ZeroCopyStreamContext&) = delete;
  ZeroCopyStreamContext& operator=(const ZeroCopyStreamContext&) = delete;

  typename Params::Reader params() const { return params_; }

  // The method's value form is to answer: `return call.UseValueForm();` That is what a method does
  // that is not overridden.
  absl::Status UseValueForm() {
    value_form_ = true;
    return absl::OkStatus();
  }
  bool uses_value_form() const { return value_form_; }

 protected:
  rpc::IncomingCall& call() { return call_; }

 private:
  rpc::IncomingCall& call_;
  const typename Params::Reader params_;
  bool value_form_ = false;
};

// The same of any other method. Builders, too, are valid until the method returns.
template <class Params, class Results>
class ZeroCopyContext : public ZeroCopyStreamContext<Params> {
 public:
  using ZeroCopyStreamContext<Params>::ZeroCopyStreamContext;

  // Data to be adopted into results(), sent from where it lies.
  capnp::Orphan<capnp::Data> Share(SharedData data) {
    results();
    return this->call().ReferInResults(object::BytesOf(data), data);
  }
  // The same of data among params(), or in a list or struct there; other data is copied,
  // and so is a small part of a large message, all of which it would keep.
  capnp::Orphan<capnp::Data> Share(capnp::Data::Reader data) {
    results();
    return this->call().ReferInResults({data.begin(), data.size()});
  }

  // The same whenever asked for; the first time with a hint of how many bytes they will take.
  // Defaults if never asked for; dropped if the method returns an error.
  typename Results::Builder results(size_t size_hint_bytes = 0) {
    if (std::exchange(begun_, true)) return this->call().results().template getAs<Results>();
    return this->call().results(object::WordsForBytes(size_hint_bytes)).template initAs<Results>();
  }

 private:
  bool begun_ = false;
};

namespace object {

// Has a method's zero-copy form serve the call. False: its value form is to. May throw what
// Servant::HandleCall catches.
template <class Context, class F>
bool ServeZeroCopy(ServerCall& server_call, F&& method) {
  rpc::IncomingCall& call = server_call.incoming();
  const absl::Status sound = MessageShape::Of<typename Context::ParamsType>().Check(call.params());
  if (!sound.ok()) {
    call.ReturnError(sound);
    return true;
  }
  call.LiftTraversalLimit();
  Context context(call);
  const absl::Status status = method(context);
  if (status.ok() && context.uses_value_form()) return false;
  server_call.ReplyVoid(status);
  return true;
}

}  // namespace object
}  // namespace drover

#endif  // DROVER_OBJECT_ZERO_COPY_H_

// A call to be made: its params, and what goes with them.
//
//   OutgoingCall call(interface_id, method_id);
//   call.params().initAs<...>()...;             // or call.set_plain_params(...)
//   capability->Send(std::move(call), handler);
//
// A Call message is built once somebody asks for a part of it. One with plain params may leave
// without (plain_frames.h).
//
// Thread-compatible; move-only. Builders obtained before a move must not be used after it.
#ifndef DROVER_RPC_OUTGOING_CALL_H_
#define DROVER_RPC_OUTGOING_CALL_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "drover/async/thread_context.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/call_metadata.h"
#include "drover/rpc/call_path.h"
#include "drover/rpc/message_caps.h"
#include "drover/wire/out_message.h"
#include "drover/wire/plain_struct.h"

namespace drover::rpc {

class IncomingCall;

class OutgoingCall {
 public:
  // `size_hint_words` is the size of the params, where they can be large.
  OutgoingCall(uint64_t interface_id, uint16_t method_id, size_t size_hint_words = 0)
      : interface_id_(interface_id), method_id_(method_id), size_hint_words_(size_hint_words) {}

  uint64_t interface_id() const { return interface_id_; }
  uint16_t method_id() const { return method_id_; }

  // Null until they are initialised.
  capnp::AnyPointer::Builder params() { return caps_.Imbue(payload().getContent()); }
  // Before that: where large params are to lie (Capability::arena).
  void BuildIn(base::Ref<transport::SharedArena> arena) {
    if (message_ == nullptr) Build(std::move(arena));
  }
  // In place of params(), and before anything below that is part of the message.
  void set_plain_params(const wire::PlainStruct& params) {
    if (!plain()) std::abort();  // it would be ignored
    plain_params_ = params;
  }
  // Whether no message has been built for it. If so, these are its params.
  bool plain() const { return message_ == nullptr; }
  const wire::PlainStruct& plain_params() const { return plain_params_; }

  protocol::Call::Builder call() { return Built().call_; }
  protocol::MessageTarget::Builder target() { return Built().target_; }
  protocol::Payload::Builder payload() { return Built().payload_; }
  wire::OutMessagePtr& message() { return Built().message_; }
  MessageCaps& caps() { return caps_; }

  // Null for none. Written when the call leaves, if the peer can read it.
  const CallMetadataPtr& metadata() const { return metadata_; }
  void set_metadata(CallMetadataPtr metadata) { metadata_ = std::move(metadata); }
  // A nonce for the hello of a connection, in place of the metadata; see hello.cc.
  uint64_t nonce = 0;
  // Nobody will call on what is in its results: the peer may let go of the answer as it gives it.
  bool not_pipelined = false;
  // The thread that makes it waits for its answer at once, and does nothing else before. It keeps
  // the handler until then.
  void set_awaited() { awaited_by_ = &async::ThreadContext::Current(); }
  // Whether that thread is this one.
  bool awaited() const { return awaited_by_ == &async::ThreadContext::Current(); }
  // Its maker wants no answer: it gets none where the peer takes such calls (one_way.h). Its
  // handler has to do with an answer all the same.
  bool one_way = false;
  // Whether it may wait for the next frame, a tick or a wait.
  bool can_wait = false;
  // It waited for the peer's answer to hello (hello.cc), and waits no more.
  bool held = false;
  // The call that this one is made in place of, which its handler keeps and answers; null for none.
  // It may be answered by a tail call instead (tail_call.h), which the handler only hears the end
  // of.
  IncomingCall* answers = nullptr;
  // Null for a call that goes wherever its capability leads at the time.
  base::Ref<CallPath> path;
  // Where it goes, if calls go to `current` now.
  base::Ref<Capability> TargetFrom(base::Ref<Capability> current) const {
    if (path) return path->From(std::move(current));
    return current;
  }

  // Another call with the same params. May throw kj::Exception.
  OutgoingCall Copy();

 private:
  OutgoingCall& Built() {
    if (message_ == nullptr) Build(nullptr);
    return *this;
  }
  void Build(base::Ref<transport::SharedArena> arena);

  uint64_t interface_id_;
  uint16_t method_id_;
  size_t size_hint_words_;
  wire::PlainStruct plain_params_;
  const async::ThreadContext* awaited_by_ = nullptr;

  wire::OutMessagePtr message_;
  protocol::Call::Builder call_{nullptr};  // inside message_, as the next two
  protocol::MessageTarget::Builder target_{nullptr};
  protocol::Payload::Builder payload_{nullptr};
  MessageCaps caps_;
  CallMetadataPtr metadata_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_OUTGOING_CALL_H_

// A Call message being built.
//
//   OutgoingCall call(interface_id, method_id);
//   call.params().initAs<...>()...;
//   capability->Send(std::move(call), handler);
//
// Thread-compatible; move-only. Builders obtained before a move must not be used after it.
#ifndef DROVER_RPC_OUTGOING_CALL_H_
#define DROVER_RPC_OUTGOING_CALL_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "drover/rpc.capnp.h"
#include "drover/rpc/call_metadata.h"
#include "drover/rpc/call_path.h"
#include "drover/rpc/message_caps.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

class IncomingCall;

class OutgoingCall {
 public:
  OutgoingCall(uint64_t interface_id, uint16_t method_id, size_t size_hint_words = 0)
      : message_(wire::OutMessage::New(size_hint_words)),
        call_(message_->builder().initRoot<protocol::Message>().initCall()),
        target_(call_.initTarget()),
        payload_(call_.initParams()) {
    // In this order, so that what comes before the params is always the same: see plain_frames.h.
    call_.setInterfaceId(interface_id);
    call_.setMethodId(method_id);
  }

  capnp::AnyPointer::Builder params() { return caps_.Imbue(payload_.getContent()); }
  protocol::Call::Builder call() { return call_; }
  protocol::MessageTarget::Builder target() { return target_; }
  protocol::Payload::Builder payload() { return payload_; }
  MessageCaps& caps() { return caps_; }
  wire::OutMessagePtr& message() { return message_; }

  // Null for none. Written when the call leaves, if the peer can read it.
  const CallMetadataPtr& metadata() const { return metadata_; }
  void set_metadata(CallMetadataPtr metadata) { metadata_ = std::move(metadata); }
  // A nonce for the hello of a connection, in place of the metadata; see hello.cc.
  uint64_t nonce = 0;
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
    return path ? path->From(std::move(current)) : current;
  }

  // Another call with the same params. May throw kj::Exception.
  OutgoingCall Copy() {
    OutgoingCall copy(call_.getInterfaceId(), call_.getMethodId(),
                      payload_.asReader().totalSize().wordCount);
    copy.params().set(caps_.Imbue(payload_.getContent().asReader()));
    copy.metadata_ = metadata_;
    copy.path = path;
    return copy;
  }

 private:
  wire::OutMessagePtr message_;
  protocol::Call::Builder call_;
  protocol::MessageTarget::Builder target_;
  protocol::Payload::Builder payload_;
  MessageCaps caps_;
  CallMetadataPtr metadata_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_OUTGOING_CALL_H_

#include "drover/rpc/outgoing_call.h"

#include <utility>

#include "drover/rpc/plain_frames.h"

namespace drover::rpc {

void OutgoingCall::Build(base::Ref<transport::SharedArena> arena) {
  message_ = wire::OutMessage::New(size_hint_words_, std::move(arena));
  call_ = message_->builder().initRoot<protocol::Message>().initCall();
  // In this order, so that what comes before the params is always the same: see plain_frames.h.
  target_ = call_.initTarget();
  payload_ = call_.initParams();
  call_.setInterfaceId(interface_id_);
  call_.setMethodId(method_id_);
  SetContent(payload_, plain_params_);
}

OutgoingCall OutgoingCall::Copy() {
  const size_t words = plain() ? 0 : payload_.asReader().totalSize().wordCount;
  OutgoingCall copy(interface_id_, method_id_, words);
  if (plain()) {
    copy.plain_params_ = plain_params_;
  } else {
    copy.params().set(caps_.Imbue(payload_.getContent().asReader()));
  }
  copy.metadata_ = metadata_;
  copy.path = path;
  copy.not_pipelined = not_pipelined;
  copy.one_way = one_way;
  return copy;
}

}  // namespace drover::rpc

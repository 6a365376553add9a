// The results of a call that stay where they are, for whoever reads them there: in the frame that
// was received, or, of a call within this process, in the message the servant built.
//
// Thread-compatible; may be dropped on any thread, without a connection's lock.
#ifndef DROVER_RPC_KEPT_RESULTS_H_
#define DROVER_RPC_KEPT_RESULTS_H_

#include <capnp/any.h>

#include <memory>

#include "drover/rpc/answer_table.h"
#include "drover/rpc/message_caps.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

class KeptResults {
 public:
  // Of a Return in a frame. May throw kj::Exception.
  static std::unique_ptr<KeptResults> Of(wire::Frame frame, MessageCaps caps);
  // Of a Return that was built here.
  static std::unique_ptr<KeptResults> Of(wire::OutMessagePtr message, MessageCaps caps);
  // Of an answer that others may read too.
  static std::unique_ptr<KeptResults> Of(std::shared_ptr<const AnswerResults> results);

  virtual ~KeptResults() = default;

  // May be read as often as any received message (wire::TraversalLimitWords), until the limit is
  // lifted. Valid as long as this is. May throw kj::Exception.
  virtual capnp::AnyPointer::Reader content() = 0;
  // For results that were found sound: from now on they may be read again and again. What content
  // gave before must not be used any more. May throw kj::Exception.
  virtual void LiftTraversalLimit() {}
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_KEPT_RESULTS_H_

// Bytes as a stream of frames. The first byte chooses the limit of a frame's size, the second how
// many bytes arrive at a time.
//
// Must hold: however the bytes are cut, the same frames come out, as they went in; their memory
// stays theirs; whatever is recognised without being parsed is what parsing finds.
#include <capnp/message.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "drover/rpc/message_caps.h"
#include "drover/rpc/plain_frames.h"
#include "drover/wire/frame_header.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/in_message.h"
#include "fuzz/check.h"
#include "fuzz/feed.h"

namespace drover {
namespace {

struct Cut {
  std::vector<std::span<const std::byte>> frames;
  absl::Status end;  // not OK: what follows the frames is refused
};

// The frames of `bytes`, found with all of them at hand.
Cut CutAtOnce(std::span<const std::byte> bytes, size_t limit) {
  Cut cut;
  for (;;) {
    auto header = wire::ParseFrameHeader(bytes, limit);
    if (!header.ok()) {
      cut.end = header.status();
      return cut;
    }
    if (!header->complete || header->total_bytes > bytes.size()) return cut;
    FUZZ_CHECK(header->total_bytes <= limit) << header->total_bytes;
    FUZZ_CHECK(header->segments >= 1 && header->segments <= wire::kMaxSegments);
    cut.frames.push_back(bytes.first(header->total_bytes));
    bytes = bytes.subspan(header->total_bytes);
  }
}

// What is read of a frame without a reader over the whole of it.
class Plain {
 public:
  explicit Plain(const wire::Frame& frame)
      : is_call_(frames_.ParseCall(frame, &call_)),
        is_return_(frames_.ParseReturn(frame, &return_)),
        is_finish_(frames_.ParseFinish(frame, &finish_)) {}

  bool any() const { return is_call_ || is_return_ || is_finish_; }

  void CheckAgainst(protocol::Message::Reader root) const {
    if (is_call_) CheckCall(root);
    if (is_return_) CheckReturn(root);
    if (is_finish_) {
      FUZZ_CHECK(root.isFinish());
      FUZZ_CHECK(root.getFinish().getQuestionId() == finish_.id.value());
      FUZZ_CHECK(root.getFinish().getReleaseResultCaps() == finish_.release_result_caps);
    }
  }

 private:
  void CheckCall(protocol::Message::Reader root) const {
    FUZZ_CHECK(root.isCall());
    const auto call = root.getCall();
    FUZZ_CHECK(call.getQuestionId() == call_.id.value());
    FUZZ_CHECK(call.getTarget().isImportedCap());
    FUZZ_CHECK(call.getTarget().getImportedCap() == call_.target.value());
    FUZZ_CHECK(call.getInterfaceId() == call_.interface_id);
    FUZZ_CHECK(call.getMethodId() == call_.method_id);
    FUZZ_CHECK(call.getNoPromisePipelining() == call_.not_pipelined);
    FUZZ_CHECK(call.getOneWay() == call_.one_way);
    FUZZ_CHECK(!call.getOnlyPromisePipeline() && !call.getAllowThirdPartyTailCall());
    FUZZ_CHECK(call.getSendResultsTo().isCaller() && !call.hasExtension());
    CheckContent(call.getParams(), call_.content);
    if (rpc::PlainContent copy; copy.Copy(call_.content_bytes)) {
      FUZZ_CHECK(copy.reader().getAs<capnp::AnyStruct>().getDataSection() ==
                 call.getParams().getContent().getAs<capnp::AnyStruct>().getDataSection());
    }
  }
  void CheckReturn(protocol::Message::Reader root) const {
    FUZZ_CHECK(root.isReturn());
    const auto ret = root.getReturn();
    FUZZ_CHECK(ret.getAnswerId() == return_.id.value());
    FUZZ_CHECK(ret.isResults() && !ret.getReleaseParamCaps());
    FUZZ_CHECK(ret.getNoFinishNeeded() == return_.no_finish_needed);
    CheckContent(ret.getResults(), return_.content);
  }
  static void CheckContent(protocol::Payload::Reader expected, capnp::AnyPointer::Reader content) {
    FUZZ_CHECK(!expected.hasCapTable());
    FUZZ_CHECK(content.isNull() == expected.getContent().isNull());
    const auto at = content.getAs<capnp::AnyStruct>();
    FUZZ_CHECK(at.getPointerSection().size() == 0);
    FUZZ_CHECK(at.getDataSection() ==
               expected.getContent().getAs<capnp::AnyStruct>().getDataSection());
  }

  const rpc::PlainFrames& frames_ = rpc::PlainFrames::Get();
  rpc::PlainCall call_;
  rpc::PlainReturn return_;
  rpc::PlainFinish finish_;
  const bool is_call_;
  const bool is_return_;
  const bool is_finish_;
};

// Reads a message as a connection does, and all that is in it.
void ReadMessage(const wire::Frame& frame) {
  const int kind = wire::PeekKind(frame);
  const Plain plain(frame);
  try {
    wire::InMessage in(frame);
    const protocol::Message::Reader root = in.root();
    FUZZ_CHECK(kind < 0 || kind == static_cast<int>(root.which())) << kind;
    plain.CheckAgainst(root);
    root.totalSize();
    capnp::MallocMessageBuilder copy;
    rpc::MessageCaps caps;
    caps.Imbue(copy.getRoot<capnp::AnyPointer>()).set(caps.Imbue(in.any_root()));
    kj::str(root);
  } catch (const kj::Exception&) {
    FUZZ_CHECK(!plain.any()) << "what was read in place cannot be read";
  }
}

void Run(size_t limit, size_t step, std::span<const std::byte> bytes) {
  const Cut expected = CutAtOnce(bytes, limit);
  std::vector<wire::Frame> frames;
  const absl::Status end = Feed(limit, step, bytes, /*arena=*/nullptr,
                                [&](wire::Frame frame) { frames.push_back(std::move(frame)); });
  FUZZ_CHECK(end.code() == expected.end.code()) << end << " but " << expected.end;
  FUZZ_CHECK(frames.size() == expected.frames.size()) << frames.size();
  for (size_t i = 0; i < frames.size(); ++i) {
    const std::span<const std::byte> frame(frames[i].bytes, frames[i].header.total_bytes);
    FUZZ_CHECK(std::ranges::equal(frame, expected.frames[i])) << "frame " << i << " has changed";
    ReadMessage(frames[i]);
  }
}

}  // namespace
}  // namespace drover

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t limit = size_t{64} << (data[0] % 14);
  const size_t step = 1 + size_t{data[1]} * data[1];
  drover::Run(limit, step, {reinterpret_cast<const std::byte*>(data) + 2, size - 2});
  return 0;
}

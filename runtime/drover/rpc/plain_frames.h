// The messages of a plain call, in the layout in which Drover writes them: written, recognised and
// read without Cap'n Proto's builders and readers. Any other layout is as good, and read in the
// general way.
//
//   PlainCall call;
//   if (PlainFrames::Get().ParseCall(frame, &call)) Use(call.content);
//
// A plain Call is addressed to an export and has neither capabilities, nor an extension, nor
// pointers in its params; a plain Return has such results. Their content is read in place, and is
// valid as long as the frame is.
//
// Thread-safe. Never blocks, never throws.
#ifndef DROVER_RPC_PLAIN_FRAMES_H_
#define DROVER_RPC_PLAIN_FRAMES_H_

#include <capnp/any.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "drover/rpc.capnp.h"
#include "drover/rpc/frame_layout.h"
#include "drover/rpc/ids.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/plain_struct.h"

namespace drover::rpc {

struct PlainCall {
  AnswerId id;
  ExportId target;
  uint64_t interface_id;
  uint16_t method_id;
  bool not_pipelined;  // its noPromisePipelining
  bool one_way;        // its oneWay
  capnp::AnyPointer::Reader content;
  std::span<const std::byte> content_bytes;  // the same, as it is encoded
};

struct PlainReturn {
  QuestionId id;
  bool no_finish_needed;
  capnp::AnyPointer::Reader content;
};

struct PlainFinish {
  AnswerId id;
  bool release_result_caps;
};

class PlainFrames {
 public:
  static const PlainFrames& Get();

  // False for any other frame; then nothing is said of what they have stored.
  bool ParseCall(const wire::Frame& frame, PlainCall* call) const;
  bool ParseReturn(const wire::Frame& frame, PlainReturn* ret) const;
  bool ParseFinish(const wire::Frame& frame, PlainFinish* finish) const;

  // The same messages to be sent: built once from the schema, then copied and patched. Give the
  // number of bytes.
  static constexpr size_t kFinishBytes = 40;
  static constexpr size_t kMostBytes = 8 * (15 + wire::PlainStruct::kMostWords);
  static size_t SizeOfCall(const wire::PlainStruct& params) {
    return FrameLayout<15>::kBytes + params.words().size_bytes();
  }
  static size_t SizeOfReturn(const wire::PlainStruct& results) {
    return FrameLayout<9>::kBytes + results.words().size_bytes();
  }
  size_t CopyCall(QuestionId id, ImportId target, uint64_t interface_id, uint16_t method_id,
                  bool not_pipelined, const wire::PlainStruct& params,
                  std::span<std::byte, kMostBytes> out) const;
  // The same as a one-way call.
  size_t CopyOneWay(ImportId target, uint64_t interface_id, uint16_t method_id,
                    const wire::PlainStruct& params, std::span<std::byte, kMostBytes> out) const;
  size_t CopyReturn(AnswerId id, bool no_finish_needed, const wire::PlainStruct& results,
                    std::span<std::byte, kMostBytes> out) const;
  void CopyFinish(QuestionId id, bool release_result_caps,
                  std::span<std::byte, kFinishBytes> out) const;

 private:
  PlainFrames();

  // Frame header, root pointer, Message (one word, one pointer), Call (3 + 4), MessageTarget
  // (1 + 1), Payload (0 + 2).
  FrameLayout<15> call_;
  size_t call_id_;
  size_t call_target_;
  size_t call_interface_;
  size_t call_method_;
  size_t call_hint_;
  std::byte not_pipelined_;  // what is there if it is given
  size_t call_one_way_;      // may be the same byte
  std::byte one_way_;
  size_t call_content_;
  // With Return (2 + 1), Payload (0 + 2).
  FrameLayout<9> return_;
  size_t return_id_;
  size_t return_hint_;
  std::byte no_finish_needed_;  // what is there if it is given
  size_t return_content_;
  // With Finish (1 + 0).
  const std::string finishes_[2];  // by release_result_caps
  FrameLayout<5> finish_;
  size_t finish_id_;
  size_t finish_release_;
  std::byte released_;  // what is there if they are released
};

// A copy of a content: it needs no frame. Those that Drover writes all fit.
class PlainContent {
 public:
  // False, and nothing is done, if it is too large.
  bool Copy(std::span<const std::byte> content);
  // Valid as long as this is, and stays where it is.
  capnp::AnyPointer::Reader reader() const;

 private:
  uint64_t words_[1 + wire::PlainStruct::kMostWords];  // a pointer, and what it leads to
};

// Puts the same content into a message that is being built.
void SetContent(protocol::Payload::Builder payload, const wire::PlainStruct& content);

}  // namespace drover::rpc

#endif  // DROVER_RPC_PLAIN_FRAMES_H_

#include "drover/rpc/finish_frames.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "drover/rpc.capnp.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {
namespace {

std::vector<std::byte> Build(uint32_t id, bool release_result_caps) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto finish = message->builder().initRoot<protocol::Message>().initFinish();
  finish.setQuestionId(id);
  finish.setReleaseResultCaps(release_result_caps);
  std::vector<std::byte> frame;
  message->AppendFrameTo(frame);
  return frame;
}

}  // namespace

FinishFrames::FinishFrames() : frames_{Build(0, false), Build(0, true)} {
  // Where the id is: where another id makes a difference.
  const std::vector<std::byte> other = Build(~0u, false);
  if (other.size() != kBytes) std::abort();  // the schema has changed: kBytes must follow
  while (other[id_offset_] == frames_[0][id_offset_]) ++id_offset_;
}

void FinishFrames::Copy(QuestionId id, bool release_result_caps,
                        std::span<std::byte, kBytes> out) const {
  std::memcpy(out.data(), frames_[release_result_caps ? 1 : 0].data(), kBytes);
  const uint32_t value = id.value();
  std::memcpy(out.data() + id_offset_, &value, sizeof(value));
}

}  // namespace drover::rpc

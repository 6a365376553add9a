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

const FinishFrames& FinishFrames::Get() {
  static const FinishFrames* frames =
      new FinishFrames;  // never destroyed: threads may outlive main
  return *frames;
}

FinishFrames::FinishFrames() : frames_{Build(0, false), Build(0, true)} {
  // Where the id is: where another id makes a difference.
  const std::vector<std::byte> other = Build(~0u, false);
  if (other.size() != kBytes || frames_[0].size() != kBytes)
    std::abort();  // the schema has changed: kBytes must follow
  while (other[id_offset_] == frames_[0][id_offset_]) ++id_offset_;
}

void FinishFrames::Copy(QuestionId id, bool release_result_caps,
                        std::span<std::byte, kBytes> out) const {
  std::memcpy(out.data(), frames_[release_result_caps ? 1 : 0].data(), kBytes);
  const uint32_t value = id.value();
  std::memcpy(out.data() + id_offset_, &value, sizeof(value));
}

bool FinishFrames::Parse(std::span<const std::byte> frame, QuestionId* id,
                         bool* release_result_caps) const {
  if (frame.size() != kBytes) return false;
  const size_t after_id = id_offset_ + sizeof(uint32_t);
  for (int release = 0; release < 2; ++release) {
    const std::byte* model = frames_[release].data();
    if (std::memcmp(frame.data(), model, id_offset_) != 0 ||
        std::memcmp(frame.data() + after_id, model + after_id, kBytes - after_id) != 0) {
      continue;
    }
    uint32_t value;
    std::memcpy(&value, frame.data() + id_offset_, sizeof(value));
    *id = QuestionId(value);
    *release_result_caps = release == 1;
    return true;
  }
  return false;
}

}  // namespace drover::rpc

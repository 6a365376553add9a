#include "drover/rpc/finish_frames.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "drover/rpc.capnp.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {
FinishFrames::Words FinishFrames::Build(uint32_t id, bool release_result_caps) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto finish = message->builder().initRoot<protocol::Message>().initFinish();
  finish.setQuestionId(id);
  finish.setReleaseResultCaps(release_result_caps);
  std::string frame;
  message->AppendFrameTo(frame);
  if (frame.size() != kBytes) std::abort();  // the schema has changed: kBytes must follow
  Words words;
  std::memcpy(words.data(), frame.data(), kBytes);
  return words;
}

const FinishFrames& FinishFrames::Get() {
  static const FinishFrames* frames =
      new FinishFrames;  // never destroyed: threads may outlive main
  return *frames;
}

FinishFrames::FinishFrames() : frames_{Build(0, false), Build(0, true)} {
  // Where the id is: where another id makes a difference.
  const Words other = Build(~0u, false);
  for (size_t i = 0; i < other.size(); ++i) id_mask_[i] = other[i] ^ frames_[0][i];
  const auto* bytes = reinterpret_cast<const std::byte*>(id_mask_.data());
  while (bytes[id_offset_] == std::byte{0}) ++id_offset_;
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
  Words words;
  std::memcpy(words.data(), frame.data(), kBytes);
  for (int release = 0; release < 2; ++release) {
    uint64_t difference = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      difference |= (words[i] ^ frames_[release][i]) & ~id_mask_[i];
    }
    if (difference != 0) continue;
    uint32_t value;
    std::memcpy(&value, frame.data() + id_offset_, sizeof(value));
    *id = QuestionId(value);
    *release_result_caps = release == 1;
    return true;
  }
  return false;
}

}  // namespace drover::rpc

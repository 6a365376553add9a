// The frames of Finish messages: one is sent for every call, so they are built once and patched,
// and recognised without being parsed.
//
//   std::byte bytes[FinishFrames::kBytes];
//   FinishFrames::Get().Copy(id, /*release_result_caps=*/false, bytes);
//
// Thread-safe once built. Never blocks.
#ifndef DROVER_RPC_FINISH_FRAMES_H_
#define DROVER_RPC_FINISH_FRAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "drover/rpc/ids.h"

namespace drover::rpc {

class FinishFrames {
 public:
  static const FinishFrames& Get();

  // Frame header, root pointer, Message (one word, one pointer), Finish (one word).
  static constexpr size_t kBytes = 40;

  // Reads a frame that this class could have made; false for any other one.
  bool Parse(std::span<const std::byte> frame, QuestionId* id, bool* release_result_caps) const;
  void Copy(QuestionId id, bool release_result_caps, std::span<std::byte, kBytes> out) const;

 private:
  FinishFrames();

  using Words = std::array<uint64_t, kBytes / sizeof(uint64_t)>;
  static Words Build(uint32_t id, bool release_result_caps);

  const Words frames_[2];  // by release_result_caps, with question id 0
  Words id_mask_;          // the bits of the id
  size_t id_offset_ = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_FINISH_FRAMES_H_

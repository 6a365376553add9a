// The frames of Finish messages: one is sent for every call, so they are built once and patched.
//
//   static const FinishFrames frames;
//   std::byte bytes[FinishFrames::kBytes];
//   frames.Copy(id, /*release_result_caps=*/false, bytes);
//
// Thread-safe once built. Never blocks.
#ifndef DROVER_RPC_FINISH_FRAMES_H_
#define DROVER_RPC_FINISH_FRAMES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "drover/rpc/ids.h"

namespace drover::rpc {

class FinishFrames {
 public:
  // Frame header, root pointer, Message (one word, one pointer), Finish (one word).
  static constexpr size_t kBytes = 40;

  FinishFrames();
  void Copy(QuestionId id, bool release_result_caps, std::span<std::byte, kBytes> out) const;

 private:
  std::vector<std::byte> frames_[2];  // by release_result_caps, with question id 0
  size_t id_offset_ = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_FINISH_FRAMES_H_

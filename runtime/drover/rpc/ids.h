// The numbers of the four tables, typed by who chose them.
//
// A question is ours and is the peer's answer; an export is ours and is the peer's import. The
// owner of a question or export chooses its number, the lowest free one.
#ifndef DROVER_RPC_IDS_H_
#define DROVER_RPC_IDS_H_

#include <cstdint>

#include "drover/base/strong_id.h"

namespace drover::rpc {

using QuestionId = base::StrongId<struct QuestionTag, uint32_t>;
using AnswerId = base::StrongId<struct AnswerTag, uint32_t>;
using ExportId = base::StrongId<struct ExportTag, uint32_t>;
using ImportId = base::StrongId<struct ImportTag, uint32_t>;
using EmbargoId = base::StrongId<struct EmbargoTag, uint32_t>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_IDS_H_

// The messages of a hostile peer: a record says which kind it is, of which small ids it speaks, and
// which of the protocol's variants it takes. Every kind, and every variant, can come out; few of
// them make sense where they come.
#ifndef DROVER_TESTS_FUZZ_PEER_MESSAGES_H_
#define DROVER_TESTS_FUZZ_PEER_MESSAGES_H_

#include <cstdint>

#include "drover/rpc.capnp.h"
#include "fuzz/records.h"

namespace drover::fuzz {

// The first byte of a record that describes a message, modulo kPeerKinds. The records' numbers,
// from the second byte on, are named in the comments.
enum class PeerKind : uint8_t {
  kBootstrap,      // question
  kCall,           // question, target kind, target id, method, caps (kind, id, second kind)
  kReturn,         // question, variant, content, caps
  kFinish,         // question, whether it releases
  kResolve,        // export, variant, cap (kind, id)
  kRelease,        // import, count
  kDisembargo,     // target kind, target id, context kind, embargo
  kUnimplemented,  // the kind of what is echoed, and its numbers
  kAbort,          //
  kOther,          // discriminant: levels 3 and 4, obsolete ones, unknown ones
};
inline constexpr uint8_t kPeerKinds = 10;

// Most are small, so that messages speak of each other's ids; the last few bytes stand for ids at
// the corners of the tables.
uint32_t SmallId(uint8_t byte);

void BuildPeerMessage(const Record& record, protocol::Message::Builder message);

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_PEER_MESSAGES_H_

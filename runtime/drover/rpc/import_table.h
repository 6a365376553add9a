// The peer's objects that we have references to. The table holds none itself: an entry goes when
// the last reference to its capability does.
#ifndef DROVER_RPC_IMPORT_TABLE_H_
#define DROVER_RPC_IMPORT_TABLE_H_

#include <cstdint>

#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"

namespace drover::rpc {

class Capability;

// How often the peer has sent an import, which is how many references its last owner gives back.
// Guarded by the connection's lock.
struct ImportReferences {
  uint32_t received = 0;
};

struct Import {
  Capability* capability = nullptr;  // a RemoteCapability, or a RemotePromise
  ImportReferences* references = nullptr;
};

using ImportTable = PeerIdTable<ImportId, Import>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_IMPORT_TABLE_H_

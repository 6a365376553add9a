// The peer's objects that we have references to. The table holds none itself: an entry goes when
// the last reference to its capability does.
#ifndef DROVER_RPC_IMPORT_TABLE_H_
#define DROVER_RPC_IMPORT_TABLE_H_

#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/remote_capability.h"

namespace drover::rpc {

using ImportTable = PeerIdTable<ImportId, RemoteCapability*>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_IMPORT_TABLE_H_

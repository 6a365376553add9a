// Promises that are held back until a Disembargo of ours has come home; see remote_promise.h.
#ifndef DROVER_RPC_EMBARGO_TABLE_H_
#define DROVER_RPC_EMBARGO_TABLE_H_

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/remote_promise.h"

namespace drover::rpc {

struct Embargo {
  base::Ref<RemotePromise> promise;
  base::Ref<Capability> target;  // what it will be
};

using EmbargoTable = OwnIdTable<EmbargoId, Embargo>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_EMBARGO_TABLE_H_

// What a Connection is made with.
//
//   ConnectionOptions options{.name = "unix:///w.sock"};
//   options.limits.max_imports = 100;
//
// Thread-compatible. Ownership: the connection keeps a copy, with the references, until it is
// closed.
#ifndef DROVER_RPC_CONNECTION_OPTIONS_H_
#define DROVER_RPC_CONNECTION_OPTIONS_H_

#include <cstddef>
#include <functional>
#include <string>

#include "drover/async/runtime.h"
#include "drover/base/ref.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/limits.h"
#include "drover/rpc/liveness.h"

namespace drover::rpc {

class Connection;

struct ConnectionOptions {
  std::string name;            // of the peer, for errors and the log: an endpoint
  Runtime* runtime = nullptr;  // null: the default one
  size_t max_frame_bytes = 64 << 20;
  Limits limits = {};
  Liveness liveness = {};
  base::Ref<Capability> front_object;          // what Bootstrap gives the peer; until it is closed
  base::Ref<Capability> node;                  // answers the Node interface beside it
  base::Ref<CallHooks> hooks = nullptr;        // null: none
  std::function<void(Connection*)> on_closed;  // once, on any thread, no lock held
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CONNECTION_OPTIONS_H_

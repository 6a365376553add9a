// Drover: objects that are called from other processes as if they were here.
//
//   auto workers = drover::ConnectAll<race::WorkerProxy>(endpoints);
//   auto answers = drover::Map(workers, &race::WorkerProxy::Async::Calculate);
//   for (const auto& [i, seconds] : drover::AsCompleted(std::move(answers))) { ... }
//
// This header includes all that programs use beside the code generated from their schemas. Each of
// those it includes states its thread-safety, ownership, errors and blocking.
#ifndef DROVER_DROVER_H_
#define DROVER_DROVER_H_

#include "drover/async/future.h"              // IWYU pragma: export
#include "drover/async/runtime.h"             // IWYU pragma: export
#include "drover/async/sleep.h"               // IWYU pragma: export
#include "drover/base/exit_with.h"            // IWYU pragma: export
#include "drover/base/log.h"                  // IWYU pragma: export
#include "drover/base/status_macros.h"        // IWYU pragma: export
#include "drover/dynamic/dynamic_object.h"    // IWYU pragma: export
#include "drover/fleet_server/serve_fleet.h"  // IWYU pragma: export
#include "drover/group/all.h"                 // IWYU pragma: export
#include "drover/group/as_completed.h"        // IWYU pragma: export
#include "drover/group/broadcast.h"           // IWYU pragma: export
#include "drover/group/map.h"                 // IWYU pragma: export
#include "drover/group/parallel_map.h"        // IWYU pragma: export
#include "drover/group/race.h"                // IWYU pragma: export
#include "drover/object/call_context.h"       // IWYU pragma: export
#include "drover/object/call_options.h"       // IWYU pragma: export
#include "drover/object/codec.h"              // IWYU pragma: export
#include "drover/object/connect.h"            // IWYU pragma: export
#include "drover/object/lease.h"              // IWYU pragma: export
#include "drover/object/node.h"               // IWYU pragma: export
#include "drover/object/one_way.h"            // IWYU pragma: export
#include "drover/object/proxy.h"              // IWYU pragma: export
#include "drover/object/revocable.h"          // IWYU pragma: export
#include "drover/object/servant.h"            // IWYU pragma: export
#include "drover/object/server.h"             // IWYU pragma: export
#include "drover/object/stream.h"             // IWYU pragma: export
#include "drover/object/weak_proxy.h"         // IWYU pragma: export
#include "drover/rpc/batch.h"                 // IWYU pragma: export
#include "drover/rpc/limits.h"                // IWYU pragma: export
#include "drover/transport/accept_filter.h"   // IWYU pragma: export
#include "drover/transport/endpoint.h"        // IWYU pragma: export

#endif  // DROVER_DROVER_H_

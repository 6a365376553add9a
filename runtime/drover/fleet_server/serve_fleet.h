// A fleet of worker processes, each serving a servant at an endpoint of its own.
//
//   auto fleet = drover::ServeFleet({.workers = 10},
//                                   [](int) { return std::make_shared<Racer>(); });
//   if (!fleet.ok()) return drover::ExitWith(fleet.status());
//   auto workers = drover::ConnectAll<race::WorkerProxy>(fleet->endpoints());
//   ...
//   return drover::ExitWith(fleet->Wait());
//
// The workers are forked, supervised and started again when they die; a worker that stops itself
// with StopServing stays down, and Wait returns when all are down. They end with the program,
// however that ends. docs/supervision.md tells the rest.
//
// Call it before the first Connect or Serve and before starting any thread: a process can be
// forked safely only while it has one. All fleets of a program thus start first. The servant
// factory runs in the worker, which has inherited the program's memory as it was at the call.
//
// Thread-safety, ownership, blocking: as fleet/fleet.h says of Fleet.
#ifndef DROVER_FLEET_SERVER_SERVE_FLEET_H_
#define DROVER_FLEET_SERVER_SERVE_FLEET_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/fleet/fleet.h"
#include "drover/fleet/restart_policy.h"
#include "drover/object/servant.h"
#include "drover/object/server.h"
#include "drover/transport/endpoint.h"

namespace drover {

// endpoints(), status(), Wait(), Stop(): fleet/fleet.h.
using Fleet = fleet::Fleet;

struct ServeFleetOptions {
  // How many worker processes. Default 1; 1 to 10,000.
  int workers = 1;
  // Where they listen. Default, empty: UNIX sockets in a new private directory. One tcp endpoint
  // with port 0: a port for each worker. Else one endpoint for each.
  std::vector<Endpoint> endpoints = {};
  // What becomes of a worker that ends; the defaults are in fleet/restart_policy.h.
  fleet::RestartOptions restart = {};
  // How long a worker may take to start, its servant factory included. Default 30 s; positive.
  absl::Duration ready_timeout = absl::Seconds(30);
  // How each worker serves. When the fleet or a worker is stopped, running calls have
  // `server.grace` to end; what is left of a worker a second later is killed. `server.runtime` must
  // be null: the program's threads are not the worker's.
  ServerOptions server = {};
};

// Makes the servant of one worker, given its slot from 0.
using ServantFactory = std::function<std::shared_ptr<Servant>(int slot)>;

// Returns when every worker is ready. Errors: those of fleet::Fleet::Start, FailedPrecondition
// (this process has threads) and InvalidArgument above all. A factory that gives null fails its
// worker for good: Aborted.
absl::StatusOr<Fleet> ServeFleet(const ServeFleetOptions& options, ServantFactory make_servant);

}  // namespace drover

#endif  // DROVER_FLEET_SERVER_SERVE_FLEET_H_

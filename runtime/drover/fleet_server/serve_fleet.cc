#include "drover/fleet_server/serve_fleet.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/base/log.h"
#include "drover/fleet/worker_context.h"

namespace drover {
namespace {

// Exit code of a worker that cannot serve and need not be tried again.
constexpr int kDoNotRestart = 125;

// What a worker has beyond its server's grace to end by itself, its late calls cancelled and their
// callers told, before the supervisor kills it.
constexpr absl::Duration kExitMargin = absl::Seconds(1);

// Stops serving when the supervisor asks for it.
class StopWatch final : public async::EventHandler {
 public:
  static void Start(int stop_fd) {
    auto self = base::Ref<StopWatch>::Adopt(new StopWatch(stop_fd));
    async::Reactor& reactor = Runtime::Default().reactor();
    self->id_ = reactor.Register(self);
    reactor.Watch(self->id_, stop_fd, 0, EPOLLIN);
  }

  void OnReady(uint32_t) override {
    async::Reactor& reactor = Runtime::Default().reactor();
    reactor.Watch(id_, stop_fd_, EPOLLIN, 0);  // it stays readable
    reactor.Unregister(id_);
    StopServing().IgnoreError();  // always OK
  }
  void HandOver() override {}

 private:
  explicit StopWatch(int stop_fd) : stop_fd_(stop_fd) {}

  const int stop_fd_;
  uint64_t id_ = 0;  // set before the descriptor is watched
};

int RunWorker(fleet::WorkerContext& context, const ServerOptions& options,
              const ServantFactory& make_servant) {
  std::shared_ptr<Servant> servant = make_servant(context.slot());
  if (servant == nullptr) {
    DROVER_LOG(kError) << "the servant factory gave nothing for slot " << context.slot();
    return kDoNotRestart;
  }
  absl::StatusOr<Server> server = Serve(context.TakeListener(), std::move(servant), options);
  if (!server.ok()) {
    DROVER_LOG(kError) << "worker " << context.slot() << " at " << context.endpoint() << ": "
                       << server.status();
    return 1;
  }
  StopWatch::Start(context.stop_fd());
  context.NotifyReady();
  server->Wait();
  return 0;
}

}  // namespace

absl::StatusOr<Fleet> ServeFleet(const ServeFleetOptions& options, ServantFactory make_servant) {
  if (make_servant == nullptr) {
    return absl::InvalidArgumentError("ServeFleet was given no servant factory");
  }
  if (options.server.runtime != nullptr) {
    return absl::InvalidArgumentError(
        "ServeFleetOptions::server.runtime must be null: each worker has a runtime of its own");
  }
  fleet::FleetOptions fleet_options;
  fleet_options.workers = options.workers;
  fleet_options.endpoints = options.endpoints;
  fleet_options.listen = {.backlog = options.server.backlog,
                          .mode = options.server.mode,
                          .allow_plaintext = options.server.allow_plaintext};
  fleet_options.restart = options.restart;
  fleet_options.ready_timeout = options.ready_timeout;
  fleet_options.grace = options.server.grace + kExitMargin;
  return Fleet::Start(
      fleet_options,
      [server = options.server, make_servant = std::move(make_servant)](
          fleet::WorkerContext& context) { return RunWorker(context, server, make_servant); });
}

}  // namespace drover

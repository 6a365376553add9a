#include "drover/object/server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/object/node_service.h"
#include "drover/object/proxy.h"
#include "drover/object/servant.h"
#include "drover/object/server_hooks.h"
#include "drover/rpc/acceptor.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/rpc/shared_memory_setting.h"
#include "drover/transport/listener.h"

namespace drover {

class Server::Impl final : public object::NodeHost,
                           public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(std::unique_ptr<transport::Listener> listener, std::shared_ptr<Servant> servant,
       const ServerOptions& options)
      : endpoint_(listener->endpoint()),
        options_(options),
        runtime_(options.runtime != nullptr ? *options.runtime : Runtime::Default()),
        front_(rpc::LocalCapability::Of(std::move(servant))),
        hooks_(base::MakeRef<object::ServerHooks>(options.interceptors)),
        node_(std::make_shared<object::NodeService>(front_, options.allow_remote_control)),
        acceptor_(rpc::Acceptor::Start(
            std::move(listener), front_,
            {.node = rpc::LocalCapability::Of(node_),
             .hooks = hooks_,
             .runtime = &runtime_,
             .max_frame_bytes = options.max_message_bytes,
             .limits = options.limits,
             .liveness = {.tcp_user_timeout = options.tcp_user_timeout,
                          .ping_interval = options.ping_interval,
                          .ping_timeout = options.ping_timeout},
             .accept = options.accept,
             .shared_memory = rpc::OffersSharedMemory(endpoint_, options.shared_memory)})) {}

  const Endpoint& endpoint() const { return endpoint_; }
  absl::Duration grace() const { return options_.grace; }
  size_t connections() const { return acceptor_->connections(); }
  object::NodeService& node() { return *node_; }

  ServerStats Stats() override {
    ServerStats stats;
    stats.methods = hooks_->statistics().Snapshot();
    for (const base::Ref<rpc::Connection>& connection : acceptor_->OpenConnections()) {
      ConnectionStats& c = stats.connections.emplace_back();
      c.peer = connection->name();
      c.bytes_in = connection->bytes_read();
      connection->WithLock([&c](rpc::ConnectionState& state) {
        c.questions = static_cast<uint32_t>(state.questions.size());
        c.answers = static_cast<uint32_t>(state.answers.size());
        c.exports = static_cast<uint32_t>(state.exports.size());
        c.imports = static_cast<uint32_t>(state.imports.size());
        c.call_bytes = state.call_bytes;
        c.bytes_out = state.written;
        c.shares_memory = state.writes_rings;
      });
    }
    return stats;
  }
  void Drain() override { ShutdownInBackground(); }

  // The first caller shuts down; everybody waits until it is done.
  void Shutdown(absl::Duration grace) {
    bool first;
    {
      base::MutexLock lock(&mu_);
      first = !std::exchange(begun_, true);
    }
    if (first) {
      acceptor_->Shutdown(grace);
      node_->Clear();
      base::MutexLock lock(&mu_);
      done_ = true;
      changed_.SignalAll();
    }
    Wait();
  }

  void ShutdownInBackground() {
    runtime_.pool().Post([self = shared_from_this()] { self->Shutdown(self->grace()); });
  }

  void Wait() {
    async::BlockingScope blocking;
    base::MutexLock lock(&mu_);
    while (!done_) changed_.Wait(&mu_);
  }

 private:
  const Endpoint endpoint_;
  const ServerOptions options_;
  Runtime& runtime_;
  const base::Ref<rpc::Capability> front_;
  const base::Ref<object::ServerHooks> hooks_;
  const std::shared_ptr<object::NodeService> node_;
  const base::Ref<rpc::Acceptor> acceptor_;
  base::Mutex mu_;
  base::CondVar changed_;
  bool begun_ ABSL_GUARDED_BY(mu_) = false;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

namespace {

// The servers of this process, for StopServing.
struct Registry {
  base::Mutex mu;
  std::vector<std::weak_ptr<Server::Impl>> servers ABSL_GUARDED_BY(mu);
};

Registry& TheRegistry() {
  static Registry* registry = new Registry;  // never destroyed: threads may outlive main
  return *registry;
}

}  // namespace

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;

Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    if (impl_ != nullptr) impl_->Shutdown(impl_->grace());
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Server::~Server() {
  if (impl_ != nullptr) impl_->Shutdown(impl_->grace());
}

const Endpoint& Server::endpoint() const { return impl_->endpoint(); }
void Server::Shutdown(absl::Duration grace) { impl_->Shutdown(grace); }
void Server::Wait() { impl_->Wait(); }
absl::Status Server::Export(const std::string& name, std::shared_ptr<Servant> servant) {
  if (servant == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("no servant to export as \"", name, "\""));
  }
  return impl_->node().Export(name, rpc::LocalCapability::Of(std::move(servant)));
}
absl::Status Server::Export(const std::string& name, const Proxy& object) {
  if (!object) {
    return absl::InvalidArgumentError(absl::StrCat("no object to export as \"", name, "\""));
  }
  return impl_->node().Export(name, object.capability());
}
absl::Status Server::Unexport(const std::string& name) { return impl_->node().Unexport(name); }
size_t Server::connections() const { return impl_->connections(); }
ServerStats Server::Stats() const { return impl_->Stats(); }

absl::StatusOr<Server> Serve(std::unique_ptr<transport::Listener> listener,
                             std::shared_ptr<Servant> servant, const ServerOptions& options) {
  if (listener == nullptr) return absl::InvalidArgumentError("Serve was given no listener");
  if (servant == nullptr) {
    return absl::InvalidArgumentError("Serve was given no servant for " +
                                      listener->endpoint().ToString());
  }
  auto impl = std::make_shared<Server::Impl>(std::move(listener), std::move(servant), options);
  impl->node().SetHost(impl);
  Registry& registry = TheRegistry();
  base::MutexLock lock(&registry.mu);
  std::erase_if(registry.servers, [](const auto& server) { return server.expired(); });
  registry.servers.push_back(impl);
  return Server(std::move(impl));
}

absl::StatusOr<Server> Serve(const Endpoint& endpoint, std::shared_ptr<Servant> servant,
                             const ServerOptions& options) {
  DROVER_ASSIGN_OR_RETURN(
      std::unique_ptr<transport::Listener> listener,
      transport::Listener::Listen(endpoint, {.backlog = options.backlog,
                                             .mode = options.mode,
                                             .allow_plaintext = options.allow_plaintext}));
  return Serve(std::move(listener), std::move(servant), options);
}

absl::StatusOr<Server> Serve(std::string_view endpoint, std::shared_ptr<Servant> servant,
                             const ServerOptions& options) {
  DROVER_ASSIGN_OR_RETURN(Endpoint parsed, Endpoint::Parse(endpoint));
  return Serve(parsed, std::move(servant), options);
}

absl::Status StopServing() {
  std::vector<std::shared_ptr<Server::Impl>> servers;
  {
    Registry& registry = TheRegistry();
    base::MutexLock lock(&registry.mu);
    for (auto& server : registry.servers) {
      if (auto impl = server.lock()) servers.push_back(std::move(impl));
    }
  }
  for (auto& server : servers) server->ShutdownInBackground();
  return absl::OkStatus();
}

}  // namespace drover

#include "drover/rpc/acceptor.h"

#include <sys/epoll.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/parker.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "drover/base/log.h"
#include "drover/rpc/refuse.h"

namespace drover::rpc {
namespace {

// After descriptors, or memory for another, ran out. One of a connection of this server that ends
// is taken at once.
constexpr absl::Duration kShortRest = absl::Milliseconds(100);

std::string UserOf(const transport::PeerInfo& peer) {
  return peer.uid ? absl::StrCat(", uid ", *peer.uid) : "";
}

}  // namespace

Acceptor::Acceptor(std::unique_ptr<transport::Listener> listener, base::Ref<Capability> front,
                   AcceptorOptions options)
    : front_(std::move(front)),
      options_(options),
      runtime_(options.runtime != nullptr ? *options.runtime : Runtime::Default()),
      name_(listener->endpoint().ToString()),
      terms_(std::make_shared<const ConnectionTerms>(
          ConnectionTerms{.listener = name_,
                          .max_frame_bytes = options.max_frame_bytes,
                          .limits = options.limits,
                          .liveness = options.liveness,
                          .hooks = options.hooks,
                          .shared_memory = {.offered = options.shared_memory,
                                            .shared = std::make_shared<std::atomic<size_t>>(0)}})),
      listener_(std::move(listener)) {}

base::Ref<Acceptor> Acceptor::Start(std::unique_ptr<transport::Listener> listener,
                                    base::Ref<Capability> front, AcceptorOptions options) {
  auto self =
      base::Ref<Acceptor>::Adopt(new Acceptor(std::move(listener), std::move(front), options));
  self->reactor_id_ = self->runtime_.reactor().Register(self);
  base::MutexLock lock(&self->mu_);
  self->Watch(EPOLLIN);
  return self;
}

void Acceptor::Watch(uint32_t events) {
  if (listener_ == nullptr) return;
  runtime_.reactor().Watch(reactor_id_, listener_->fd(), watched_, events);
  watched_ = events;
}

size_t Acceptor::connections() {
  base::MutexLock lock(&mu_);
  return connections_.size();
}

std::vector<base::Ref<Connection>> Acceptor::OpenConnections() {
  std::vector<base::Ref<Connection>> connections;
  base::MutexLock lock(&mu_);
  connections.reserve(connections_.size());
  for (auto& [key, connection] : connections_) connections.push_back(connection);
  return connections;
}

void Acceptor::OnReady(uint32_t) {
  int left;
  {
    base::MutexLock lock(&mu_);
    left = budget_.Begin();
  }
  for (bool waits = true;; waits = false) {  // epoll has said so of the first
    std::unique_ptr<transport::ByteStream> stream;
    {
      base::MutexLock lock(&mu_);
      if (listener_ == nullptr) return;
      if (left-- == 0) return budget_.End(/*all_taken=*/false);
      auto accepted = listener_->Accept();
      if (!accepted.ok()) {
        // Without a descriptor the kernel does not look whether another one waits; epoll will.
        if (!waits) return budget_.End(/*all_taken=*/false);
        // The connection waits in the backlog; looking again at once would only burn the CPU.
        if (!std::exchange(short_, true)) {
          DROVER_LOG(kWarning) << name_ << ": cannot accept: " << accepted.status().message()
                               << "; clients wait";
        }
        Watch(0);
        break;
      }
      short_ = false;
      stream = *std::move(accepted);
      if (stream == nullptr) return budget_.End(/*all_taken=*/true);
    }
    Add(std::move(stream));
    // A call that came with it did not come back: another thread waits in epoll now.
    if (async::ThreadContext::Current().reactor == nullptr) return;
  }
  const int64_t rest = absl::ToInt64Nanoseconds(kShortRest);
  runtime_.reactor().CallAt(reactor_id_, async::SteadyNanos() + rest);
}

void Acceptor::OnTimer() {
  base::MutexLock lock(&mu_);
  if (!stopping_) Watch(EPOLLIN);
}

absl::Status Acceptor::CheckPeer(const transport::PeerInfo& peer) {
  if (!options_.accept) return absl::OkStatus();
  absl::Status refusal;
  try {
    refusal = options_.accept(peer);
  } catch (const std::exception& e) {
    refusal = absl::InternalError(absl::StrCat("the accept filter threw an exception: ", e.what()));
  }
  if (!refusal.ok()) {
    DROVER_LOG(kWarning) << "refused " << ClientName(peer, name_) << UserOf(peer) << ": "
                         << refusal.message();
  }
  return refusal;
}

absl::Status Acceptor::CheckRoom() {
  const size_t limit = options_.limits.max_connections;
  base::MutexLock lock(&mu_);
  if (connections_.size() < limit) {
    full_ = false;
    return absl::OkStatus();
  }
  const absl::Status refusal = absl::ResourceExhaustedError(absl::StrCat(
      "the server has ", limit, " connections, which is its limit (limits.max_connections)"));
  if (!std::exchange(full_, true)) {
    DROVER_LOG(kWarning) << name_ << ": refuses further clients: " << refusal.message();
  }
  return refusal;
}

void Acceptor::Add(std::unique_ptr<transport::ByteStream> stream) {
  absl::Status check = CheckPeer(stream->peer());
  if (check.ok()) check = CheckRoom();
  if (!check.ok()) return Refuse(*stream, check);
  ConnectionOptions options;
  options.runtime = &runtime_;
  options.terms = terms_;
  options.front_object = front_;
  options.node = options_.node;
  options.owner = base::Ref<Acceptor>::Share(this);
  options.read_by_maker = true;
  base::Ref<Connection> connection = Connection::Create(std::move(stream), std::move(options));
  bool late;
  {
    base::MutexLock lock(&mu_);
    late = stopping_;
    if (!late) connections_[connection.get()] = connection;
  }
  if (late) {
    connection->Close(absl::UnavailableError("the server is shutting down"));
  } else if (!connection->open()) {
    // It ended before it was listed, so nobody else takes it off.
    base::MutexLock lock(&mu_);
    connections_.erase(connection.get());
  } else {
    connection->OnReady(EPOLLIN);
  }
}

void Acceptor::OnClosed(Connection& connection) {
  base::Ref<Connection> dropped;  // outlives the lock
  base::MutexLock lock(&mu_);
  if (short_ && !stopping_) Watch(EPOLLIN);  // its descriptor is free, or about to be
  auto it = connections_.find(&connection);
  if (it == connections_.end()) return;
  dropped = std::move(it->second);
  connections_.erase(it);
}

void Acceptor::StopListening() {
  std::unique_ptr<transport::Listener> listener;
  {
    base::MutexLock lock(&mu_);
    Watch(0);
    listener = std::move(listener_);
  }
  runtime_.reactor().Unregister(reactor_id_);
}

void Acceptor::Shutdown(absl::Duration grace) {
  {
    base::MutexLock lock(&mu_);
    if (std::exchange(stopping_, true)) return;
  }
  std::vector<base::Ref<Connection>> connections = OpenConnections();
  StopListening();

  // Shared with callbacks that may come after the grace is over.
  struct Pending : base::RefCounted {
    base::Mutex mu;
    base::CondVar done;
    size_t count ABSL_GUARDED_BY(mu) = 0;
  };
  auto pending = base::MakeRef<Pending>();
  {
    base::MutexLock lock(&pending->mu);
    pending->count = connections.size();
  }
  for (base::Ref<Connection>& connection : connections) {
    connection->NotifyIdle([pending] {
      base::MutexLock lock(&pending->mu);
      if (--pending->count == 0) pending->done.SignalAll();
    });
    connection->FlushAll();
  }
  {
    async::BlockingScope blocking;
    const absl::Time deadline = absl::Now() + grace;
    base::MutexLock lock(&pending->mu);
    while (pending->count > 0 && !pending->done.WaitUntil(&pending->mu, deadline)) {
    }
  }
  for (base::Ref<Connection>& connection : connections) {
    connection->Close(absl::UnavailableError("the server was shut down"));
  }
}

}  // namespace drover::rpc

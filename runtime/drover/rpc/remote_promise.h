// A promise that a peer will resolve: a capability inside the answer of a question that is not
// answered yet, or an import that the peer announced as a promise. Until it is resolved calls on it
// travel to the peer, which holds or forwards them.
//
// Resolved to an object of the peer, calls go there directly: they arrive behind the earlier ones.
// Resolved to anything else (an object of ours, say) they would overtake those that the peer still
// has to send back, so they are held until a Disembargo sent behind the earlier ones has come back
// ("embargo", rpc.capnp's Disembargo).
//
// Thread-safe.
#ifndef DROVER_RPC_REMOTE_PROMISE_H_
#define DROVER_RPC_REMOTE_PROMISE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "drover/rpc/ids.h"
#include "drover/rpc/import_table.h"
#include "drover/rpc/pipeline_path.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/strand.h"

namespace drover::rpc {

class Connection;

class RemotePromise final : public PromiseCapability {
 public:
  // An import.
  RemotePromise(base::Ref<Connection> connection, ImportId id);
  // What `path` leads to in the answer of `question`. `dropped` is called, on any thread, when the
  // promise is destroyed.
  RemotePromise(base::Ref<Connection> connection, QuestionId question, PipelinePath path,
                async::Task dropped);
  ~RemotePromise() override;

  void Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) override;
  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;
  void DeliverEcho(Echo echo, Deferred& deferred) override;
  bool HasPendingCalls() const override { return forwarding_->busy(); }

  Connection& connection() const { return *connection_; }
  bool is_import() const { return !question_.has_value(); }
  ImportId import_id() const { return import_; }
  QuestionId question() const { return *question_; }
  const PipelinePath& path() const { return path_; }
  // Names it to the peer.
  void Describe(protocol::MessageTarget::Builder out) const;

  // What was to be called when it is destroyed; not any more. Under the connection's lock.
  async::Task TakeDropped() { return std::exchange(dropped_, nullptr); }

  // Guarded by the connection's lock.
  enum class Phase {
    kOpen,       // calls travel to the peer
    kEmbargoed,  // it is known what it is; calls are held until the Disembargo is back
    kResolved,
  };
  Phase phase = Phase::kOpen;
  bool used = false;            // a call has travelled to the peer through it
  ImportReferences references;  // of an import

 private:
  CallHooks* OwnHooks() const override;
  bool WaitForCalls(async::Task& task) override;
  // Runs `task` behind the delivered calls; false if it is to be done at once.
  bool RunBehindCalls(async::Task& task, Deferred& deferred);
  void SendDelivered(OutgoingCall&& call, base::Ref<ReturnHandler> handler);
  void Pass(base::Ref<IncomingCall> call);
  void PassEcho(const Echo& echo);
  bool ComesBackHere(const Echo& echo);
  bool open();

  const base::Ref<Connection> connection_;
  const base::Ref<Strand> forwarding_;
  const ImportId import_;
  const std::optional<QuestionId> question_;
  const PipelinePath path_;
  async::Task dropped_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_REMOTE_PROMISE_H_

// Release and Disembargo from the peer.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/remote_promise.h"

namespace drover::rpc {

absl::Status Connection::ReleaseExports(const std::vector<ExportId>& ids, Deferred& deferred) {
  for (ExportId id : ids) {
    base::Ref<Capability> gone;
    const auto result = state_.exports.Release(id, 1, &gone);
    if (result == ExportTable::ReleaseResult::kImpossible) {
      return absl::InvalidArgumentError(
          absl::StrCat("the peer released export ", id.value(), " more often than it had it"));
    }
    deferred.Drop(std::move(gone));
  }
  has_exports_.store(state_.exports.size() > 0, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status Connection::HandleRelease(protocol::Release::Reader message, Deferred& deferred) {
  const ExportId id(message.getId());
  base::Ref<Capability> gone;
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  const auto result = state_.exports.Release(id, message.getReferenceCount(), &gone);
  deferred.Drop(std::move(gone));
  has_exports_.store(state_.exports.size() > 0, std::memory_order_release);
  if (result == ExportTable::ReleaseResult::kImpossible) {
    return absl::InvalidArgumentError(absl::StrCat("a Release names export ", id.value(), " with ",
                                                   message.getReferenceCount(),
                                                   " references, which the peer does not have"));
  }
  return absl::OkStatus();
}

void Connection::ReleaseImport(const Capability* import, ImportId id,
                               const ImportReferences& references) {
  if (InForkedChild()) return;
  {
    base::MutexLock lock(&mu_);
    Import* entry = state_.imports.Find(id);
    if (entry != nullptr && entry->capability == import) state_.imports.Remove(id);
    if (import->AttachedFd()) --state_.import_fds;
    if (!state_.open()) return;
    // The end of the connection, which follows, releases everything.
    if (!Unused() || queued_now_.load(std::memory_order_relaxed)) {
      wire::OutMessagePtr message = wire::OutMessage::New();
      auto release = message->builder().initRoot<protocol::Message>().initRelease();
      release.setId(id.value());
      release.setReferenceCount(references.received);
      Queue(message, Urgency::kNow);
    }
  }
  FlushUnlessCorked();
  CloseIfRetired();
}

// The peer asks what it sent to a promise of ours that turned out to be its own object: calls that
// came before have been forwarded to it, and the echo goes behind them.
absl::Status Connection::HandleDisembargo(protocol::Disembargo::Reader message,
                                          Deferred& deferred) {
  const auto context = message.getContext();
  if (context.isReceiverLoopback()) {
    return HandleLoopback(context.getReceiverLoopback(), deferred);
  }
  if (!context.isSenderLoopback()) {
    return absl::InvalidArgumentError("a Disembargo is of a kind that was not asked for");
  }
  const auto target = message.getTarget();
  PipelinePath path;
  if (target.isPromisedAnswer()) {
    DROVER_ASSIGN_OR_RETURN(path, ReadPath(target.getPromisedAnswer()));
  }
  base::Ref<Capability> object;  // outlives the lock
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  if (target.isPromisedAnswer()) {
    Answer* answer = state_.answers.Find(AnswerId(target.getPromisedAnswer().getQuestionId()));
    if (answer == nullptr || !answer->returned) {
      return absl::InvalidArgumentError("a Disembargo names an answer that was not given");
    }
    object = AnswerCapability(*answer, path);
  } else {
    object = state_.exports.Find(ExportId(target.getImportedCap()));
    if (!object) return absl::InvalidArgumentError("a Disembargo names an unknown export");
    if (!PromiseCapability::IsPromise(*object)) {
      return absl::InvalidArgumentError("a Disembargo names a target that was never a promise");
    }
  }
  object->DeliverEcho({base::Ref<Connection>::Share(this), context.getSenderLoopback()}, deferred);
  return absl::OkStatus();
}

void Connection::SendLoopback(const std::variant<ImportId, RemotePromise*>& target,
                              uint32_t embargo) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto disembargo = message->builder().initRoot<protocol::Message>().initDisembargo();
  if (const auto* promise = std::get_if<RemotePromise*>(&target)) {
    (*promise)->Describe(disembargo.initTarget());
  } else {
    disembargo.initTarget().setImportedCap(std::get<ImportId>(target).value());
  }
  disembargo.getContext().setReceiverLoopback(embargo);
  {
    base::MutexLock lock(&mu_);
    if (state_.open()) Queue(message, Urgency::kNow);
  }
  FlushUnlessCorked();
}

}  // namespace drover::rpc

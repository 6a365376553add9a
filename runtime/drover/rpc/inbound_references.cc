// Release and Disembargo from the peer.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/promise_capability.h"

namespace drover::rpc {

absl::Status Connection::ReleaseExports(const std::vector<ExportId>& ids, Deferred& deferred) {
  for (ExportId id : ids) {
    base::Ref<Capability> gone;
    const auto result = state_.exports.Release(id, 1, &gone);
    if (result == ExportTable::ReleaseResult::kImpossible) {
      return absl::InvalidArgumentError(
          absl::StrCat("the peer released export ", id.value(), " more often than it had it"));
    }
    if (gone) deferred.Drop(std::move(gone));
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
  if (gone) deferred.Drop(std::move(gone));
  has_exports_.store(state_.exports.size() > 0, std::memory_order_release);
  if (result == ExportTable::ReleaseResult::kImpossible) {
    return absl::InvalidArgumentError(absl::StrCat("a Release names export ", id.value(), " with ",
                                                   message.getReferenceCount(),
                                                   " references, which the peer does not have"));
  }
  return absl::OkStatus();
}

void Connection::ReleaseImport(RemoteCapability& import) {
  if (InForkedChild()) return;
  {
    base::MutexLock lock(&mu_);
    RemoteCapability** entry = state_.imports.Find(import.id());
    if (entry != nullptr && *entry == &import) state_.imports.Remove(import.id());
    if (import.AttachedFd()) --state_.import_fds;
    if (!state_.open()) return;
    wire::OutMessagePtr message = wire::OutMessage::New();
    auto release = message->builder().initRoot<protocol::Message>().initRelease();
    release.setId(import.id().value());
    release.setReferenceCount(import.received);
    Queue(message, Urgency::kNow);
  }
  FlushUnlessCorked();
  CloseIfRetired();
}

// We never send a promise that resolves later, so the only loop is an answer of ours that turned
// out to be an object of the peer: calls on the answer have been forwarded to it, and the echo goes
// behind them. (Our own embargoes come with promise resolution.)
absl::Status Connection::HandleDisembargo(protocol::Disembargo::Reader message,
                                          Deferred& deferred) {
  const auto context = message.getContext();
  if (!context.isSenderLoopback()) {
    return absl::InvalidArgumentError("a Disembargo answers one that was not sent");
  }
  const auto target = message.getTarget();
  if (!target.isPromisedAnswer()) {
    return absl::InvalidArgumentError("a Disembargo names a target that was never a promise");
  }
  const auto promised = target.getPromisedAnswer();
  AnswerPath path;
  for (auto op : promised.getTransform()) {
    if (op.isGetPointerField()) path.push_back(op.getGetPointerField());
  }
  const uint32_t embargo = context.getSenderLoopback();
  base::Ref<Capability> object;
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  Answer* answer = state_.answers.Find(AnswerId(promised.getQuestionId()));
  if (answer == nullptr || !answer->returned) {
    return absl::InvalidArgumentError("a Disembargo names an answer that was not given");
  }
  object = PromiseCapability::Follow(AnswerCapability(*answer, path));
  if (object->kind() != Capability::Kind::kRemote ||
      &static_cast<RemoteCapability&>(*object).connection() != this) {
    deferred.Drop(std::move(object));
    return absl::InvalidArgumentError("a Disembargo names an object that is not the peer's own");
  }
  auto remote = base::Ref<RemoteCapability>::Share(static_cast<RemoteCapability*>(object.get()));
  const base::Ref<Strand>& forwarding = remote->forwarding();
  if (forwarding->Push({.call = nullptr, .task = [remote, embargo] {
                          remote->connection().SendLoopback(remote->id(), embargo);
                        }})) {
    deferred.Run(forwarding);
  }
  return absl::OkStatus();
}

void Connection::SendLoopback(ImportId target, uint32_t embargo) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto disembargo = message->builder().initRoot<protocol::Message>().initDisembargo();
  disembargo.initTarget().setImportedCap(target.value());
  disembargo.getContext().setReceiverLoopback(embargo);
  {
    base::MutexLock lock(&mu_);
    if (state_.open()) Queue(message, Urgency::kNow);
  }
  FlushUnlessCorked();
}

}  // namespace drover::rpc

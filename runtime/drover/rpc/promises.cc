// Promises of the peer: asked for, resolved, held back; and promises of ours that the peer holds.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/remote_capability.h"
#include "drover/rpc/remote_promise.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {
namespace {

// Of a question that nobody but its pipeline waits for.
class NoHandler final : public base::RefCounted, public ReturnHandler {
 public:
  void OnReturn(capnp::AnyPointer::Reader) override {}
  void OnError(const absl::Status&) override {}
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }
};

}  // namespace

base::Ref<Capability> Connection::Bootstrap() {
  auto handler = base::MakeRef<NoHandler>();
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto bootstrap = message->builder().initRoot<protocol::Message>().initBootstrap();
  base::MutexLock lock(&mu_);
  if (!state_.open()) return BrokenCapability(state_.closed);
  const QuestionId id = state_.questions.Add(Question(handler));
  bootstrap.setQuestionId(id.value());
  Queue(message, Urgency::kCanWait);  // the first call goes with it
  // Under the same lock: the answer may be here as soon as it is released.
  return PromiseOf(id, *state_.questions.Find(id), {},
                   [self = base::Ref<Connection>::Share(this), id, handler] {
                     self->CancelQuestion(id, handler.get());
                   });
}

base::Ref<Capability> Connection::Pipeline(QuestionId id, const ReturnHandler* handler,
                                           const PipelinePath& path, async::Task dropped) {
  if (InForkedChild()) return nullptr;
  base::MutexLock lock(&mu_);
  Question* question = state_.open() ? state_.questions.Find(id) : nullptr;
  if (question == nullptr || question->handler.get() != handler) return nullptr;
  return PromiseOf(id, *question, path, std::move(dropped));
}

base::Ref<Capability> Connection::PromiseOf(QuestionId id, Question& question,
                                            const PipelinePath& path, async::Task dropped) {
  if (!question.pipeline) question.pipeline = std::make_unique<QuestionPipeline>();
  for (RemotePromise* promise : question.pipeline->promises) {
    if (promise->path() == path && promise->TryRef()) {
      return base::Ref<RemotePromise>::Adopt(promise);
    }
  }
  if (question.taken_from) return nullptr;
  auto promise = base::MakeRef<RemotePromise>(base::Ref<Connection>::Share(this), id, path,
                                              std::move(dropped));
  question.pipeline->promises.push_back(promise.get());
  return promise;
}

void Connection::DropPipeline(RemotePromise& promise) {
  if (InForkedChild()) return;
  base::MutexLock lock(&mu_);
  Question* question = state_.open() ? state_.questions.Find(promise.question()) : nullptr;
  if (question == nullptr || !question->pipeline) return;
  if (std::erase(question->pipeline->promises, &promise) == 0) return;  // another question's
  // What is in the results of a tail call is never settled here.
  if (promise.used && promise.phase == RemotePromise::Phase::kOpen && !question->tail_of) {
    question->pipeline->spent.push_back(promise.path());
  }
}

bool Connection::PeerHosts(const Capability& capability) const {
  switch (capability.kind()) {
    case Capability::Kind::kBroken:
      return true;  // nothing can overtake anything there
    case Capability::Kind::kRemote:
      return &static_cast<const RemoteCapability&>(capability).connection() == this;
    case Capability::Kind::kRemotePromise: {
      const auto& promise = static_cast<const RemotePromise&>(capability);
      return &promise.connection() == this && promise.phase == RemotePromise::Phase::kOpen;
    }
    default:
      return false;
  }
}

void Connection::Settle(RemotePromise& promise, Promised promised, Deferred& deferred) {
  if (promise.phase != RemotePromise::Phase::kOpen) return;
  // The work it kept going is done. The result may hold this very promise, if that is embargoed.
  if (async::Task kept = promise.TakeDropped()) deferred.Then([kept = std::move(kept)] {});
  const base::Ref<Capability> target = PromiseCapability::Follow(promised.capability);
  deferred.Drop(std::move(promised.capability));
  deferred.Drop(target);
  const bool broken = target->kind() == Capability::Kind::kBroken;
  // What comes here first goes on from here, even if ours has turned out to be the peer's object: a
  // call that is sent there now would overtake it.
  if (!promise.used || broken || (!promised.by_way_of_us && PeerHosts(*target))) {
    if (promise.used && target->kind() == Capability::Kind::kRemotePromise) {
      static_cast<RemotePromise&>(*target).used = true;  // by what the peer forwards
    }
    promise.phase = RemotePromise::Phase::kResolved;
    promise.Resolve(target, deferred);
    return;
  }
  promise.phase = RemotePromise::Phase::kEmbargoed;
  const EmbargoId embargo =
      state_.embargoes.Add(Embargo{base::Ref<RemotePromise>::Share(&promise), target});
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto disembargo = message->builder().initRoot<protocol::Message>().initDisembargo();
  promise.Describe(disembargo.initTarget());
  disembargo.getContext().setSenderLoopback(embargo.value());
  Queue(message, Urgency::kNow);
}

void Connection::SettleAll(QuestionId id, Question& question, const PromisedAt& promised_at,
                           MessageCaps* caps, Deferred& deferred) {
  if (!question.pipeline) return;
  const auto settle = [&](base::Ref<RemotePromise> promise) {
    mu_.AssertHeld();
    Promised promised = promised_at(promise->path());
    Settle(*promise, promised, deferred);
    if (caps != nullptr && promise->phase == RemotePromise::Phase::kEmbargoed) {
      for (base::Ref<Capability>& capability : caps->list()) {
        if (capability == promised.capability) capability = promise;
      }
    }
    deferred.Drop(std::move(promised.capability));
    deferred.Drop(std::move(promise));
  };
  std::vector<PipelinePath> spent = std::move(question.pipeline->spent);
  for (RemotePromise* promise : question.pipeline->promises) {
    if (promise->TryRef()) {
      settle(base::Ref<RemotePromise>::Adopt(promise));
    } else if (promise->used) {
      spent.push_back(promise->path());
    }
  }
  question.pipeline = nullptr;
  // Calls went to these, and who made them may come upon the same object in the results.
  for (const PipelinePath& path : spent) {
    auto promise =
        base::MakeRef<RemotePromise>(base::Ref<Connection>::Share(this), id, path, nullptr);
    promise->used = true;
    settle(std::move(promise));
  }
}

void Connection::KeepPromise(Question& question, const base::Ref<Capability>& capability) {
  const base::Ref<Capability> at = PromiseCapability::Follow(capability);
  if (!at || at->kind() != Capability::Kind::kRemotePromise) return;
  const auto& promise = static_cast<const RemotePromise&>(*at);
  if (&promise.connection() == this && !promise.is_import()) question.keeps.push_back(at);
}

void Connection::DropKept(Question& question, Deferred& deferred) {
  for (base::Ref<Capability>& promise : question.keeps) deferred.Drop(std::move(promise));
  question.keeps.clear();
}

void Connection::BreakAll(QuestionId id, Question& question, const absl::Status& status,
                          Deferred& deferred) {
  SettleAll(
      id, question,
      [&](const PipelinePath&) -> Promised {
        return {BrokenCapability(status), false};
      },
      nullptr, deferred);
}

absl::Status Connection::HandleResolve(protocol::Resolve::Reader message, Deferred& deferred) {
  const ImportId id(message.getPromiseId());
  base::Ref<Capability> target;  // outlive the lock
  base::Ref<Capability> promise;
  const bool by_way_of_us = message.isCap() && NamesOurs(message.getCap());
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  switch (message.which()) {
    case protocol::Resolve::CAP:
      target = ReceiveOne(message.getCap());
      break;
    case protocol::Resolve::EXCEPTION:
      target = BrokenCapability(FromException(message.getException()));
      break;
    default:
      target = BrokenCapability(
          absl::UnimplementedError("a promise was resolved in a way that is not known here"));
      break;
  }
  if (!target) {
    target = BrokenCapability(absl::InvalidArgumentError("a promise turned out to be null"));
  }
  Import* import = state_.imports.Find(id);
  if (import == nullptr || !import->capability->TryRef()) return absl::OkStatus();  // released
  promise = base::Ref<Capability>::Adopt(import->capability);
  if (promise->kind() != Capability::Kind::kRemotePromise) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Resolve names import ", id.value(), ", which is no promise"));
  }
  auto& remote = static_cast<RemotePromise&>(*promise);
  if (remote.phase != RemotePromise::Phase::kOpen) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Resolve names import ", id.value(), ", which has been resolved"));
  }
  Settle(remote, {target, by_way_of_us}, deferred);
  return absl::OkStatus();
}

absl::Status Connection::HandleLoopback(uint32_t embargo, Deferred& deferred) {
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return absl::OkStatus();
    const EmbargoId id(embargo);
    if (state_.embargoes.Find(id) == nullptr) {
      return absl::InvalidArgumentError("a Disembargo answers one that was not sent");
    }
    Embargo lifted = state_.embargoes.Take(id);
    lifted.promise->phase = RemotePromise::Phase::kResolved;
    lifted.promise->Resolve(lifted.target, deferred);
    deferred.Drop(std::move(lifted.promise));
    deferred.Drop(std::move(lifted.target));
  }
  deferred.Then([self = base::Ref<Connection>::Share(this)] { self->CloseIfRetired(); });
  return absl::OkStatus();
}

void Connection::SendResolve(ExportId id, uint64_t serial) {
  if (InForkedChild()) return;
  base::Ref<Capability> target;  // outlives the lock
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return;
    // It may have been released, and its number used again, meanwhile: even for the same promise.
    const base::Ref<Capability> promise = state_.exports.Find(id, serial);
    if (!promise) return;
    target = PromiseCapability::Follow(promise);
    if (target == promise) return;
    wire::OutMessagePtr message = wire::OutMessage::New();
    auto resolve = message->builder().initRoot<protocol::Message>().initResolve();
    resolve.setPromiseId(id.value());
    if (target->kind() == Capability::Kind::kBroken) {
      ToException(ErrorOf(*target), resolve.initException());
    } else {
      std::vector<ExportId> exported;  // the peer releases it
      DescribeOne(target, resolve.initCap(), &exported);
    }
    Queue(message, Urgency::kNow);
  }
  FlushUnlessCorked();
}

}  // namespace drover::rpc

// Bootstrap, Call and Finish from the peer, and the answers to them.
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/node.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/metadata_codec.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/rpc/status_codec.h"
#include "drover/rpc/tail_call.h"

namespace drover::rpc {
namespace {

// Of those that are copied out where many calls run (ReadState::kCrowd).
constexpr size_t kSmallFrame = 16 * 1024;

absl::Status NoSuch(const char* what, uint32_t id) {
  return absl::InvalidArgumentError(
      absl::StrCat("a message names ", what, " ", id, ", which does not exist"));
}

}  // namespace

absl::Status Connection::HandleBootstrap(protocol::Bootstrap::Reader message) {
  const AnswerId id(message.getQuestionId());
  const base::Ref<Capability> front = WithLock([](ConnectionState& s) { return s.front; });
  wire::OutMessagePtr out = wire::OutMessage::New();
  auto ret = InitReturn(*out, id);
  MessageCaps caps;
  absl::Status error;
  if (message.hasDeprecatedObjectId()) {
    error = absl::UnimplementedError("a Bootstrap gives the front object, and none by a name");
  } else if (!front) {
    error = absl::UnimplementedError("this end of the connection has no front object");
  }
  if (error.ok()) {
    SetCapability(caps.Imbue(ret.initResults().getContent()), front);
  } else {
    ToException(error, ret.initException());
  }
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return absl::OkStatus();
    Answer* answer = state_.answers.Add(id);
    if (answer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("a Bootstrap uses question ", id.value(), ", which is in use"));
    }
    answer->returned = true;
    answer->error = error;
    if (error.ok()) {
      answer->results = std::make_shared<AnswerResults>(front);
      Describe(caps, ret.getResults(), &answer->result_exports);
    }
    HoldAnswer(*answer);
    Queue(out, Urgency::kNow);
  }
  FlushUnlessCorked();
  return absl::OkStatus();
}

struct Connection::CallDetails {
  absl::Status refusal;
  bool keeps_results = false;
  std::optional<AnswerId> promised_target;
  PipelinePath path;  // in that
};

absl::Status Connection::HandleCall(wire::Frame frame, Deferred& deferred) {
  if (read_.crowded && frame.header.total_bytes < kSmallFrame) frame = wire::CopyOf(frame);
  base::Ref<IncomingCall> call =
      IncomingCall::FromPeer(base::Ref<Connection>::Share(this), std::move(frame),
                             extensions_.load(std::memory_order_relaxed));
  // Parsed before the lock is taken: what is malformed leaves no trace.
  CallDetails details;
  if (!call->plain()) details = ReadDetails(*call);
  absl::Status& refusal = details.refusal;
  if (call->one_way()) return OneWay::Receive(*this, call, std::move(refusal), deferred);

  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  if (!read_.finished.empty()) FinishAnswersLocked(deferred);
  Answer* answer = state_.answers.Add(call->answer_id());
  if (answer == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Call uses question ", call->answer_id().value(), ", which is in use"));
  }
  answer->call = call.get();
  answer->keeps_results = details.keeps_results;
  if (answer->keeps_results) state_.takes_tails = true;
  read_.crowded = ++state_.running_calls > ReadState::kCrowd;
  if (!call->plain()) Receive(call->peer_call().getParams(), &call->param_caps());
  if (refusal.ok() && state_.draining) {
    refusal = absl::UnavailableError("the server is shutting down and takes no new calls");
  }
  if (refusal.ok()) refusal = AdmitCall(*call);
  if (!refusal.ok()) {
    deferred.Then([call, refusal] { call->ReturnError(refusal); });
    return absl::OkStatus();
  }
  if (const std::optional<ExportId> id = call->exported_target()) {
    const base::Ref<Capability>* object = state_.exports.Peek(*id);
    if (object == nullptr) return NoSuch("export", id->value());
    KeepForCall(*answer, *object);
    DeliverTo(*object, std::move(call), deferred);
    return absl::OkStatus();
  }
  if (!details.promised_target) {
    deferred.Then([call] {
      call->ReturnError(absl::UnimplementedError("the call's kind of target is not known here"));
    });
    return absl::OkStatus();
  }
  const AnswerId id = *details.promised_target;
  Answer* promised = state_.answers.Find(id);
  if (promised == nullptr || id == call->answer_id()) return NoSuch("question", id.value());
  if (promised->returned) {
    base::Ref<Capability> object = AnswerCapability(*promised, details.path);
    KeepForCall(*answer, object);
    DeliverTo(object, std::move(call), deferred);
    deferred.Drop(std::move(object));
  } else {
    answer->waits_for = id;
    ++promised->awaited;
    answer->waits_as = AwaitAt(*promised, std::move(details.path), std::move(call), deferred);
  }
  return absl::OkStatus();
}

Connection::CallDetails Connection::ReadDetails(IncomingCall& call) const {
  CallDetails details;
  const protocol::Call::Reader message = call.peer_call();
  const auto send_results_to = message.getSendResultsTo();
  details.keeps_results = send_results_to.isYourself();
  if (!send_results_to.isCaller() && !details.keeps_results) {
    details.refusal = absl::UnimplementedError("results can be sent to the caller or kept, only");
  }
  if (extensions_.load(std::memory_order_relaxed) && message.hasExtension()) {
    call.set_metadata(std::make_shared<CallMetadata>(
        ReadMetadata(message.getExtension().getAs<protocol::CallExtension>(), absl::Now())));
  }
  if (const auto target = message.getTarget(); target.isPromisedAnswer()) {
    details.promised_target = AnswerId(target.getPromisedAnswer().getQuestionId());
    absl::StatusOr<PipelinePath> path = ReadPath(target.getPromisedAnswer());
    details.refusal.Update(path.status());
    if (path.ok()) details.path = *std::move(path);
  }
  return details;
}

// The front object answers the Node interface too, whatever it is.
void Connection::DeliverTo(const base::Ref<Capability>& object, base::Ref<IncomingCall> call,
                           Deferred& deferred) {
  Capability* target = object.get();
  if (call->interface_id() == protocol::NODE_INTERFACE_ID && state_.node &&
      object == state_.front) {
    target = state_.node.get();
  }
  target->Deliver(std::move(call), deferred);
}

absl::Status Connection::HandleFinish(AnswerId id, bool release_result_caps, Deferred& deferred) {
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  return FinishAnswer(id, release_result_caps, deferred);
}

void Connection::FinishAnswers(Deferred& deferred) {
  base::MutexLock lock(&mu_);
  if (state_.open()) FinishAnswersLocked(deferred);
}

void Connection::FinishAnswersLocked(Deferred& deferred) {
  for (AnswerId id : read_.finished) {
    FinishAnswer(id, /*release_result_caps=*/false, deferred)
        .IgnoreError();  // only what the peer releases can be wrong
  }
  read_.finished.clear();
}

absl::Status Connection::FinishAnswer(AnswerId id, bool release_result_caps, Deferred& deferred) {
  Answer* answer = state_.answers.Find(id);
  // A stock peer finishes once more after a Return that needed no Finish.
  if (answer == nullptr || answer->finished) return absl::OkStatus();
  if (!answer->returned) {
    answer->finished = true;
    CancelUnlessAwaited(answer, deferred);
    return absl::OkStatus();
  }
  if (release_result_caps) {
    absl::Status released = ReleaseExports(answer->result_exports, deferred);
    if (!released.ok()) return released;
  }
  if (answer->tail) {
    deferred.Then([self = base::Ref<Connection>::Share(this)] { self->TellIfIdle(); });
  }
  DropResults(*answer, deferred);
  RemoveAnswer(id, *answer);
  return absl::OkStatus();
}

void Connection::CancelUnlessAwaited(Answer* answer, Deferred& deferred) {
  while (answer != nullptr && (answer->finished || answer->given_up) && answer->awaited == 0 &&
         !answer->cancelled) {
    answer->cancelled = true;
    if (answer->call->TryRef()) {
      deferred.Then(
          [call = base::Ref<IncomingCall>::Adopt(answer->call)] { call->CancelByCaller(); });
    }
    deferred.Drop(std::move(answer->waits_at));
    if (!answer->waits_for) return;
    Answer* awaited = state_.answers.Find(*std::exchange(answer->waits_for, std::nullopt));
    if (awaited != nullptr) {
      --awaited->awaited;
      // The promise it waits at must not live, and keep the answer going, on its account.
      if (answer->waits_as->passed_to) {
        deferred.Drop(std::move(answer->waits_as->passed_to));
        awaited->waiting.erase(answer->waits_as);
      }
    }
    answer = awaited;
  }
}

base::Ref<Capability> Connection::PromiseInside(AnswerId id, Answer& answer,
                                                const PipelinePath& path) {
  Answer::Promised& promised = answer.promised[path];
  if (promised.hold != nullptr) {
    PromiseCapability*& known = promised.waiter->promise;
    if (known->TryRef()) return base::Ref<Capability>::Adopt(known);
    known = nullptr;  // it is being destroyed
    --answer.awaited;
  }
  auto hold = base::MakeRef<AnswerHold>(base::Ref<Connection>::Share(this), id, path);
  promised.hold = hold.get();
  auto promise = base::MakeRef<PromiseCapability>(std::move(hold));
  AnswerWaiter& waiter = answer.waiting.emplace_back();
  waiter.path = path;
  waiter.promise = promise.get();
  promised.waiter = std::prev(answer.waiting.end());
  ++answer.awaited;
  return promise;
}

void Connection::LetGoOfAnswer(AnswerId id, const PipelinePath& path, const AnswerHold* hold) {
  if (InForkedChild()) return;
  Deferred deferred;
  {
    base::MutexLock lock(&mu_);
    Answer* answer = state_.open() ? state_.answers.Find(id) : nullptr;
    if (answer == nullptr) return;
    const auto promised = answer->promised.find(path);
    if (promised == answer->promised.end() || promised->second.hold != hold) return;
    answer->waiting.erase(promised->second.waiter);
    answer->promised.erase(promised);
    --answer->awaited;
    CancelUnlessAwaited(answer, deferred);
  }
  deferred.FinishOnPool();
  Flush();
}

void Connection::KeepForCall(Answer& answer, const base::Ref<Capability>& object) {
  if (object->kind() != Capability::Kind::kPromise || answer.cancelled || answer.returned) return;
  base::Ref<Capability> at = PromiseCapability::Follow(object);
  if (at->kind() == Capability::Kind::kPromise) answer.waits_at = std::move(at);
}

void Connection::CompleteAnswer(Answer& answer, Deferred& deferred) {
  if (answer.waiting.empty()) return;  // nor is anything promised, or awaited
  for (AnswerWaiter& waiter : answer.waiting) {
    if (waiter.call) waiter.passed_on = waiter.call->answer_id();
    Answer* waiting = waiter.passed_on ? state_.answers.Find(*waiter.passed_on) : nullptr;
    if (waiting != nullptr) waiting->waits_for = std::nullopt;
    if (waiter.call) {
      base::Ref<Capability> object = AnswerCapability(answer, waiter.path);
      if (waiting != nullptr) KeepForCall(*waiting, object);
      object->Deliver(std::move(waiter.call), deferred);
      deferred.Drop(std::move(object));
    }
    if (waiter.promise != nullptr && waiter.promise->TryRef()) {
      auto promise = base::Ref<PromiseCapability>::Adopt(waiter.promise);
      base::Ref<Capability> object = AnswerCapability(answer, waiter.path);
      promise->Resolve(object, deferred);
      deferred.Drop(std::move(object));
      deferred.Drop(std::move(promise));
    }
    if (waiter.passed_to) {
      if (waiting != nullptr) KeepForCall(*waiting, waiter.passed_to);
      deferred.Drop(std::move(waiter.passed_to));
    }
  }
  answer.waiting.clear();
  answer.promised.clear();
  answer.awaited = 0;
}

base::Ref<Capability> Connection::AnswerCapability(Answer& answer, const PipelinePath& path) {
  if (answer.tail) return TailCall::Inside(*this, answer.tail, path);
  if (!answer.error.ok()) return BrokenCapability(answer.error);
  if (answer.results == nullptr) {
    return BrokenCapability(
        absl::InvalidArgumentError("a call on an answer that holds no capability"));
  }
  return answer.results->Get(path);
}

void Connection::DropResults(Answer& answer, Deferred& deferred) {
  if (answer.tail) deferred.Then([tail = std::move(answer.tail)]() mutable { tail = nullptr; });
  if (answer.results == nullptr) return;
  deferred.Then([results = std::move(answer.results)] {});  // dropped with the task
}

}  // namespace drover::rpc

// Calls of ours: sent, and cancelled.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {
namespace {

// Calls of a thread that is collecting answers one by one leave together, up to this much.
constexpr size_t kMostWaitingBytes = 16 * 1024;

}  // namespace

// A thread that takes an answer which is already here and makes the next call keeps a window of
// calls in flight. While more answers wait for it, its call waits too, so that a whole window
// leaves in one write; the last one of the window, a wait, or a tick (1 ms) sends them all.
bool Connection::CanWait() {
  int& credit = async::ThreadContext::Current().collected;
  if (credit == 0) return false;
  credit = 0;
  return uncollected_.load(std::memory_order_relaxed) > 0 &&
         state_.send.bytes() < kMostWaitingBytes;
}

void Connection::SendCall(CallTarget target, OutgoingCall call, base::Ref<ReturnHandler> handler) {
  if (InForkedChild()) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat("the connection to ", options_.name, " belongs to the parent process")));
    return;
  }
  absl::Status lost;
  absl::Status refused;
  QuestionId id;
  base::Ref<Capability> elsewhere;
  bool waits = false;
  Deferred deferred;
  {
    base::MutexLock lock(&mu_);
    lost = state_.closed;
    if (lost.ok() && state_.write_failed) {
      lost = absl::UnavailableError(
          absl::StrCat("the connection to ", options_.name, " ended: the peer closed it"));
    }
    if (lost.ok() && target.kind == CallTarget::Kind::kBootstrap && !state_.bootstrap) {
      lost = absl::UnavailableError("the connection has no front object any more");
    }
    if (lost.ok()) {
      auto message_target = call.call().getTarget();
      if (target.kind == CallTarget::Kind::kImport) {
        message_target.setImportedCap(target.import.value());
      } else if (const base::Ref<Capability>& front = state_.bootstrap->front; !front) {
        message_target.initPromisedAnswer().setQuestionId(state_.bootstrap->question.value());
      } else if (front->kind() == Capability::Kind::kRemote &&
                 &static_cast<RemoteCapability&>(*front).connection() == this) {
        message_target.setImportedCap(static_cast<RemoteCapability&>(*front).id().value());
      } else {
        elsewhere = front;
      }
    }
    if (lost.ok() && !elsewhere) refused = CheckBacklog();
    if (lost.ok() && !elsewhere && refused.ok()) {
      id = state_.questions.Add(Question{handler, {}});
      call.call().setQuestionId(id.value());
      Question* question = state_.questions.Find(id);
      if (!call.caps().list().empty()) {
        Describe(call.caps(), call.call().getParams(), &question->param_exports);
      }
      refused = CheckExports();
      if (refused.ok()) refused = CheckFrame(call.message()->FrameBytes());
      if (refused.ok()) {
        waits = CanWait();
        Queue(call.message(), waits ? Urgency::kCanWait : Urgency::kNow);
      } else {
        state_.fds.clear();
        ReleaseExports(question->param_exports, deferred)
            .IgnoreError();           // they were added just now
        state_.questions.Remove(id);  // nobody has heard of it
      }
    }
  }
  deferred.FinishOnPool();
  if (!lost.ok()) {
    handler->OnLost(lost);
  } else if (!refused.ok()) {
    handler->OnError(refused);
  } else if (elsewhere) {
    elsewhere->Send(std::move(call), std::move(handler));
  } else {
    handler->OnSent(base::Ref<Connection>::Share(this), id);
    if (waits) {
      RequestTick();
    } else {
      FlushUnlessCorked();
    }
  }
}

bool Connection::CancelQuestion(QuestionId id, const ReturnHandler* handler) {
  if (InForkedChild()) return false;
  base::Ref<ReturnHandler> dropped;
  {
    base::MutexLock lock(&mu_);
    Question* question = state_.open() ? state_.questions.Find(id) : nullptr;
    if (question == nullptr || question->handler.get() != handler) return false;
    dropped = std::move(question->handler);
    QueueFinish(id, /*release_result_caps=*/true);
  }
  Flush();
  return true;
}

}  // namespace drover::rpc

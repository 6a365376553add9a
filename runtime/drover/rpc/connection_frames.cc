// What becomes of the frames that one read has brought: each is handled, the last call that user
// code answers runs here, and the replies leave together.
#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/async/dedicated_reader.h"
#include "drover/async/inline_clock.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/rpc/batching.h"
#include "drover/rpc/connection.h"

namespace drover::rpc {
namespace {

// The connection whose frames this thread is handling: its replies leave together, unless it is
// known that this is the last.
struct Cork {
  const Connection* connection = nullptr;
  bool last = false;
  bool running = false;  // user code, inline
};
thread_local Cork cork;

}  // namespace

bool Connection::Corked(size_t queued_bytes) const {
  if (cork.connection != this || cork.last || queued_bytes >= kMostWaitingReplyBytes) return false;
  // Unless the reading went to another thread meanwhile: then this one has nothing to wait for.
  return !cork.running || async::ThreadContext::Current().slot->KeepsReading();
}

void Connection::FlushUnlessCorked() {
  if (!Corked(/*queued_bytes=*/0)) Flush();
}

bool Connection::HandleFrames(async::DedicatedReader* reader) {
  const async::NoUserCodeScope no_user_code;
  async::ThreadPool& pool = runtime_.pool();
  const Cork outer = std::exchange(cork, {.connection = this});
  int64_t corked_until = 0;
  bool kept = true;
  bool whole = false;
  Deferred deferred;
  async::InlineClock& clock = async::ThreadContext::Current().clock;
  clock.Forget();
  while (kept && read_.reader.pending() > 0 && !ended_.load(std::memory_order_relaxed)) {
    wire::Frame frame;
    absl::Status problem;
    if (!read_.reader.TakeOrdinary(&frame)) {
      const absl::StatusOr<bool> next =
          read_.reader.Next(&frame, SharedMemoryUpgrade::InputArena(*this));
      if (next.ok() && !*next) break;
      problem = next.status();
    }
    if (problem.ok() && !read_.arrived_fds.empty()) TakeFrameFds();
    if (problem.ok()) problem = HandleFrame(std::move(frame), deferred);
    if (!read_.frame_fds.empty())
      read_.frame_fds.clear();  // those that belong to nothing are closed
    whole = true;
    if (read_.frame_watch.expects_first()) StopExpectingFirstFrame();
    deferred.FinishTasks();
    if (overstepped_.load(std::memory_order_relaxed)) EndIfOverstepped();
    if (!problem.ok()) {
      Abort(problem);
      break;
    }
    auto& work = deferred.work();
    if (work.empty()) {
      clock.Forget();
      continue;
    }
    for (size_t i = 0; i < work.size(); ++i) {
      // Only the last one runs here: the others must not wait behind it.
      if (reader != nullptr && i + 1 == work.size() && !pool.Exhausted()) {
        cork.last = read_.reader.pending() == 0;
        cork.running = true;
        kept = RunHere(work[i], *reader);
        cork.last = cork.running = false;
      } else {
        RunOnPool(std::move(work[i]));
        clock.Forget();
      }
    }
    work.clear();
    if (!kept || read_.reader.pending() == 0) continue;
    const int64_t now = clock.Latest();
    if (corked_until == 0) corked_until = now + MostReplyWaitNanos();
    if (now < corked_until) continue;
    Flush();
    clock.Forget();
    corked_until = now + MostReplyWaitNanos();
  }
  if (kept && !read_.finished.empty()) {
    FinishAnswers(deferred);
    deferred.FinishTasks();
  }
  cork = outer;
  Flush();
  if (kept && shared_.wanted.load(std::memory_order_relaxed)) SharedMemoryUpgrade::AskIfDue(*this);
  if (kept && read_.frame_watch.Note(whole, read_.reader.pending(), terms_->limits.frame_timeout)) {
    CallAt(read_.frame_watch.deadline());
  }
  return kept;
}

}  // namespace drover::rpc

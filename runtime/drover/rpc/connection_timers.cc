// What a connection does when time has passed. A connection that waits for nothing with a limit
// asks for no timer.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "drover/async/steady_clock.h"
#include "drover/base/log.h"
#include "drover/rpc/connection.h"

namespace drover::rpc {
namespace {

// When the time is over although input waits, nobody has come to read it yet (this process was
// stopped, or has no thread to spare): it is looked at again after so long.
constexpr absl::Duration kLookAgain = absl::Milliseconds(100);

}  // namespace

// Sequentially consistent, like the moments that the timer looks at: whoever makes one sooner sees
// the timer that OnTimer has cleared, or OnTimer sees the sooner moment.
void Connection::CallAt(int64_t when) {
  int64_t asked = timer_.load();
  while (when < asked) {
    if (timer_.compare_exchange_weak(asked, when)) {
      runtime_.reactor().CallAt(reactor_id_, when);
      return;
    }
  }
}

void Connection::ExpectFirstFrame() {
  const int64_t deadline =
      FrameWatch::After(async::SteadyNanos(), terms_->limits.handshake_timeout);
  if (deadline == FrameWatch::kNever) return;
  read_.frame_watch.ExpectFirst(deadline);
}

// The first message is here: unless somebody else needs the timer, an idle connection has none.
// (The order matters: a moment that is asked for in between is not lost, at worst it is asked for
// twice.)
void Connection::StopExpectingFirstFrame() {
  read_.frame_watch.FirstCame();
  if (terms_->liveness.pings() || timer_.load() == FrameWatch::kNever) return;
  runtime_.reactor().ForgetCall(reactor_id_);
  timer_.store(FrameWatch::kNever);
}

void Connection::OnTimer() {
  timer_.store(FrameWatch::kNever);
  if (!open()) return;
  const int64_t now = async::SteadyNanos();
  CallAt(CheckFrameDeadline(now));
  CallAt(CheckPing(now));
}

// Returns when it wants to be called again.
int64_t Connection::CheckFrameDeadline(int64_t now) {
  const int64_t deadline = read_.frame_watch.deadline();
  if (now < deadline) return deadline;
  if (InputWaits(deadline, Late::kMessage)) return FrameWatch::After(now, kLookAgain);
  const bool first = read_.frame_watch.expects_first();
  const absl::Duration limit =
      first ? terms_->limits.handshake_timeout : terms_->limits.frame_timeout;
  Abort(absl::DeadlineExceededError(
      absl::StrCat(first ? "the client sent no first message for "
                         : "a message that has begun to arrive is not there after ",
                   absl::FormatDuration(limit),
                   first ? " (limits.handshake_timeout)" : " (limits.frame_timeout)")));
  return FrameWatch::kNever;
}

void Connection::BeginPings() {
  if (!terms_->liveness.pings()) return;
  const int64_t now = async::SteadyNanos();
  pings_.last_input.store(now, std::memory_order_relaxed);
  CallAt(FrameWatch::After(now, terms_->liveness.ping_interval));
}

// Returns when it wants to be called again.
int64_t Connection::CheckPing(int64_t now) {
  const Liveness& liveness = terms_->liveness;
  if (!liveness.pings() || !open()) return FrameWatch::kNever;
  const int64_t last = pings_.last_input.load(std::memory_order_relaxed);
  const int64_t soon = FrameWatch::After(now, liveness.ping_interval);
  if (pings_.pinged_at <= last) {
    const int64_t due = FrameWatch::After(last, liveness.ping_interval);
    if (now < due) return due;
    SendPing(now);
    return std::min(soon, FrameWatch::After(now, liveness.ping_timeout));
  }
  // As long as what was queued before the ping is being taken, the peer is alive.
  const uint64_t written = WithLock([](ConnectionState& s) { return s.written; });
  if (written < pings_.position && written != pings_.written_then) pings_.pinged_at = now;
  pings_.written_then = written;
  const int64_t due = FrameWatch::After(pings_.pinged_at, liveness.ping_timeout);
  if (now < due) return std::min(soon, due);
  if (InputWaits(pings_.pinged_at, Late::kPing)) return FrameWatch::After(now, kLookAgain);
  const auto reason =
      absl::StrCat("no answer to a ping for ", absl::FormatDuration(liveness.ping_timeout));
  DROVER_LOG(kWarning) << "connection to " << name() << " ended: " << reason;
  Close(absl::UnavailableError(reason));
  return FrameWatch::kNever;
}

// A message that the protocol once had and nobody implements: each peer echoes it as
// "unimplemented", the stock runtime included, and has neither a table entry nor an object for it.
// A Bootstrap would be answered too, but makes the peer find its front object, export it and take a
// Finish; a Call needs an object there to call, which a client may not have.
void Connection::SendPing(int64_t now) {
  pings_.pinged_at = now;
  wire::OutMessagePtr message = wire::OutMessage::New();
  message->builder().initRoot<protocol::Message>().initObsoleteSave();
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return;
    Queue(message, Urgency::kNow);
    pings_.written_then = state_.written;
    pings_.position = state_.written + state_.unwritten();
  }
  Flush();
}

bool Connection::InputWaits(int64_t incident, Late what) {
  base::MutexLock lock(&read_mu_);
  return stream_ != nullptr && SharedMemoryUpgrade::InputWaits(*this, incident, what);
}

}  // namespace drover::rpc

// What a connection does when time has passed. A connection that waits for nothing with a limit
// asks for no timer.
#include <poll.h>

#include "absl/strings/str_cat.h"
#include "drover/async/steady_clock.h"
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
      FrameWatch::After(async::SteadyNanos(), options_.limits.handshake_timeout);
  if (deadline == FrameWatch::kNever) return;
  frame_watch_.ExpectFirst(deadline);
  CallAt(deadline);
}

void Connection::OnTimer() {
  timer_.store(FrameWatch::kNever);
  if (!open()) return;
  CallAt(CheckFrameDeadline(async::SteadyNanos()));
}

// Returns when it wants to be called again.
int64_t Connection::CheckFrameDeadline(int64_t now) {
  const int64_t deadline = frame_watch_.deadline();
  if (now < deadline) return deadline;
  if (InputWaits()) return FrameWatch::After(now, kLookAgain);
  const bool first = frame_watch_.expects_first();
  const absl::Duration limit =
      first ? options_.limits.handshake_timeout : options_.limits.frame_timeout;
  Abort(absl::DeadlineExceededError(
      absl::StrCat(first ? "the client sent no first message for "
                         : "a message that has begun to arrive is not there after ",
                   absl::FormatDuration(limit),
                   first ? " (limits.handshake_timeout)" : " (limits.frame_timeout)")));
  return FrameWatch::kNever;
}

bool Connection::InputWaits() {
  base::MutexLock lock(&read_mu_);
  if (stream_ == nullptr) return false;
  pollfd poll_fd{.fd = stream_->fd(), .events = POLLIN, .revents = 0};
  return poll(&poll_fd, 1, 0) > 0;
}

}  // namespace drover::rpc

// The runtime's part in reading a connection: the reactor's events and ticks, threads that stay
// with a busy connection, and threads that take over from an inline call that did not come back.
#include <sys/epoll.h>

#include <utility>

#include "drover/async/busy_connections.h"
#include "drover/async/dedicated_reader.h"
#include "drover/async/dispatch_predictor.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {
namespace {

// How long the thread in the reactor stays with one connection before it looks at the others.
constexpr int64_t kStayNanos = 200'000;
// How long a thread waits for the next message of a connection that it is dedicated to.
constexpr absl::Duration kDedicatedPatience = absl::Milliseconds(10);
// A turn in which a client makes a connection and its first call takes longer than one in which it
// makes a call; one that is still longer is that of a process that computes.
constexpr int64_t kGreetingNanos = async::Crowd::kLongTurnNanos;

// On a thread that holds `reading`, or nothing if that is null. False if it blocked: then the
// thread does not hold it any more.
bool RunInline(Work& work, async::DispatchPredictor::Key method, async::Baton* reading,
               async::DispatchPredictor& predictor) {
  async::ThreadContext& context = async::ThreadContext::Current();
  context.slot->set_subject(method);
  // Not the thread's while the code runs: it may be handed over at any moment, and who believes to
  // have it wakes nobody for a timer.
  async::Reactor* const reactor = std::exchange(context.reactor, nullptr);
  context.slot->Begin(reading, reactor);
  work.Run();
  if (context.slot->End()) {
    context.reactor = reactor;
    return true;
  }
  if (const uint64_t subject = context.slot->subject(); subject != 0) {
    predictor.Note(subject, async::Outcome::kBlocked);
  }
  return false;
}

}  // namespace

// --- user code ----------------------------------------------------------------------------------

// The way that the record of its method asks for. False if the token went away.
bool Connection::RunHere(base::Ref<Work>& work, async::DedicatedReader& reader) {
  async::DispatchPredictor& predictor = runtime_.predictor();
  IncomingCall* const call = work->FirstCall();
  async::InlineClock& clock = async::ThreadContext::Current().clock;
  if (call == nullptr) {
    clock.Forget();
    return RunInline(*work, 0, this, predictor);
  }
  const async::InlineClock::Run run(clock);
  const async::DispatchPredictor::Key method = call->method_key();
  const async::DispatchPredictor::Record record = predictor.Of(method);
  if (record.clean()) return RunInline(*work, method, this, predictor);
  switch (record.Choose(/*others_wait=*/read_.reader.pending() > 0)) {
    case async::Dispatch::kPool:
      call->WatchFor(predictor);
      RunOnPool(std::move(work));
      return true;
    case async::Dispatch::kLend:
      return RunLent(*work, method, reader);
    case async::Dispatch::kInline:
      break;
  }
  const bool kept = RunInline(*work, method, this, predictor);
  if (kept) predictor.Note(method, async::Outcome::kQuick);
  return kept;
}

// With nothing held that others could wait for: whoever waits in epoll reads what comes
// meanwhile. A thread that stays with the connection takes the token back, if nothing came and its
// place was not taken.
bool Connection::RunLent(Work& work, uint64_t method, async::DedicatedReader& reader) {
  Flush();  // replies that waited for this one
  async::ThreadContext& context = async::ThreadContext::Current();
  const bool stays = reader.begun() || (read_.busy && BeginDedicated(reader));
  if (context.reactor != nullptr) {
    context.reactor->HandOver();
    context.reactor = nullptr;
  }
  read_.frame_watch.Note(/*whole=*/true, /*pending=*/0, terms_->limits.frame_timeout);
  if (stays) {
    base::MutexLock lock(&read_mu_);
    meter_.NoteBusy();  // for whoever reads meanwhile
  }
  ReleaseTokenToReactor(/*looks=*/false);
  async::DispatchPredictor& predictor = runtime_.predictor();
  context.clock.Forget();
  if (RunInline(work, method, /*reading=*/nullptr, predictor)) {
    predictor.Note(method, async::Outcome::kQuick);
  }
  async::PlaceApart place;
  if (!stays || !place.Take() || !TakeToken()) return false;
  read_.place = std::move(place);
  return true;
}

// --- reading ------------------------------------------------------------------------------------

void Connection::OnReady(uint32_t events) {
  if ((events & EPOLLOUT) != 0) OnWritable();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) ReadInReactor(/*rang=*/true);
}

void Connection::OnInput() { ReadInReactor(/*rang=*/false); }

bool Connection::HasInput() {
  base::MutexLock lock(&read_mu_);
  return LooksIntoRings() && read_.rings->Unread();
}

bool Connection::StopLooking() {
  base::MutexLock lock(&read_mu_);
  return !LooksIntoRings() || read_.rings->Arm();
}

// Whether there is anything to look for, and nobody else who does.
bool Connection::LooksIntoRings() const {
  return !token_held_.load(std::memory_order_relaxed) && stream_ != nullptr &&
         read_.rings != nullptr && !ended_.load(std::memory_order_acquire);
}

// `rang`: the descriptor told, and not only the memory.
void Connection::ReadInReactor(bool rang) {
  int64_t from;
  {
    base::MutexLock lock(&read_mu_);
    if (token_held_ || stream_ == nullptr) {
      // Somebody reads and will see it; whoever lets go of the token watches again.
      if (stream_ != nullptr) SetInterest(interest_ & ~uint32_t{EPOLLIN});
      return;
    }
    token_held_ = true;
    read_.busy = meter_.NoteReady();
    if (rang && read_.rings != nullptr) read_.rings->NoteBell();
    from = meter_.last();
  }
  async::DedicatedReader dedicated;
  ReadAsRuntime(dedicated);
  // A thread that stayed, or that is not in the reactor any more, has kept nobody waiting.
  const bool delayed_others =
      !dedicated.begun() && async::ThreadContext::Current().reactor != nullptr;
  if (async::BusyConnections& busy = async::BusyConnections::Get();
      delayed_others && busy.together()) {
    const int64_t now = async::SteadyNanos();
    busy.NoteTurn(now - from, now);
  }
}

void Connection::ReadAsRuntime(async::DedicatedReader& dedicated) {
  const async::BusyConnections& busy = async::BusyConnections::Get();
  int64_t leave = 0;
  read_.drained = false;
  // One that was ended by another thread just now may not have been shut down.
  while (!ended_.load(std::memory_order_acquire)) {
    ReadResult result =
        read_.drained ? ReadResult::kNothing : ReadOnce(transport::Wait::kDontBlock);
    if (result == ReadResult::kNothing) {
      if (busy.together()) break;
      if (followers_wait_.load(std::memory_order_relaxed)) break;
      if (const int64_t nanos = read_.spin.Next(); nanos > 0) {
        const int64_t now = async::SteadyNanos();
        if (leave == 0) leave = now + kStayNanos;
        if (now >= leave && !dedicated.begun()) break;
        result = SpinForInput(nanos, nullptr, absl::InfiniteFuture());
      }
    }
    if (result == ReadResult::kNothing && read_.fresh && read_.yield.enabled()) {
      result = YieldForInput(async::ThreadContext::Current().greeting, kGreetingNanos);
    }
    if (result == ReadResult::kNothing) {
      if (!dedicated.begun() && !(read_.busy && BeginDedicated(dedicated))) break;
      result = YieldForInput(read_.yield, async::YieldBudget::kWorthNanos);
      if (result == ReadResult::kNothing) result = ReadOnce(transport::Wait::kBlock);
      if (result == ReadResult::kNothing) break;  // quiet for kDedicatedPatience
    }
    if (result == ReadResult::kEnded) break;
    if (!HandleFrames(&dedicated)) return;  // the token went to another thread
    // One that always has more must not keep the others, and the timers, waiting; nor one whose
    // client makes its next call whenever it is let run.
    if ((!read_.drained || read_.fresh) && !dedicated.begun() &&
        async::ThreadContext::Current().reactor != nullptr) {
      const int64_t now = async::SteadyNanos();
      if (leave == 0) leave = now + kStayNanos;
      if (now >= leave && !(read_.busy && BeginDedicated(dedicated))) break;
    }
  }
  const bool busy_together = read_.busy && busy.together();
  read_.busy = read_.fresh = false;
  ReleaseTokenToReactor(busy_together);
}

bool Connection::BeginDedicated(async::DedicatedReader& dedicated) {
  if (!read_.place.Take()) return false;
  dedicated.Begin(runtime_.pool());
  SharedMemoryUpgrade::Input(*this).SetReadLimit(kDedicatedPatience);
  base::MutexLock lock(&read_mu_);
  SetInterest(interest_ & ~uint32_t{EPOLLIN});
  return true;
}

// `looks`: the thread in the reactor, if this is it, looks for input where it lies in memory.
void Connection::ReleaseTokenToReactor(bool looks) {
  read_.place.GiveBack();
  Rest();
  // Most clients have sent their first message by now, and nothing was asked of the reactor.
  if (read_.frame_watch.expects_first()) CallAt(read_.frame_watch.deadline());
  {
    base::MutexLock lock(&read_mu_);
    if (ended_.load(std::memory_order_acquire)) {
      token_held_ = false;
    } else if (PromoteFollower()) {
      SetInterest(interest_ & ~uint32_t{EPOLLIN});
    } else {
      token_held_ = false;
      if (looks && read_.rings != nullptr &&
          async::ThreadContext::Current().reactor == &runtime_.reactor()) {
        SetInterest(interest_ | EPOLLIN);  // for the peer's end
        runtime_.reactor().LookAt(*this, meter_.last());
      } else {
        WatchForInput();
      }
    }
  }
  if (ended_.load(std::memory_order_acquire)) CloseStreamIfUnused();
}

void Connection::HandOver() {
  // Whoever goes on with the reading asks for one again. The thread that has lost it may be held up
  // for long, and while it kept the place another busy connection would go without.
  read_.place.GiveBack();
  auto self = base::Ref<Connection>::Share(this);
  async::ThreadPool& pool = runtime_.pool();
  pool.Post([self] { self->ResumeReading(); });
}

void Connection::ResumeReading() {
  async::ThreadPool::NotBusy not_busy(runtime_.pool());
  Flush();  // replies that waited for the call that did not come back
  async::DedicatedReader dedicated;
  if (!HandleFrames(&dedicated)) return;
  ReadAsRuntime(dedicated);
}

bool Connection::OnTick() {
  // What was queued before this leaves now; whoever queues something later asks for another tick.
  // (The lock in Write() orders the two, which a look at queued_ would not.)
  ticking_.store(false, std::memory_order_seq_cst);
  Write(/*also_what_can_wait=*/true);
  base::MutexLock lock(&read_mu_);
  if (!ended_.load(std::memory_order_acquire) && stream_ != nullptr) {
    if (uses_ != uses_at_tick_) {
      uses_at_tick_ = uses_;
      ticking_.store(true, std::memory_order_seq_cst);
      return true;
    }
    if (!token_held_) {
      WatchForInput();
      Rest();
    }
  }
  return false;  // a caller that holds the token asks for ticks again when it lets go
}

void Connection::Rest() {
  read_.reader.Rest();
  base::MutexLock lock(&mu_);
  state_.send.Rest();
  if (!state_.writing) batch_.Rest();
}

void Connection::RequestTick() {
  if (ticking_.load(std::memory_order_seq_cst)) return;
  if (ticking_.exchange(true, std::memory_order_seq_cst)) return;
  runtime_.reactor().RequestTick(reactor_id_);
}

void Connection::WatchForInput() {
  if (read_.rings != nullptr && !read_.rings->Arm()) {
    // It came just now, and the peer does not ring for it.
    runtime_.pool().Post([self = base::Ref<Connection>::Share(this)] {
      async::ThreadPool::NotBusy not_busy(self->runtime_.pool());
      self->OnReady(EPOLLIN);
    });
  }
  SetInterest(interest_ | EPOLLIN);
}

void Connection::SetInterest(uint32_t events) {
  if (events == interest_) return;
  async::Reactor& reactor = runtime_.reactor();
  const int input = SharedMemoryUpgrade::InputFd(*this);
  if (input == stream_->fd()) {
    reactor.Watch(reactor_id_, stream_->fd(), interest_, events);
  } else {  // output may still go to the socket
    constexpr uint32_t kOut = EPOLLOUT;
    reactor.Watch(reactor_id_, stream_->fd(), interest_ & kOut, events & kOut);
    reactor.Watch(reactor_id_, input, interest_ & ~kOut, events & ~kOut);
  }
  interest_ = events;
}

}  // namespace drover::rpc

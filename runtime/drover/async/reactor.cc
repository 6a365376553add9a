#include "drover/async/reactor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/busy_connections.h"
#include "drover/async/cpu.h"
#include "drover/async/crowd.h"
#include "drover/async/steady_clock.h"
#include "drover/base/log.h"

namespace drover::async {
namespace {

constexpr int64_t kMilli = 1'000'000;
constexpr int kTickMillis = 1;
// Ticks that only find what the last one found become rarer, up to this.
constexpr int kLongestTickMillis = 8;
constexpr int kMaxEvents = 64;
constexpr int kPollsARound = 4;  // between two looks at the clock
// A wait that lets others run may be longer than one that only polls.
constexpr int64_t kYielding = 4;
// How long a handler is looked at without having had input.
constexpr int64_t kLookNanos = 500'000;

}  // namespace

Reactor::Reactor(base::Ref<ThreadPool> pool, int64_t spin_ns)
    : pool_(std::move(pool)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      spin_(AvailableCpus() > 1 ? spin_ns : 0),
      together_spin_(spin_ns) {
  if (!epoll_.valid() || !wake_.valid()) {
    DROVER_LOG(kError) << "no descriptors left for the reactor";
    std::abort();
  }
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = 0}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

Reactor::~Reactor() = default;

uint64_t Reactor::Register(base::Ref<EventHandler> handler) {
  base::MutexLock lock(&mu_);
  const uint64_t id = next_id_++;
  handlers_[id] = std::move(handler);
  if (!std::exchange(started_, true)) HandOver();
  return id;
}

void Reactor::Unregister(uint64_t id) {
  base::Ref<EventHandler> dropped;  // outlives the lock
  base::MutexLock lock(&mu_);
  ticks_.erase(id);
  timers_.Remove(id);  // next_timer_ may be too soon now: the waiting looks once in vain
  auto it = handlers_.find(id);
  if (it == handlers_.end()) return;
  dropped = std::move(it->second);
  handlers_.erase(it);
}

void Reactor::Watch(uint64_t id, int fd, uint32_t from, uint32_t to) {
  if (from == to) return;
  const int operation = from == 0 ? EPOLL_CTL_ADD : to == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  epoll_event event = {.events = to, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) {
    DROVER_LOG(kError) << "cannot watch descriptor " << fd << ": "
                       << absl::ErrnoToStatus(errno, "epoll_ctl");
  }
}

bool Reactor::HasReady() {
  epoll_event event;
  return LookFindsInput() || epoll_wait(epoll_.get(), &event, 1, 0) > 0;
}

void Reactor::RequestTick(uint64_t id) {
  {
    base::MutexLock lock(&mu_);
    if (!handlers_.contains(id)) return;
    ticks_.insert(id);
    tick_requested_ = true;
    const int interval = tick_millis_.exchange(kTickMillis, std::memory_order_relaxed);
    if (interval == kTickMillis) return;  // as soon as it can be
  }
  WakeUp();
}

void Reactor::CallAt(uint64_t id, int64_t when) {
  {
    base::MutexLock lock(&mu_);
    if (!handlers_.contains(id) || !timers_.Add(id, when)) return;
    next_timer_.store(when, std::memory_order_relaxed);
  }
  // Whoever waits in epoll does so for longer than that; this thread looks before it waits.
  if (ThreadContext::Current().reactor != this) WakeUp();
}

void Reactor::ForgetCall(uint64_t id) {
  base::MutexLock lock(&mu_);
  timers_.Remove(id);
  next_timer_.store(timers_.Soonest(), std::memory_order_relaxed);
}

void Reactor::WakeUp() {
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t n = write(wake_.get(), &one, sizeof(one));  // cannot overflow
}

void Reactor::Stop() {
  stopping_.store(true, std::memory_order_release);
  WakeUp();
}

void Reactor::HandOver() {
  pool_->Post([self = base::Ref<Reactor>::Share(this)] { self->Run(); });
}

base::Ref<EventHandler> Reactor::Find(uint64_t id) {
  base::MutexLock lock(&mu_);
  auto it = handlers_.find(id);
  return it == handlers_.end() ? nullptr : it->second;
}

void Reactor::Run() {
  ThreadContext& context = ThreadContext::Current();
  context.reactor = this;
  const NoUserCodeScope no_user_code;
  ThreadPool::NotBusy not_busy(*pool_);
  pool_->EnterBlocked();
  int64_t last_tick = 0;  // as SteadyNanos
  bool busy = false;      // the last wait brought something
  while (!stopping_.load(std::memory_order_acquire) && context.reactor == this) {
    epoll_event events[kMaxEvents];
    const int interval = tick_millis_.load(std::memory_order_relaxed);
    const bool together = BusyConnections::Get().together();
    if (!together && !StopLooks()) {
      busy = true;
      continue;
    }
    Found found;
    if (together || busy) found = PollUntilDue(events, interval, together);
    if (!found) {
      const bool sleeps = StopLooks();
      if (context.reactor != this) break;
      // The descriptors have their turn in any case: those in memory may always have more.
      found = epoll_wait(epoll_.get(), events, kMaxEvents, sleeps ? WaitMillis(interval) : 0);
      if (*found <= 0) found.reset();
    }
    const int n = found.value_or(0);
    busy = found.has_value();
    for (int i = 0; i < n && context.reactor == this; ++i) {
      if (events[i].data.u64 == 0) {
        uint64_t count;
        [[maybe_unused]] ssize_t got = read(wake_.get(), &count, sizeof(count));
        continue;
      }
      // What is not handled because the baton went is still ready for its next holder.
      base::Ref<EventHandler> handler = Find(events[i].data.u64);
      if (handler) handler->OnReady(events[i].events);
    }
    if (context.reactor == this && together) HandleLooks();
    if (interval != kNoTicks && context.reactor == this) {
      const int64_t now = SteadyNanos();
      if (now >= last_tick + interval * kMilli) {
        RunTicks();
        last_tick = now;
      }
    }
    if (next_timer_.load(std::memory_order_relaxed) != TimerSet::kNever &&
        context.reactor == this) {
      RunTimers(SteadyNanos());
    }
  }
  context.reactor = nullptr;
  pool_->LeaveBlocked();
}

Reactor::Found Reactor::PollUntilDue(epoll_event* events, int interval, bool together) {
  const int wait = WaitMillis(interval);
  if (wait == 0) return std::nullopt;
  const int64_t usual = together ? kYielding * together_spin_.Next() : spin_.Next();
  if (usual == 0) return std::nullopt;
  const Limit limit = {.nanos = wait > 0 ? std::min(usual, wait * kMilli) : usual, .usual = usual};
  return together ? YieldingPoll(events, limit) : Poll(events, limit);
}

Reactor::Found Reactor::Poll(epoll_event* events, Limit limit) {
  Crowd& crowd = ThreadContext::Current().crowd;
  int64_t now = SteadyNanos();
  if (crowd.Rests(now)) return std::nullopt;
  const int64_t began = now;
  const int64_t give_up = now + limit.nanos;
  for (uint32_t round = 0; now < give_up; ++round) {
    for (int polls = crowd.crowded() ? 1 : kPollsARound; polls > 0; --polls) {
      const int n = epoll_wait(epoll_.get(), events, kMaxEvents, 0);
      if (n <= 0) continue;
      ReportPoll(spin_, /*paid=*/true, now - began, limit);  // as of the last look at the clock
      return n;
    }
    now = SteadyNanos();
    if (crowd.WantsYield(round) && !crowd.Yield(&now)) break;
  }
  const int n = epoll_wait(epoll_.get(), events, kMaxEvents, 0);  // as of the last turn of others
  ReportPoll(spin_, /*paid=*/n > 0, now - began, limit);
  return n > 0 ? Found(n) : std::nullopt;
}

Reactor::Found Reactor::YieldingPoll(epoll_event* events, Limit limit) {
  Crowd& crowd = ThreadContext::Current().crowd;
  const int64_t began = SteadyNanos();
  if (crowd.Rests(began)) return std::nullopt;
  Found found;
  // First the others: more will be ready then. And who never yields where others do takes their
  // turns from them, because the scheduler counts a yield as time that was used.
  if (int64_t now = began; crowd.crowded()) crowd.Yield(&now);
  YieldUntil(crowd, limit.nanos, [&] {
    const int n = epoll_wait(epoll_.get(), events, kMaxEvents, 0);
    if (n > 0 || LookFindsInput()) found = std::max(n, 0);
    return found.has_value();
  });
  ReportPoll(together_spin_, /*paid=*/found.has_value(), SteadyNanos() - began, limit);
  return found;
}

void Reactor::ReportPoll(SpinBudget& budget, bool paid, int64_t took, Limit limit) {
  if (!paid && limit.nanos < limit.usual) {
    cut_nanos_ += took;
    if (cut_nanos_ < limit.usual) return;
  }
  cut_nanos_ = 0;
  budget.Report(paid, took);
}

// --- those that are looked at -------------------------------------------------------------------

void Reactor::LookAt(EventHandler& handler, int64_t now) {
  handler.look_until_ = now + kLookNanos;
  if (std::exchange(handler.looked_at_, true)) return;
  looks_.push_back(base::Ref<EventHandler>::Share(&handler));
}

base::Ref<EventHandler> Reactor::TakeLook(size_t at) {
  std::swap(looks_[at], looks_.back());
  base::Ref<EventHandler> taken = std::move(looks_.back());
  looks_.pop_back();
  taken->looked_at_ = false;
  return taken;
}

bool Reactor::LookFindsInput() const {
  return std::any_of(looks_.begin(), looks_.end(),
                     [](const base::Ref<EventHandler>& handler) { return handler->HasInput(); });
}

void Reactor::HandleLooks() {
  const ThreadContext& context = ThreadContext::Current();
  const int64_t now = SteadyNanos();
  for (size_t i = 0; context.reactor == this && i < looks_.size();) {
    base::Ref<EventHandler> handler = looks_[i];
    if (handler->HasInput()) {
      handler->OnInput();
    } else if (now >= handler->look_until_) {
      handler = TakeLook(i);
      if (!handler->StopLooking()) handler->OnInput();
      continue;
    }
    ++i;
  }
}

bool Reactor::StopLooks() {
  while (!looks_.empty()) {
    const base::Ref<EventHandler> handler = TakeLook(looks_.size() - 1);
    if (handler->StopLooking()) continue;
    handler->OnInput();
    return false;
  }
  return true;
}

// --- ticks and timers ---------------------------------------------------------------------------

int Reactor::WaitMillis(int interval) const {
  const int64_t next = next_timer_.load(std::memory_order_relaxed);
  if (next == TimerSet::kNever) return interval;
  const int64_t left = (next - SteadyNanos() + 999'999) / 1'000'000;
  const int most = interval == kNoTicks ? std::numeric_limits<int>::max() : interval;
  return static_cast<int>(std::clamp<int64_t>(left, 0, most));
}

void Reactor::RunTimers(int64_t now) {
  if (now < next_timer_.load(std::memory_order_relaxed)) return;
  std::vector<base::Ref<EventHandler>> due;
  {
    base::MutexLock lock(&mu_);
    for (uint64_t id : timers_.TakeDue(now)) {
      auto it = handlers_.find(id);
      if (it != handlers_.end()) due.push_back(it->second);
    }
    next_timer_.store(timers_.Soonest(), std::memory_order_relaxed);
  }
  for (base::Ref<EventHandler>& handler : due) handler->OnTimer();
}

void Reactor::RunTicks() {
  std::vector<std::pair<uint64_t, base::Ref<EventHandler>>> due = std::move(due_);
  int interval;
  {
    base::MutexLock lock(&mu_);
    if (std::exchange(tick_requested_, false)) lingered_ = false;
    interval = tick_millis_.load(std::memory_order_relaxed);
    for (uint64_t id : ticks_) {
      auto it = handlers_.find(id);
      if (it != handlers_.end()) due.emplace_back(id, it->second);
    }
  }
  interval = std::min(2 * interval, kLongestTickMillis);
  for (auto& [id, handler] : due) {
    {
      // Off the list before it is asked, so that a request made meanwhile is not lost.
      base::MutexLock lock(&mu_);
      ticks_.erase(id);
    }
    if (handler->OnTick()) {
      base::MutexLock lock(&mu_);
      if (handlers_.contains(id)) ticks_.insert(id);
    } else {
      interval = kTickMillis;
    }
  }
  due.clear();
  due_ = std::move(due);
  base::MutexLock lock(&mu_);
  // A tick after the last one that anybody wanted: whoever asks for one again and again, as a
  // client that connects anew for each call does, need not wake this thread each time.
  if (ticks_.empty()) interval = std::exchange(lingered_, true) ? kNoTicks : kTickMillis;
  if (!tick_requested_) tick_millis_.store(interval, std::memory_order_relaxed);
}

}  // namespace drover::async

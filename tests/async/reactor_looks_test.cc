// The reactor where input lies in memory: it looks for it as long as it is awake, and has the
// descriptor tell before it sleeps.
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "drover/async/future.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "drover/base/unique_fd.h"
#include "gtest/gtest.h"
#include "support/served_together.h"
#include "support/until.h"

namespace drover::async {
namespace {

using testing_support::Until;

// Any thread puts letters into it, and rings only if the reactor has asked for that.
class Mailbox final : public EventHandler {
 public:
  // `handle` is called for each letter, by the reactor.
  Mailbox(Reactor& reactor, std::function<void()> handle)
      : reactor_(reactor), handle_(std::move(handle)) {}

  uint64_t Open() {
    const uint64_t id = reactor_.Register(base::Ref<EventHandler>::Share(this));
    reactor_.Watch(id, bell_.get(), 0, EPOLLIN);
    return id;
  }
  void Put() {
    letters_.fetch_add(1);
    if (!asked_.exchange(false)) return;
    const uint64_t one = 1;
    EXPECT_EQ(write(bell_.get(), &one, sizeof one), ssize_t{sizeof one});
  }

  int handled() const { return handled_.load(); }
  int rings() const { return rings_.load(); }  // that were heard
  int stops() const { return stops_.load(); }

  void OnReady(uint32_t) override {
    uint64_t count;
    EXPECT_EQ(read(bell_.get(), &count, sizeof count), ssize_t{sizeof count});
    rings_.fetch_add(1);
    OnInput();
  }
  bool HasInput() override { return letters_.load() > 0; }
  void OnInput() override {
    asked_.store(false);
    for (int left = letters_.load(); left > 0; --left) {  // those that are there now
      letters_.fetch_sub(1);
      handle_();
      handled_.fetch_add(1);
      if (ThreadContext::Current().reactor != &reactor_) return;
    }
    reactor_.LookAt(*this, SteadyNanos());
  }
  bool StopLooking() override {
    asked_.store(true);
    const bool none = letters_.load() == 0;
    stops_.fetch_add(1);
    return none;
  }
  void OnTimer() override { rang.Set(absl::OkStatus()); }
  void HandOver() override {}

  Promise<void> rang;  // a timer

 private:
  Reactor& reactor_;
  const std::function<void()> handle_;
  const base::UniqueFd bell_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<int> letters_{0}, handled_{0}, rings_{0}, stops_{0};
  std::atomic<bool> asked_{true};
};

class ReactorLooks : public testing::Test {
 protected:
  static void SetUpTestSuite() { testing_support::UseFewCpus(); }

  ~ReactorLooks() override { runtime_.reset(); }  // while those that it calls are there

  Reactor& reactor() { return runtime_->reactor(); }

  base::Ref<Mailbox> Make(std::function<void()> handle) {
    auto mailbox = base::MakeRef<Mailbox>(reactor(), [handle = std::move(handle)] {
      testing_support::NoteThatManyAreBusy();
      handle();
    });
    mailbox->Open();
    return mailbox;
  }

  // Two that write to each other, so many letters, of which this puts the first; if there are more
  // than anybody counts, as long as the runtime lives.
  static constexpr int kForEver = -1;
  void Correspond(int letters) {
    left_.store(letters == kForEver ? kForEver : letters - 1);
    pong_->Put();
  }
  int handled() const { return ping_->handled() + pong_->handled(); }
  int rings() const { return ping_->rings() + pong_->rings(); }
  void ExpectThatTheyGoOn() const {
    const int before = handled();
    Until([&] { return handled() > before + 100; });
  }

  std::optional<Runtime> runtime_{std::in_place};
  const base::Ref<Mailbox> ping_ = Make([this] { Answer(*pong_); });
  const base::Ref<Mailbox> pong_ = Make([this] { Answer(*ping_); });

 private:
  void Answer(Mailbox& to) {
    if (left_.load() == 0) return;
    if (left_.load() != kForEver) left_.fetch_sub(1);
    to.Put();
  }

  std::atomic<int> left_{0};
};

TEST_F(ReactorLooks, HearsOfInputWithoutARingWhileItIsAwake) {
  constexpr int kLetters = 1000;
  // It may rest, or be held up, now and then; not each time.
  for (int rung = kLetters; rung > 3;) {
    const int heard = rings();
    const int goal = handled() + kLetters;
    Correspond(kLetters);
    Until([&] { return handled() == goal; });
    rung = rings() - heard;
  }
}

TEST_F(ReactorLooks, HasTheDescriptorTellBeforeItSleeps) {
  for (int i = 1; i <= 200; ++i) {
    const int stops = pong_->stops();
    Correspond(1);
    Until([&] { return pong_->handled() == i && pong_->stops() > stops; });
  }
  EXPECT_EQ(pong_->rings(), 200);
}

TEST_F(ReactorLooks, LosesNothingThatComesWhileItFallsAsleep) {
  constexpr int kLetters = 20'000;
  Correspond(1);
  for (int i = 2; i <= kLetters; ++i) {
    pong_->Put();
    if (i % 8 == 0) Until([&] { return pong_->handled() == i; });
  }
  Until([&] { return pong_->handled() == kLetters; });
}

TEST_F(ReactorLooks, LooksNoLongerAtOneThatIsQuietWhileOthersAreBusy) {
  const base::Ref<Mailbox> quiet = Make([] {});
  Correspond(kForEver);
  quiet->Put();
  Until([&] { return quiet->handled() == 1 && quiet->stops() > 0; });
  ExpectThatTheyGoOn();
  quiet->Put();  // which rings
  Until([&] { return quiet->handled() == 2; });
  EXPECT_EQ(quiet->rings(), 2);
}

TEST_F(ReactorLooks, LeavesDescriptorsTheirTurn) {
  Correspond(kForEver);
  for (int i = 1; i <= 20; ++i) {
    const base::Ref<Mailbox> other = Make([] {});
    other->Put();
    Until([&] { return other->rings() == 1; });
  }
  ExpectThatTheyGoOn();
}

TEST_F(ReactorLooks, LeavesDescriptorsTheirTurnWhereNobodyPollsAndOneAlwaysHasMore) {
  runtime_.emplace(RuntimeOptions{.spin = absl::ZeroDuration()});
  base::Ref<Mailbox> restless;
  restless = Make([&] { restless->Put(); });
  restless->Put();
  for (int i = 1; i <= 20; ++i) {
    const base::Ref<Mailbox> other = Make([] {});
    other->Put();
    Until([&] { return other->rings() == 1; });
  }
  runtime_.reset();
}

TEST_F(ReactorLooks, LeavesTimersTheirTurn) {
  const auto timed = base::MakeRef<Mailbox>(reactor(), [] {});
  Correspond(kForEver);
  reactor().CallAt(timed->Open(), SteadyNanos() + 5'000'000);
  EXPECT_EQ(timed->rang.future().Get(), absl::OkStatus());
  ExpectThatTheyGoOn();
}

TEST_F(ReactorLooks, GoesOnWithAnotherThreadWhereOneIsHeldUp) {
  std::atomic<bool> held{false}, go{false}, gone{false};
  const base::Ref<Mailbox> slow = Make([&] {
    ThreadContext& context = ThreadContext::Current();
    std::exchange(context.reactor, nullptr)->HandOver();
    held.store(true);
    Until([&] { return go.load(); });
    gone.store(true);
  });
  Correspond(kForEver);
  slow->Put();
  Until([&] { return held.load(); });
  ExpectThatTheyGoOn();
  go.store(true);
  Until([&] { return gone.load(); });
}

TEST_F(ReactorLooks, EndsWithItsRuntime) {
  Correspond(kForEver);
  ExpectThatTheyGoOn();
  runtime_.reset();
}

}  // namespace
}  // namespace drover::async

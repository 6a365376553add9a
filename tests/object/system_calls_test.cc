// What a blocking call costs of the kernel once everything is warm and nobody polls: one send and
// one receive on either side. The system calls that Drover makes are counted here, thread by
// thread, in the C library's functions for them. What that library does by itself is not seen:
// locks of its own, which Drover does not use, and memory, for which see steady_state_test.cc.
//
// Not built with the sanitizers, which have such functions of their own.
#include <dlfcn.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "drover/async/runtime.h"
#include "drover/base/unique_fd.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/scripted_peer.h"
#include "support/temp_dir.h"

namespace {

struct Counts {
  uint32_t sends = 0;
  uint32_t receives = 0;
  uint32_t others = 0;

  Counts& operator+=(const Counts& more) {
    sends += more.sends;
    receives += more.receives;
    others += more.others;
    return *this;
  }
  friend Counts operator-(const Counts& a, const Counts& b) {
    return {a.sends - b.sends, a.receives - b.receives, a.others - b.others};
  }
  bool operator==(const Counts&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Counts& c) {
    return out << c.sends << " sends, " << c.receives << " receives, " << c.others << " others";
  }
};

thread_local constinit Counts counts;

using SystemCall = long (*)(long number, ...);
SystemCall Real() {
  static const auto real = reinterpret_cast<SystemCall>(dlsym(RTLD_NEXT, "syscall"));
  return real;
}

template <class... Args>
long Count(long number, Args... args) {
  switch (number) {
    case SYS_sendto:
    case SYS_sendmsg:
      ++counts.sends;
      break;
    case SYS_recvfrom:
    case SYS_recvmsg:
      ++counts.receives;
      break;
    default:
      ++counts.others;
  }
  return Real()(number, args...);
}

}  // namespace

extern "C" {

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long args[6];
  for (long& arg : args) arg = va_arg(list, long);  // as the kernel has it: all it may take
  va_end(list);
  return Count(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

ssize_t send(int fd, const void* from, size_t size, int flags) {
  return Count(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
ssize_t sendto(int fd, const void* from, size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  return Count(SYS_sendto, fd, from, size, flags, to, to_size);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return Count(SYS_sendmsg, fd, message, flags);
}
ssize_t recv(int fd, void* into, size_t size, int flags) {
  return Count(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}
ssize_t recvfrom(int fd, void* into, size_t size, int flags, sockaddr* from, socklen_t* from_size) {
  return Count(SYS_recvfrom, fd, into, size, flags, from, from_size);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return Count(SYS_recvmsg, fd, message, flags);
}
ssize_t read(int fd, void* into, size_t size) { return Count(SYS_read, fd, into, size); }
ssize_t readv(int fd, const iovec* into, int pieces) { return Count(SYS_readv, fd, into, pieces); }
ssize_t write(int fd, const void* from, size_t size) { return Count(SYS_write, fd, from, size); }
ssize_t writev(int fd, const iovec* from, int pieces) {
  return Count(SYS_writev, fd, from, pieces);
}
int epoll_wait(int fd, epoll_event* events, int most, int millis) {
  return static_cast<int>(Count(SYS_epoll_pwait, fd, events, most, millis, nullptr, 0));
}
int epoll_ctl(int fd, int operation, int of, epoll_event* event) noexcept {
  return static_cast<int>(Count(SYS_epoll_ctl, fd, operation, of, event));
}
int ppoll(pollfd* fds, nfds_t count, const timespec* limit, const sigset_t*) {
  timespec left = limit != nullptr ? *limit : timespec{};  // the kernel changes it
  return static_cast<int>(
      Count(SYS_ppoll, fds, count, limit != nullptr ? &left : nullptr, nullptr, 0));
}
int poll(pollfd* fds, nfds_t count, int millis) {
  const timespec limit{.tv_sec = millis / 1000, .tv_nsec = millis % 1000 * 1'000'000};
  return ppoll(fds, count, millis < 0 ? nullptr : &limit, nullptr);
}
int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  return static_cast<int>(Count(SYS_setsockopt, fd, level, name, value, size));
}
int sched_yield() noexcept { return static_cast<int>(Count(SYS_sched_yield)); }

}  // extern "C"

namespace drover {
namespace {

constexpr uint32_t kCalls = 1000;
constexpr int kMostSeries = 100;

// Counts what the thread that runs it does from one call of Add to the next. Release begins anew;
// Notes gives the number of calls, and the counts.
class CountingCook final : public testing_support::Cook {
 public:
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    if (thread_ == std::this_thread::get_id()) {
      counted_ += counts - seen_;
      ++calls_;
    }
    thread_ = std::this_thread::get_id();
    seen_ = counts;
    return a + b;
  }
  absl::Status Release() override {
    thread_ = {};
    counted_ = {};
    calls_ = 0;
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<uint32_t>> Notes() override {
    return std::vector<uint32_t>{calls_, counted_.sends, counted_.receives, counted_.others};
  }

 private:
  std::thread::id thread_;
  Counts seen_;
  Counts counted_;
  uint32_t calls_ = 0;
};

// A server in a process of its own, and a client here. Neither polls, and they stay on the socket.
class BlockingCalls : public testing::Test {
 protected:
  BlockingCalls() { EXPECT_EQ(up_.Receive(), "serving"); }

  void Call() {
    for (uint32_t i = 0; i < kCalls; ++i) ASSERT_EQ(cook_.Add(i, 1).value(), i + 1);
  }

  const testing_support::TempDir dir_;
  const std::string endpoint_ = "unix://" + dir_.path("cook");
  testing_support::Pipe up_;
  testing_support::ChildProcess server_{[this]() -> int {
    Runtime runtime({.spin = absl::ZeroDuration()});
    const auto server = Serve(endpoint_, std::make_shared<CountingCook>(), {.runtime = &runtime});
    up_.Send(server.ok() ? "serving" : server.status().ToString());
    for (;;) pause();
  }};
  Runtime runtime_{{.spin = absl::ZeroDuration()}};
  const kitchen::CookProxy cook_ =
      Connect<kitchen::CookProxy>(endpoint_, {.runtime = &runtime_, .shared_memory = false});
};

// Where a call came late, a tick has let epoll watch the connection, which the next caller undoes:
// so there are series with more.
TEST_F(BlockingCalls, MakeOneSendAndOneReceiveOnceWarm) {
  constexpr Counts kExpected{.sends = kCalls, .receives = kCalls, .others = 0};
  Counts by_caller;
  for (int series = 0; series < kMostSeries && by_caller != kExpected; ++series) {
    const Counts before = counts;
    Call();
    by_caller = counts - before;
  }
  EXPECT_EQ(by_caller, kExpected);
}

// Now and then that thread wakes the monitor besides, which looks after calls that run where they
// were read. They are counted as long as one thread runs them.
TEST_F(BlockingCalls, TakeOneReceiveAndOneSendOfTheirServerOnceWarm) {
  uint32_t calls = 0;
  Counts by_server;
  const auto as_expected = [&] {
    return calls >= kCalls / 2 && by_server.sends == calls && by_server.receives == calls &&
           by_server.others < calls / 10;
  };
  for (int series = 0; series < kMostSeries && !as_expected(); ++series) {
    ASSERT_EQ(cook_.Release(), absl::OkStatus());
    Call();
    const std::vector<uint32_t> notes = cook_.Notes().value();
    ASSERT_EQ(notes.size(), 4u);
    calls = notes[0];
    by_server = {.sends = notes[1], .receives = notes[2], .others = notes[3]};
  }
  EXPECT_TRUE(as_expected()) << by_server << " in " << calls << " calls";
}

class SystemCalls : public testing::Test {
 protected:
  template <class F>
  static Counts CountsOf(F&& f) {
    const Counts before = counts;
    f();
    return counts - before;
  }

  const std::pair<base::UniqueFd, base::UniqueFd> sockets_ = testing_support::SocketPair();
  const int a_ = sockets_.first.get();
  const int b_ = sockets_.second.get();
  char byte_ = 'x';
  iovec piece_{&byte_, 1};
  msghdr message_{};
};

TEST_F(SystemCalls, ThatSendAreCounted) {
  message_.msg_iov = &piece_;
  message_.msg_iovlen = 1;
  constexpr Counts kOne{.sends = 1, .receives = 0, .others = 0};
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(send(a_, &byte_, 1, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(sendto(a_, &byte_, 1, 0, nullptr, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(sendmsg(a_, &message_, 0), 1); }), kOne);
  EXPECT_EQ(
      CountsOf([&] { EXPECT_EQ(syscall(SYS_sendto, a_, &byte_, size_t{1}, 0, nullptr, 0), 1); }),
      kOne);
}

TEST_F(SystemCalls, ThatReceiveAreCounted) {
  ASSERT_EQ(send(a_, "four", 4, 0), 4);
  message_.msg_iov = &piece_;
  message_.msg_iovlen = 1;
  constexpr Counts kOne{.sends = 0, .receives = 1, .others = 0};
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(recv(b_, &byte_, 1, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(recvfrom(b_, &byte_, 1, 0, nullptr, nullptr), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(recvmsg(b_, &message_, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] {
              EXPECT_EQ(syscall(SYS_recvfrom, b_, &byte_, size_t{1}, 0, nullptr, nullptr), 1);
            }),
            kOne);
  EXPECT_EQ(byte_, 'r');
}

TEST_F(SystemCalls, ThatDoAnythingElseAreCounted) {
  const base::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLOUT, .data = {.u64 = 1}};
  pollfd fds{.fd = a_, .events = POLLOUT, .revents = 0};
  const timespec limit{};
  const int on = 1;
  constexpr Counts kOne{.sends = 0, .receives = 0, .others = 1};
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(write(a_, &byte_, 1), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(writev(a_, &piece_, 1), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(read(b_, &byte_, 1), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(readv(b_, &piece_, 1), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, a_, &event), 0); }),
            kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(epoll_wait(epoll.get(), &event, 1, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(poll(&fds, 1, 0), 1); }), kOne);
  EXPECT_EQ(CountsOf([&] { EXPECT_EQ(ppoll(&fds, 1, &limit, nullptr), 1); }), kOne);
  EXPECT_EQ(
      CountsOf([&] { EXPECT_EQ(setsockopt(a_, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0); }),
      kOne);
  EXPECT_EQ(CountsOf([] { EXPECT_EQ(sched_yield(), 0); }), kOne);
  EXPECT_EQ(CountsOf([] { EXPECT_EQ(syscall(SYS_getpid), getpid()); }), kOne);
}

}  // namespace
}  // namespace drover

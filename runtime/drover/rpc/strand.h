// The queue of one servant: calls and continuations run one at a time, in the order of arrival.
//
//   if (strand->Push(item)) deferred.Run(strand);    // it was idle: somebody must run it
//
// Thread-safe. Push never blocks; Run returns when the queue is empty. A call that finds the strand
// idle, and after which it is idle again, takes no lock.
#ifndef DROVER_RPC_STRAND_H_
#define DROVER_RPC_STRAND_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "drover/async/executor.h"
#include "drover/base/mutex.h"
#include "drover/rpc/call_metadata.h"
#include "drover/rpc/work.h"

namespace drover::rpc {

class Deferred;
class IncomingCall;

class Strand final : public async::Executor, public Work {
 public:
  struct Item {
    base::Ref<IncomingCall> call;  // or
    async::Task task;
  };

  Strand() = default;
  ~Strand() override;

  // True if the strand was idle; the caller then sees to it that Run is called once.
  [[nodiscard]] bool Push(Item item);

  // The same for a call, unless it can never run: the one that runs here is in its chain and waits.
  // Then it gets that as its answer; if the wait begins later, it gets it then.
  [[nodiscard]] bool PushCall(base::Ref<IncomingCall> call, Deferred& deferred);

  // Whether anything that was pushed has not run to its end.
  bool busy() const;

  // The same as Push, until the strand is closed: then nothing is done.
  enum class Pushed { kToRun, kQueued, kClosed };
  [[nodiscard]] Pushed PushUnlessClosed(async::Task& task);
  // Closes it if it is idle; true. Otherwise it is closed as soon as it is, and `closed` runs then,
  // on any thread, no lock held.
  bool CloseWhenIdle(async::Task& closed);

  // As an Executor: runs a continuation in the servant's turn, on the pool.
  void Post(async::Task task) override;
  void BeginWait() override;
  void EndWait() override;

  void Run() override;
  void Reject(const absl::Status& status) override;
  IncomingCall* FirstCall() override { return first_.call.get(); }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  // kWanted: whoever runs it must look under the lock before it is idle.
  enum class State : uint8_t { kIdle, kRunning, kWanted };

  // Takes `item` if the strand is idle, which it is no longer then.
  bool TryStart(Item& item);
  // If it runs, whoever runs it will look under the lock. False if it is idle.
  bool Want() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes what to run next; without anything the strand is idle again.
  bool Next(Item* item);
  // The first of the queue, for whoever runs the strand.
  Item TakeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What is to be done about it.
  async::Task BecomeIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunItem(Item& item);
  bool PushLocked(Item item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the call waits for one that occupies the strand and waits itself.
  bool ClosesCycle(const IncomingCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  // kIdle becomes kRunning and kRunning kIdle without mu_, everything else under it. There is a
  // queue, or on_closed_, only while it is kWanted.
  std::atomic<State> state_{State::kIdle};
  std::deque<Item> queue_ ABSL_GUARDED_BY(mu_);
  std::atomic<uint64_t> occupant_{0};   // chain id of the call that runs; set by whoever runs it
  int waits_ ABSL_GUARDED_BY(mu_) = 0;  // of the code that runs; they nest
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  async::Task on_closed_ ABSL_GUARDED_BY(mu_);  // what CloseWhenIdle was given
  Item first_;  // what the idle strand was given; belongs to whoever is to run it
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_STRAND_H_

// The end of an object, or of a reference to one, for those who want to learn of it. It comes once.
//
//   Future<void> died = life->AwaitEnd();
//   ...
//   life->End(absl::OkStatus());              // completes it
//
// Thread-safe; nothing blocks. End runs no user code, and is called with no lock held.
#ifndef DROVER_RPC_LIFE_H_
#define DROVER_RPC_LIFE_H_

#include <atomic>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"

namespace drover::rpc {

class Life final : public base::RefCounted {
 public:
  // The first reason counts.
  void End(const absl::Status& why);
  bool over() const { return over_.load(std::memory_order_acquire); }

  // Completes with the reason for the end. Dropping it changes nothing.
  Future<void> AwaitEnd();

  // It has turned out to be `other`'s: who waits here waits there.
  void Join(Life& other);

 private:
  using State = base::Ref<async::FutureState<void>>;
  void Add(std::vector<State> states);

  std::atomic<bool> over_{false};
  base::Mutex mu_;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
  std::vector<State> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_LIFE_H_

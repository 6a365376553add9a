// Servants whose calls stay unanswered until the test answers them, and servers for some of them.
//
//   Kitchens kitchens(3);
//   auto answers = Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u);
//   kitchens[1].Take().answer.Set(3);
#ifndef DROVER_TESTS_GROUP_HELD_COOK_H_
#define DROVER_TESTS_GROUP_HELD_COOK_H_

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/base/mutex.h"
#include "drover/drover.h"
#include "kitchen.drover.h"

namespace drover {

class HeldCook : public kitchen::CookAsyncServant {
 public:
  struct Call {
    uint32_t a;
    uint32_t b;
    Promise<uint32_t> answer;
  };

  Future<uint32_t> Add(uint32_t a, uint32_t b) override {
    Promise<uint32_t> promise;
    Future<uint32_t> future = promise.future();
    promise.OnCancel([this] { Count(&cancelled_); });
    base::MutexLock lock(&mu_);
    calls_.push_back(Call{a, b, std::move(promise)});
    changed_.SignalAll();
    return future;
  }
  Future<void> Stop() override {
    Count(&stopped_);
    return absl::OkStatus();
  }
  Future<void> Fail(uint16_t code, std::string message) override {
    return absl::Status(static_cast<absl::StatusCode>(code), message);
  }

  // The oldest call that was not taken; waits for it.
  Call Take() {
    base::MutexLock lock(&mu_);
    while (calls_.empty()) changed_.Wait(&mu_);
    Call call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }
  size_t waiting() {
    base::MutexLock lock(&mu_);
    return calls_.size();
  }
  // Waits until as many calls have been cancelled.
  void AwaitCancelled(int count) {
    base::MutexLock lock(&mu_);
    while (cancelled_ < count) changed_.Wait(&mu_);
  }
  int stopped() {
    base::MutexLock lock(&mu_);
    return stopped_;
  }

 private:
  void Count(int* counter) {
    base::MutexLock lock(&mu_);
    ++*counter;
    changed_.SignalAll();
  }

  base::Mutex mu_;
  base::CondVar changed_;
  std::deque<Call> calls_ ABSL_GUARDED_BY(mu_);
  int cancelled_ = 0;  // guarded by mu_, as the next
  int stopped_ = 0;
};

class Kitchens {
 public:
  explicit Kitchens(int count) {
    for (int i = 0; i < count; ++i) {
      cooks_.push_back(std::make_shared<HeldCook>());
      absl::StatusOr<Server> server =
          Serve("tcp://127.0.0.1:0", cooks_.back(), {.grace = absl::ZeroDuration()});
      if (!server.ok()) std::abort();
      proxies_.push_back(Connect<kitchen::CookProxy>(server->endpoint()));
      servers_.push_back(std::move(*server));
    }
  }

  const std::vector<kitchen::CookProxy>& proxies() const { return proxies_; }
  HeldCook& operator[](int i) { return *cooks_[i]; }
  // Ends a server, and with it the calls it has.
  void Close(int i) { servers_[i]->Shutdown(absl::ZeroDuration()); }

 private:
  std::vector<std::shared_ptr<HeldCook>> cooks_;
  std::vector<std::optional<Server>> servers_;
  std::vector<kitchen::CookProxy> proxies_;
};

}  // namespace drover

#endif  // DROVER_TESTS_GROUP_HELD_COOK_H_

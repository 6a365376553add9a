// Servants of the kitchen's interfaces, for any test of calls.
#ifndef DROVER_TESTS_SUPPORT_COOK_H_
#define DROVER_TESTS_SUPPORT_COOK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "drover/async/sleep.h"
#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/object/server.h"
#include "kitchen.drover.h"
#include "support/gate.h"

namespace drover::testing_support {

// Says what it heard; its destruction can be waited for.
class Parrot : public kitchen::ListenerServant {
 public:
  ~Parrot() override { gone_.Set(absl::OkStatus()); }
  // To be taken once.
  Future<void> Gone() { return gone_.future(); }

  absl::StatusOr<std::string> Heard(std::string text) override { return "heard " + text; }

 private:
  Promise<void> gone_;
};

class Cook : public kitchen::CookServant {
 public:
  static constexpr const char* kPayloadUrl = "type.test/payload";

  // What Wait and Later wait at.
  Gate gate;

  Cook() = default;
  explicit Cook(Gate gate) : gate(std::move(gate)) {}

  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  absl::Status Fail(uint16_t code, std::string message) override {
    absl::Status status(static_cast<absl::StatusCode>(code), message);
    status.SetPayload(kPayloadUrl, absl::Cord("payload of " + message));
    return status;
  }
  absl::StatusOr<std::string> Tell(kitchen::ListenerProxy listener, std::string text) override {
    return listener.Heard(text);
  }
  absl::Status Keep(kitchen::ListenerProxy listener) override {
    kept_ = std::move(listener);
    return absl::OkStatus();
  }
  absl::StatusOr<kitchen::ListenerProxy> Kept() override { return kept_; }
  absl::StatusOr<kitchen::CookProxy> MakeCook() override {
    return kitchen::CookProxy(std::make_shared<Cook>(gate));
  }
  absl::Status Sleep(uint32_t millis) override {
    return drover::SleepFor(absl::Milliseconds(millis));
  }
  absl::Status Wait() override {
    {
      base::MutexLock lock(&mu_);
      ++running_;
      most_ = std::max(most_, running_);
    }
    absl::Status status = gate.Pass();
    base::MutexLock lock(&mu_);
    --running_;
    return status;
  }
  absl::Status Release() override {
    gate.Open();
    return absl::OkStatus();
  }
  absl::StatusOr<kitchen::CookRunningResults> Running() override {
    base::MutexLock lock(&mu_);
    return kitchen::CookRunningResults{.count = running_, .most = most_};
  }
  absl::Status Stop() override { return StopServing(); }
  absl::StatusOr<kitchen::ListenerProxy> Pass(kitchen::ListenerProxy listener) override {
    return listener;
  }
  absl::StatusOr<kitchen::ListenerProxy> Later() override {
    DROVER_RETURN_IF_ERROR(gate.Pass());
    return kept_;
  }
  absl::StatusOr<kitchen::Shelf> Look() override {
    return kitchen::Shelf{.label = "spices", .listener = kept_, .empty = {}};
  }
  absl::Status Note(uint32_t entry) override {
    notes_.push_back(entry);
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<uint32_t>> Notes() override { return notes_; }

 private:
  kitchen::ListenerProxy kept_{std::make_shared<Parrot>()};
  std::vector<uint32_t> notes_;
  base::Mutex mu_;
  uint32_t running_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t most_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_COOK_H_

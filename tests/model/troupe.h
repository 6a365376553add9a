// The servants of the model, all known to one Troupe.
//
//   Troupe troupe(&ledger);
//   ::model::ActorProxy actor(troupe.Hire(0, 0));
//   ...
//   if (auto undecided = troupe.Take(call)) undecided->promise.Set(actor);
//
// Thread-safe. The troupe outlives its actors; alive() says whether any are left.
#ifndef DROVER_TESTS_MODEL_TROUPE_H_
#define DROVER_TESTS_MODEL_TROUPE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "actor.drover.h"
#include "drover/base/mutex.h"
#include "model/ledger.h"

namespace drover::model {

class Troupe {
 public:
  explicit Troupe(Ledger* ledger) : ledger_(*ledger) {}

  // An actor of this vat. What it makes is in the same one.
  std::shared_ptr<::model::ActorAsyncServant> Hire(uint32_t number, size_t vat);

  // What a call of `later` waits for, and the vat that serves it.
  struct Undecided {
    Promise<::model::ActorProxy> promise;
    size_t vat;
  };
  // If the call has come, and this has not been taken.
  std::optional<Undecided> Take(uint32_t call);
  int alive() const { return alive_; }

 private:
  class Actor;

  Ledger& ledger_;
  std::atomic<int> alive_{0};
  base::Mutex mu_;
  std::map<uint32_t, Undecided> undecided_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_TROUPE_H_

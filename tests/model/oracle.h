// The reference model: what each reference stands for, and which ends each call may have. It knows
// nothing of connections, messages and threads.
//
// Not thread-safe.
#ifndef DROVER_TESTS_MODEL_ORACLE_H_
#define DROVER_TESTS_MODEL_ORACLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "model/ledger.h"

namespace drover::model {

// What a reference stands for.
struct Target {
  enum class Kind {
    kServant,  // number `id`
    kNull,     // nothing: a promise of it fails calls with InvalidArgument
    kError,    // no reference: in place of a result, the code `id`
    kResult,   // what call `id` will give, or has given
  };
  Kind kind = Kind::kNull;
  uint32_t id = 0;

  static Target Servant(uint32_t number) { return {Kind::kServant, number}; }
  static Target Null() { return {}; }
  static Target Error(absl::StatusCode code) { return {Kind::kError, static_cast<uint32_t>(code)}; }
  static Target ResultOf(uint32_t call) { return {Kind::kResult, call}; }
};

class Oracle {
 public:
  // A call on `on`. Calls are known by the numbers that the ledger gives them.
  void Call(uint32_t call, Target on, uint32_t epoch) {
    calls_[call].on = on;
    calls_[call].made_in = epoch;
  }
  // What the call's result is, if it runs. A call without a reference in its results has none.
  void Gives(uint32_t call, Target result) { calls_.at(call).result = result; }
  // It runs only if `other` does.
  void IsMadeBy(uint32_t call, uint32_t other) { calls_.at(call).maker = other; }
  void Cancel(uint32_t call) { calls_.at(call).cancelled = true; }
  // Nobody looks at how it ends.
  void Forget(uint32_t call) { calls_.at(call).forgotten = true; }
  // Its future is dropped. It goes on as long as anybody has references into its results, and may
  // end as if it were cancelled when the last of them goes.
  void Drop(uint32_t call) {
    Forget(call);
    Cancel(call);
  }

  // Whether `target` cannot be known before `call` has its result.
  bool DependsOn(Target target, uint32_t call) const;

  // Why the call may not have ended as it has; empty if it may.
  std::string Fault(uint32_t call, const CallRecord& record);
  // What a call was made on, for those who look for a fault.
  std::string Describe(uint32_t call) const;

 private:
  struct Known {
    Target on;
    uint32_t made_in = 0;
    std::optional<Target> result;
    std::optional<uint32_t> maker;
    bool cancelled = false;
    bool forgotten = false;
  };
  // What may come of a call on a target, or of a call.
  struct Ends {
    std::optional<uint32_t> servant;  // who runs it if it is OK
    std::set<absl::StatusCode> codes;
    uint32_t since = UINT32_MAX;  // the first epoch in which any of it began
  };

  bool DependsOn(Target target, uint32_t call, std::set<uint32_t>& seen) const;
  std::string Describe(Target target) const;
  Ends EndsOn(Target target);
  const Ends& EndsOf(uint32_t call);

  std::map<uint32_t, Known> calls_;
  std::map<uint32_t, Ends> ends_;
};

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_ORACLE_H_

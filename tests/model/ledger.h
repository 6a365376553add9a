// What happened to each call: who ran it, and how it ended. Knows at once what may never happen: a
// call that runs twice, ends twice, or runs before one that was made earlier on the same line.
//
// Thread-safe.
#ifndef DROVER_TESTS_MODEL_LEDGER_H_
#define DROVER_TESTS_MODEL_LEDGER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "actor.drover.h"
#include "drover/base/mutex.h"

namespace drover::model {

struct CallRecord {
  std::optional<uint32_t> ran_by;      // the servant's number
  std::optional<absl::Status> status;  // how it ended
  uint32_t ended_in = 0;               // the epoch
};

class Ledger {
 public:
  struct Violation {
    uint32_t call;
    const char* what;
  };

  // Epochs begin with 0 and are told apart by the connections that have been cut.
  void BeginEpoch() {
    base::MutexLock lock(&mu_);
    ++epoch_;
  }
  uint32_t epoch() {
    base::MutexLock lock(&mu_);
    return epoch_;
  }
  // A line of calls that must run in the order in which they got their stamps.
  uint32_t NewLine() {
    base::MutexLock lock(&mu_);
    lines_.emplace_back();
    return static_cast<uint32_t>(lines_.size() - 1);
  }
  ::model::Stamp NewCall(uint32_t line) {
    base::MutexLock lock(&mu_);
    calls_.emplace_back();
    return {.call = static_cast<uint32_t>(calls_.size() - 1),
            .line = line,
            .sequence = ++lines_[line].made};
  }

  void Ran(uint32_t servant, const ::model::Stamp& stamp) {
    base::MutexLock lock(&mu_);
    CallRecord& call = calls_.at(stamp.call);
    if (call.ran_by) violations_.push_back({stamp.call, "ran twice"});
    call.ran_by = servant;
    Line& line = lines_.at(stamp.line);
    if (stamp.sequence <= line.ran)
      violations_.push_back({stamp.call, "ran behind a later one of its line"});
    line.ran = stamp.sequence;
  }
  void Ended(uint32_t call, const absl::Status& status) {
    base::MutexLock lock(&mu_);
    CallRecord& record = calls_.at(call);
    if (record.status) violations_.push_back({call, "ended twice"});
    record.status = status;
    record.ended_in = epoch_;
  }

  size_t size() {
    base::MutexLock lock(&mu_);
    return calls_.size();
  }
  CallRecord record(uint32_t call) {
    base::MutexLock lock(&mu_);
    return calls_.at(call);
  }
  std::vector<Violation> violations() {
    base::MutexLock lock(&mu_);
    return violations_;
  }

 private:
  struct Line {
    uint32_t made = 0;
    uint32_t ran = 0;
  };

  base::Mutex mu_;
  uint32_t epoch_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<CallRecord> calls_ ABSL_GUARDED_BY(mu_);
  std::vector<Line> lines_ ABSL_GUARDED_BY(mu_);
  std::vector<Violation> violations_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_LEDGER_H_

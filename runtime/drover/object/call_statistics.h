// Counts the calls that a server answers, by method: server_stats.h says what is counted.
//
// Thread-safe. Record takes no lock once a method is known, and never blocks.
#ifndef DROVER_OBJECT_CALL_STATISTICS_H_
#define DROVER_OBJECT_CALL_STATISTICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "drover/base/mutex.h"
#include "drover/object/server_stats.h"
#include "drover/rpc/incoming_call.h"

namespace drover::object {

class CallStatistics {
 public:
  CallStatistics() = default;
  CallStatistics(const CallStatistics&) = delete;
  CallStatistics& operator=(const CallStatistics&) = delete;

  // `call` ends with `status`, so long after it began.
  void Record(const rpc::IncomingCall& call, const absl::Status& status, int64_t nanos);
  std::vector<MethodStats> Snapshot() const;

 private:
  using Key = std::pair<uint64_t, uint16_t>;  // the interface, the method
  struct Counters {
    Counters(Key k, std::string n) : key(k), name(std::move(n)) {}
    const Key key;
    const std::string name;
    std::atomic<uint64_t> errors{0};
    std::array<std::atomic<uint64_t>, 45> latency{};  // the last one takes all above 200 days
  };

  Counters& Find(const rpc::IncomingCall& call, const absl::Status& status);
  Counters& Add(Key key, std::string name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Those used lately, by a hash of the key; what is not there is looked up in all_.
  std::array<std::atomic<Counters*>, 64> recent_{};
  mutable base::Mutex mu_;
  absl::flat_hash_map<Key, std::unique_ptr<Counters>> all_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_CALL_STATISTICS_H_

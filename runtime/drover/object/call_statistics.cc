#include "drover/object/call_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace drover {

absl::Duration MethodStats::LatencyQuantile(double share) const {
  const auto enough = static_cast<uint64_t>(std::ceil(share * static_cast<double>(calls)));
  uint64_t seen = 0;
  for (size_t i = 0; i < latency.size(); ++i) {
    seen += latency[i];
    if (seen > 0 && seen >= enough) return absl::Microseconds(int64_t{1} << i);
  }
  return absl::ZeroDuration();
}

namespace object {
namespace {

constexpr size_t kMostMethods = 1000;
// No interface has these ids: Cap'n Proto sets the highest bit of all.
constexpr uint64_t kUnimplemented = 0;
constexpr uint64_t kOthers = 1;

}  // namespace

void CallStatistics::Record(const rpc::IncomingCall& call, const absl::Status& status,
                            int64_t nanos) {
  Counters& counters = Find(call, status);
  if (!status.ok()) counters.errors.fetch_add(1, std::memory_order_relaxed);
  const auto micros = static_cast<uint64_t>(std::max<int64_t>(nanos, 0)) / 1000;
  const size_t bucket =
      std::min<size_t>(static_cast<size_t>(std::bit_width(micros)), counters.latency.size() - 1);
  counters.latency[bucket].fetch_add(1, std::memory_order_relaxed);
}

CallStatistics::Counters& CallStatistics::Find(const rpc::IncomingCall& call,
                                               const absl::Status& status) {
  const Key key(call.interface_id(), call.method_id());
  std::atomic<Counters*>& recent = recent_[(key.first ^ (key.first >> 32) ^ key.second) % 64];
  Counters* counters = recent.load(std::memory_order_acquire);
  if (counters != nullptr && counters->key == key) return *counters;
  base::MutexLock lock(&mu_);
  const auto it = all_.find(key);
  if (it != all_.end()) {
    counters = it->second.get();
  } else if (absl::IsUnimplemented(status)) {  // a peer may make up any number of methods
    return Add({kUnimplemented, 0}, "(unimplemented)");
  } else if (all_.size() >= kMostMethods) {
    return Add({kOthers, 0}, "(others)");
  } else {
    counters = &Add(key, call.method_name());
  }
  recent.store(counters, std::memory_order_release);
  return *counters;
}

CallStatistics::Counters& CallStatistics::Add(Key key, std::string name) {
  std::unique_ptr<Counters>& counters = all_[key];
  if (counters == nullptr) counters = std::make_unique<Counters>(key, std::move(name));
  return *counters;
}

std::vector<MethodStats> CallStatistics::Snapshot() const {
  std::vector<MethodStats> methods;
  {
    base::MutexLock lock(&mu_);
    for (const auto& [key, counters] : all_) {
      MethodStats& method = methods.emplace_back();
      method.name = counters->name;
      method.errors = counters->errors.load(std::memory_order_relaxed);
      for (const auto& count : counters->latency) {
        method.latency.push_back(count.load(std::memory_order_relaxed));
        method.calls += method.latency.back();
      }
      while (!method.latency.empty() && method.latency.back() == 0) method.latency.pop_back();
    }
  }
  std::sort(methods.begin(), methods.end(),
            [](const MethodStats& a, const MethodStats& b) { return a.name < b.name; });
  return methods;
}

}  // namespace object
}  // namespace drover

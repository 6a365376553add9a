#include "common/sample.h"

#include <algorithm>
#include <thread>

namespace drover::bench {
namespace {

constexpr double kWarmUp = 0.2;  // of the time measured

double Quantile(const std::vector<uint32_t>& sorted_ns, double q) {
  return sorted_ns[static_cast<size_t>(q * (sorted_ns.size() - 1))] / 1000.0;
}

}  // namespace

absl::StatusOr<Sample> TimeCalls(double seconds, const std::function<absl::Status()>& call) {
  using Clock = std::chrono::steady_clock;
  for (Countdown warm_up(seconds * kWarmUp); !warm_up.Over();) {
    if (absl::Status status = call(); !status.ok()) return status;
  }
  std::vector<uint32_t> latencies_ns;
  latencies_ns.reserve(1 << 20);
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + std::chrono::nanoseconds(int64_t(seconds * 1e9));
  Clock::time_point before = start;
  while (before < end) {
    if (absl::Status status = call(); !status.ok()) return status;
    const Clock::time_point after = Clock::now();
    latencies_ns.push_back((after - before).count());
    before = after;
  }
  std::sort(latencies_ns.begin(), latencies_ns.end());
  Sample sample;
  sample.calls = latencies_ns.size();
  sample.began = std::chrono::duration<double>(start.time_since_epoch()).count();
  sample.seconds = std::chrono::duration<double>(before - start).count();
  sample.p50_us = Quantile(latencies_ns, 0.5);
  sample.p99_us = Quantile(latencies_ns, 0.99);
  sample.worst_us = Quantile(latencies_ns, 1);
  return sample;
}

absl::StatusOr<Sample> TimeTurns(double seconds,
                                 const std::function<absl::StatusOr<uint64_t>()>& turn) {
  for (Countdown warm_up(seconds * kWarmUp); !warm_up.Over();) {
    if (absl::StatusOr<uint64_t> calls = turn(); !calls.ok()) return calls.status();
  }
  Sample sample;
  Countdown time(seconds);
  while (!time.Over()) {
    absl::StatusOr<uint64_t> calls = turn();
    if (!calls.ok()) return calls.status();
    sample.calls += *calls;
  }
  sample.seconds = time.Elapsed();
  return sample;
}

absl::StatusOr<Sample> TimeThreads(int count,
                                   const std::function<absl::StatusOr<Sample>(int)>& body) {
  std::vector<absl::StatusOr<Sample>> results(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&body, &results, i] { results[i] = body(i); });
  }
  for (std::thread& thread : threads) thread.join();

  Sample total;
  double end = 0;
  std::vector<double> p50, p99;
  for (const absl::StatusOr<Sample>& result : results) {
    if (!result.ok()) return result.status();
    total.calls += result->calls;
    total.began = total.began == 0 ? result->began : std::min(total.began, result->began);
    end = std::max(end, result->began + result->seconds);
    total.worst_us = std::max(total.worst_us, result->worst_us);
    p50.push_back(result->p50_us);
    p99.push_back(result->p99_us);
  }
  total.seconds = end - total.began;
  total.p50_us = Median(p50);
  total.p99_us = Median(p99);
  return total;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace drover::bench

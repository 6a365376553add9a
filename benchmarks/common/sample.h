// What one measurement found, and how calls are timed.
//
//   absl::StatusOr<Sample> sample = TimeCalls(0.5, [&] { return client.Calculate(7).status(); });
//
// The functions block for about the time they are given, plus a fifth of it to warm up. An error of
// a call ends the measurement and is returned.
#ifndef DROVER_BENCHMARKS_COMMON_SAMPLE_H_
#define DROVER_BENCHMARKS_COMMON_SAMPLE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace drover::bench {

// Plain data: it is sent through a pipe. What was not measured is 0.
struct Sample {
  uint64_t calls = 0;
  double seconds = 0;
  double p50_us = 0;
  double p99_us = 0;
  double worst_us = 0;
  double idle_kib = 0;       // memory of the server's for each idle connection
  double idle_switches = 0;  // context switches of its threads in `seconds`, all connections idle
  double began = 0;          // in seconds, by a clock of this machine

  double calls_per_second() const { return seconds > 0 ? calls / seconds : 0; }
};

// Counts down a time that begins with its construction.
class Countdown {
 public:
  explicit Countdown(double seconds) : seconds_(seconds) {}
  bool Over() { return Elapsed() >= seconds_; }
  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const double seconds_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// One blocking call after another.
absl::StatusOr<Sample> TimeCalls(double seconds, const std::function<absl::Status()>& call);

// As many calls as fit. `turn` makes some progress and returns how many calls it completed.
absl::StatusOr<Sample> TimeTurns(double seconds,
                                 const std::function<absl::StatusOr<uint64_t>()>& turn);

// Runs `body(i)` on each of `count` threads. The calls add up, and the time is from when the first
// of them began to measure until the last ended, so that threads which had their turn one after
// another do not look as if they had called at once. p50 and p99 are the medians of the threads',
// worst is the worst of all.
absl::StatusOr<Sample> TimeThreads(int count,
                                   const std::function<absl::StatusOr<Sample>(int)>& body);

// The middle value; the mean of both if there are two; 0 of none.
double Median(std::vector<double> values);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_SAMPLE_H_

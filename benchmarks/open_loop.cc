#include "open_loop.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/process.h"
#include "common/sample.h"
#include "drover/async/sleep.h"
#include "drover/async/steady_clock.h"
#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "open_loop.drover.h"

namespace drover::bench {
namespace {

using ::bench::ClerkProxy;

constexpr int64_t kIntervalNanos = 200'000;  // 5,000 calls a second
constexpr uint32_t kSleepMicros = 10'000;
constexpr uint32_t kOneIn = 100;
constexpr double kWarmUp = 0.2;  // of the time measured
constexpr uint32_t kSeed = 4;

class Clerk final : public ::bench::ClerkServant {
 public:
  absl::Status Work(uint32_t sleep) override {
    if (sleep > 0) std::this_thread::sleep_for(std::chrono::microseconds(sleep));
    return absl::OkStatus();
  }
  absl::Status Wait(uint32_t sleep) override {
    return sleep > 0 ? drover::SleepFor(absl::Microseconds(sleep)) : absl::OkStatus();
  }
  absl::Status Search(uint32_t sleep) override { return Work(sleep); }
};

// Who sleeps, if anybody does.
struct Kind {
  const char* what;
  Future<void> (ClerkProxy::Async::*quick)(uint32_t) const;
  Future<void> (ClerkProxy::Async::*slow)(uint32_t) const;
};

const Kind kKinds[] = {
    {"the same method, in a system call", &ClerkProxy::Async::Work, &ClerkProxy::Async::Work},
    {"the same method, in Drover", &ClerkProxy::Async::Wait, &ClerkProxy::Async::Wait},
    {"another method, in a system call", &ClerkProxy::Async::Work, &ClerkProxy::Async::Search},
};

void SleepUntil(int64_t when) {
  const timespec time = {.tv_sec = when / 1'000'000'000, .tv_nsec = when % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
  }
}

// A call on its way: when it left, by the plan, and when its answer came.
struct Trip {
  Future<void> answer;
  int64_t due = 0;
  std::atomic<int64_t> done{0};
  bool slow = false;
};

absl::StatusOr<Sample> RunClient(const std::string& endpoint, const Kind& kind, bool slow_calls,
                                 double seconds) {
  prctl(PR_SET_TIMERSLACK, 1UL);
  const auto calls = static_cast<size_t>(seconds * 1e9 / kIntervalNanos);
  const auto warm = static_cast<size_t>(kWarmUp * static_cast<double>(calls));
  std::vector<Trip> trips(warm + calls);
  const ClerkProxy proxy = Connect<ClerkProxy>(endpoint);
  DROVER_RETURN_IF_ERROR(proxy.Work(0));
  const ClerkProxy::Async async = proxy.async();
  std::mt19937 random(kSeed);
  int64_t due = async::SteadyNanos();
  for (Trip& trip : trips) {
    trip.due = due += kIntervalNanos;
    trip.slow = random() % kOneIn == 0 && slow_calls;
    SleepUntil(due);
    trip.answer = trip.slow ? (async.*kind.slow)(kSleepMicros) : (async.*kind.quick)(0);
    trip.answer.state()->Observe([&trip] { trip.done.store(async::SteadyNanos()); });
  }
  std::vector<double> latencies;
  for (size_t i = 0; i < trips.size(); ++i) {
    DROVER_RETURN_IF_ERROR(trips[i].answer.Get());
    while (trips[i].done.load() == 0) std::this_thread::yield();  // noted by another thread
    if (i < warm || trips[i].slow) continue;
    latencies.push_back(static_cast<double>(trips[i].done.load() - trips[i].due) / 1000);
  }
  std::sort(latencies.begin(), latencies.end());
  Sample sample;
  sample.calls = latencies.size();
  sample.seconds = seconds;
  sample.p50_us = latencies[latencies.size() / 2];
  sample.p99_us = latencies[latencies.size() * 99 / 100];
  sample.worst_us = latencies.back();
  return sample;
}

// A server of its own for each run: it has learned nothing yet.
absl::StatusOr<Sample> Run(const std::string& endpoint, const Kind& kind, bool slow_calls,
                           double seconds) {
  const std::vector<int> cpus = AllowedCpus();
  DROVER_ASSIGN_OR_RETURN(
      const ServerProcess server,
      ServerProcess::Start(cpus, [&](const std::function<void()>& ready) -> absl::Status {
        DROVER_ASSIGN_OR_RETURN(Server serving, drover::Serve(endpoint, std::make_shared<Clerk>()));
        ready();
        serving.Wait();
        return absl::InternalError("stopped serving");
      }));
  return RunInProcess(cpus, [&] { return RunClient(endpoint, kind, slow_calls, seconds); });
}

struct Row {
  const Kind* kind;
  std::vector<Sample> without, with;

  std::vector<double> Ratios() const {
    std::vector<double> ratios;
    for (size_t i = 0; i < with.size(); ++i) ratios.push_back(with[i].p99_us / without[i].p99_us);
    return ratios;
  }
};

double MedianOf(const std::vector<Sample>& samples, double Sample::*figure) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*figure);
  return Median(values);
}

std::string Section(const std::vector<Row>& rows, int pairs, double seconds) {
  std::string text = absl::StrFormat(
      "## Calls beside slow ones\n\n"
      "An open loop: %d calls a second on one connection, each at its time whether or not the last "
      "is back, and its latency counts from that time. In every second run one call in %d, at "
      "random, sleeps %d ms: in a system call, which Drover finds out, or in `drover::SleepFor`, "
      "which tells it; in the method that the others call too, or in one of its own. The methods "
      "are concurrent, and what is measured are the calls that do not sleep, in us. Medians of %d "
      "pairs of runs of %g s, each with a server that has learned nothing before.\n\n"
      "| who sleeps | p50 without | p99 without | p50 | p99 | p99, of that without | worst pair "
      "|\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
      1'000'000'000 / kIntervalNanos, kOneIn, kSleepMicros / 1000, pairs, seconds);
  for (const Row& row : rows) {
    const std::vector<double> ratios = row.Ratios();
    absl::StrAppendFormat(&text, "| %s | %.0f | %.0f | %.0f | %.0f | %.2fx | %.2fx |\n",
                          row.kind->what, MedianOf(row.without, &Sample::p50_us),
                          MedianOf(row.without, &Sample::p99_us),
                          MedianOf(row.with, &Sample::p50_us), MedianOf(row.with, &Sample::p99_us),
                          Median(ratios), *std::max_element(ratios.begin(), ratios.end()));
  }
  return text;
}

}  // namespace

absl::StatusOr<OpenLoop> MeasureOpenLoop(int pairs, double seconds) {
  char folder[] = "/tmp/drover-open-loop-XXXXXX";
  if (mkdtemp(folder) == nullptr) return absl::ResourceExhaustedError("no folder for the socket");
  const std::string endpoint = absl::StrCat("unix://", folder, "/socket");
  std::vector<Row> rows;
  for (const Kind& kind : kKinds) rows.push_back({&kind, {}, {}});
  absl::Status status;
  for (int pair = 0; pair < pairs && status.ok(); ++pair) {
    std::cerr << "calls beside slow ones: pair " << pair + 1 << " of " << pairs << std::endl;
    for (Row& row : rows) {
      // Whichever comes first in one pair comes second in the next.
      for (const bool slow_calls : {pair % 2 == 1, pair % 2 == 0}) {
        absl::StatusOr<Sample> sample = Run(endpoint, *row.kind, slow_calls, seconds);
        if (status.ok()) status = sample.status();
        if (status.ok()) (slow_calls ? row.with : row.without).push_back(*sample);
      }
    }
  }
  unlink(absl::StrCat(folder, "/socket").c_str());
  unlink(absl::StrCat(folder, "/socket.lock").c_str());
  rmdir(folder);
  if (!status.ok()) return status;
  OpenLoop result{.ratios = {}, .section = Section(rows, pairs, seconds)};
  for (const Row& row : rows) {
    const std::vector<double> ratios = row.Ratios();
    if (result.ratios.empty() || Median(ratios) > Median(result.ratios)) result.ratios = ratios;
  }
  return result;
}

}  // namespace drover::bench

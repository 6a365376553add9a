#include "common/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/conditions.h"
#include "common/targets.h"

namespace drover::bench {
namespace {

// Load averages above it mean that something else was running.
constexpr double kIdleLoad = 1;

struct Column {
  const char* title;
  Work work;
  double Summary::*figure;
};

// What is compared: a latency where calls wait for each other, else a rate.
constexpr Column kCompared[] = {
    {"null call, us", Work::kNullCall, &Summary::p50_us},
    {"128 in flight, k calls/s", Work::kInFlight, &Summary::kcalls},
    {"8 threads, a connection each, k calls/s", Work::kThreads, &Summary::kcalls},
    {"8 threads on one, k calls/s", Work::kSharedConnection, &Summary::kcalls},
    {"echo 64 KiB, us", Work::kEcho64KiB, &Summary::p50_us},
    {"echo 1 MiB, us", Work::kEcho1MiB, &Summary::p50_us},
};
constexpr Column kWorst[] = {
    {"null call: p99, us", Work::kNullCall, &Summary::p99_us},
    {"worst call, us", Work::kNullCall, &Summary::worst_us},
    {"worst round, us", Work::kNullCall, &Summary::highest_p50_us},
    {"128 in flight: worst round, k calls/s", Work::kInFlight, &Summary::lowest_kcalls},
    {"8 threads: worst round, k calls/s", Work::kThreads, &Summary::lowest_kcalls},
    {"8 threads: p99, us", Work::kThreads, &Summary::p99_us},
    {"8 threads on one: worst round, k calls/s", Work::kSharedConnection, &Summary::lowest_kcalls},
    {"8 threads on one: p99, us", Work::kSharedConnection, &Summary::p99_us},
    {"echo 64 KiB: p99, us", Work::kEcho64KiB, &Summary::p99_us},
    {"echo 1 MiB: p99, us", Work::kEcho1MiB, &Summary::p99_us},
};

std::string Number(double value) {
  return absl::StrFormat(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
}

bool IsRate(const Column& column) { return column.figure == &Summary::kcalls; }

// A table with a row for each contender that has at least one cell.
template <class Columns, class Cell>
std::string Table(const Measurement& measurement, const Columns& columns, Cell cell) {
  std::string table = "| |";
  for (const Column& column : columns) absl::StrAppend(&table, " ", column.title, " |");
  absl::StrAppend(&table, "\n| --- |");
  for (size_t i = 0; i < std::size(columns); ++i) absl::StrAppend(&table, " ---: |");
  absl::StrAppend(&table, "\n");
  for (const std::string& name : measurement.names()) {
    std::string row;
    bool any = false;
    for (const Column& column : columns) {
      const std::string text = cell(name, column);
      any = any || !text.empty();
      absl::StrAppend(&row, " ", text, " |");
    }
    if (any) absl::StrAppend(&table, "| ", name, " |", row, "\n");
  }
  return table;
}

std::string Figures(const Measurement& measurement, Placement placement) {
  auto cell = [&](const std::string& name, const Column& column) -> std::string {
    const auto summary = measurement.Summarize(name, placement, column.work);
    return summary ? Number((*summary).*column.figure) : "";
  };
  return absl::StrCat(Table(measurement, kCompared, cell), "\n", Table(measurement, kWorst, cell));
}

std::string Ratios(const Measurement& measurement, Placement placement,
                   const std::string& baseline) {
  return Table(measurement, kCompared, [&](const std::string& name, const Column& column) {
    const auto mine = measurement.Summarize(name, placement, column.work);
    const auto theirs = measurement.Summarize(baseline, placement, column.work);
    if (!mine || !theirs || name == baseline) return std::string();
    double ratio = (*mine).*column.figure / ((*theirs).*column.figure);
    if (!IsRate(column)) ratio = 1 / ratio;
    return Number(ratio) + "x";
  });
}

}  // namespace

std::string Report(const Measurement& measurement, const std::vector<std::string>& baselines) {
  std::string text = absl::StrCat(
      "# Benchmark results\n\nWritten by `scripts/bench`. All contenders ran in the same run, in ",
      measurement.options().rounds, " interleaved rounds of ",
      absl::StrFormat("%g", measurement.options().seconds),
      " s for each figure, server and client in a process each, over a UNIX socket. A figure is "
      "the "
      "median of the rounds; the worst is kept beside it. Absolute figures hold for this machine "
      "only; ratios carry further.\n\n");
  for (const auto& [what, value] : Conditions()) {
    absl::StrAppend(&text, "- ", what, ": ", value, "\n");
  }
  absl::StrAppendFormat(&text, "- Load average before: %.2f\n", measurement.load_before());
  if (measurement.load_before() > kIdleLoad) {
    absl::StrAppend(&text, "\n**The machine was busy with something else when the run began: what ",
                    "needs two CPUs is not to be trusted.**\n");
  }
  if (const std::string targets = TargetsTable(measurement); !targets.empty()) {
    absl::StrAppend(&text,
                    "\n## Targets\n\nThe figure is the median of the rounds; a ratio is taken ",
                    "within each round.\n\n", targets);
  }
  for (Placement placement : measurement.options().placements) {
    const auto& cpus = measurement.cpus(placement);
    if (placement == Placement::kTwoCpus && cpus.size() == 2) {
      absl::StrAppend(&text, "\n## Two CPUs\n\nBoth processes may run on CPUs ",
                      absl::StrJoin(cpus, " and "), "; the kernel places them.\n\n");
    } else {
      absl::StrAppend(&text, "\n## One CPU\n\nBoth processes are pinned to CPU ",
                      absl::StrJoin(cpus, ","), ".\n\n");
    }
    absl::StrAppend(&text, Figures(measurement, placement));
    const std::vector<std::string> names = measurement.names();
    for (const std::string& baseline : baselines) {
      if (std::find(names.begin(), names.end(), baseline) == names.end()) continue;
      absl::StrAppend(&text, "\nHow many times as fast as ", baseline, ":\n\n",
                      Ratios(measurement, placement, baseline));
    }
  }
  return text;
}

std::string BriefReport(const Measurement& measurement) {
  std::string text;
  for (Placement placement : measurement.options().placements) {
    for (Work work : measurement.options().work) {
      for (const std::string& name : measurement.names()) {
        const auto summary = measurement.Summarize(name, placement, work);
        if (!summary) continue;
        absl::StrAppendFormat(&text, "%s, %s, %s: %s k calls/s", name, Name(work), Name(placement),
                              Number(summary->kcalls));
        if (summary->p50_us > 0) {
          absl::StrAppendFormat(&text, ", p50 %s us, p99 %s us, worst %s us",
                                Number(summary->p50_us), Number(summary->p99_us),
                                Number(summary->worst_us));
        }
        absl::StrAppend(&text, "\n");
      }
    }
  }
  return text;
}

}  // namespace drover::bench

#include "common/tables.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace drover::bench {
namespace {

struct Column {
  const char* title;
  Work work;
  double Summary::*figure;
};

// What is compared: a latency where calls wait for each other, a rate, or memory.
const std::vector<Column> kCalls = {
    {"null call, us", Work::kNullCall, &Summary::p50_us},
    {"128 in flight, k calls/s", Work::kInFlight, &Summary::kcalls},
    {"8 threads, a connection each, k calls/s", Work::kThreads, &Summary::kcalls},
    {"8 threads on one, k calls/s", Work::kSharedConnection, &Summary::kcalls},
    {"echo 64 KiB, us", Work::kEcho64KiB, &Summary::p50_us},
    {"echo 1 MiB, us", Work::kEcho1MiB, &Summary::p50_us},
};
const std::vector<Column> kConnections = {
    {"connect and first call, us", Work::kConnect, &Summary::p50_us},
    {"one-way, k calls/s", Work::kOneWay, &Summary::kcalls},
    {"idle connection in the server, KiB", Work::kIdle, &Summary::idle_kib},
};
const std::vector<Column> kSwitches = {
    {"context switches of the idle server", Work::kIdle, &Summary::idle_switches}};
const std::vector<Column> kP99 = {
    {"null call: p99, us", Work::kNullCall, &Summary::p99_us},
    {"8 threads: p99, us", Work::kThreads, &Summary::p99_us},
    {"8 threads on one: p99, us", Work::kSharedConnection, &Summary::p99_us},
    {"echo 64 KiB: p99, us", Work::kEcho64KiB, &Summary::p99_us},
    {"echo 1 MiB: p99, us", Work::kEcho1MiB, &Summary::p99_us},
    {"connect: p99, us", Work::kConnect, &Summary::p99_us},
};
const std::vector<Column> kWorst = {
    {"null call: worst call, us", Work::kNullCall, &Summary::worst_us},
    {"worst round, us", Work::kNullCall, &Summary::highest_p50_us},
    {"128 in flight: worst round, k calls/s", Work::kInFlight, &Summary::lowest_kcalls},
    {"8 threads: worst round, k calls/s", Work::kThreads, &Summary::lowest_kcalls},
    {"8 threads on one: worst round, k calls/s", Work::kSharedConnection, &Summary::lowest_kcalls},
    {"connect: worst round, us", Work::kConnect, &Summary::highest_p50_us},
};

std::vector<Column> operator+(std::vector<Column> columns, const std::vector<Column>& more) {
  columns.insert(columns.end(), more.begin(), more.end());
  return columns;
}

bool MoreIsBetter(const Column& column) { return column.figure == &Summary::kcalls; }

std::string Name(Kind kind) {
  switch (kind) {
    case Kind::kBare:
      return "bare";
    case Kind::kPeer:
      return "peer";
    case Kind::kDrover:
      return "drover";
  }
  return "unknown";
}

// A table of the cells that there are: without rows and columns that have none; empty if all have.
template <class Cell>
std::string Table(const Measurement& measurement, std::vector<Column> columns, Cell cell) {
  const std::vector<std::string> names = measurement.names();
  std::erase_if(columns, [&](const Column& column) {
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return cell(name, column).empty(); });
  });
  if (columns.empty()) return "";
  std::string table = "| |", line = "| --- |";
  for (const Column& column : columns) {
    absl::StrAppend(&table, " ", column.title, " |");
    absl::StrAppend(&line, " ---: |");
  }
  absl::StrAppend(&table, "\n", line, "\n");
  for (const auto& contender : measurement.contenders()) {
    std::string row;
    bool any = false;
    for (const Column& column : columns) {
      const std::string text = cell(contender->name(), column);
      any = any || !text.empty();
      absl::StrAppend(&row, " ", text, " |");
    }
    const char* bold = contender->kind() == Kind::kDrover ? "**" : "";
    if (any) absl::StrAppend(&table, "| ", bold, contender->name(), bold, " |", row, "\n");
  }
  return table;
}

}  // namespace

std::string Number(double value) {
  return absl::StrFormat(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
}

std::string FigureTables(const Measurement& measurement, Placement placement) {
  auto cell = [&](const std::string& name, const Column& column) -> std::string {
    const auto summary = measurement.Summarize(name, placement, column.work);
    if (!summary) return "";
    const double value = (*summary).*column.figure;
    if (column.figure != &Summary::idle_switches) return Number(value);
    return absl::StrFormat("%.0f in %.1f s", value, summary->idle_seconds);
  };
  std::string tables;
  for (const auto& columns : {kCalls, kConnections + kSwitches, kP99, kWorst}) {
    const std::string table = Table(measurement, columns, cell);
    if (!table.empty()) absl::StrAppend(&tables, tables.empty() ? "" : "\n", table);
  }
  return tables;
}

std::string LeadTable(const Measurement& measurement, Placement placement,
                      const std::string& name) {
  return Table(measurement, kCalls + kConnections,
               [&](const std::string& other, const Column& column) -> std::string {
                 const auto mine = measurement.Summarize(name, placement, column.work);
                 const auto theirs = measurement.Summarize(other, placement, column.work);
                 if (!mine || !theirs || name == other) return "";
                 const double ratio = (*mine).*column.figure / ((*theirs).*column.figure);
                 return Number(MoreIsBetter(column) ? ratio : 1 / ratio) + "x";
               });
}

std::string FiguresAsData(const Measurement& measurement) {
  std::string text = "placement\twork\tkind\tcontender\tp50_us\tp99_us\tkcalls\tidle_kib\n";
  for (Placement placement : measurement.options().placements) {
    for (Work work : measurement.options().work) {
      for (const auto& contender : measurement.contenders()) {
        const auto summary = measurement.Summarize(contender->name(), placement, work);
        if (!summary) continue;
        absl::StrAppendFormat(&text, "%s\t%s\t%s\t%s\t%.4g\t%.4g\t%.4g\t%.4g\n", Name(placement),
                              Name(work), Name(contender->kind()), contender->name(),
                              summary->p50_us, summary->p99_us, summary->kcalls, summary->idle_kib);
      }
    }
  }
  return text;
}

}  // namespace drover::bench

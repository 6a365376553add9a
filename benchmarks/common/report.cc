#include "common/report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/conditions.h"
#include "common/idle.h"
#include "common/tables.h"
#include "common/targets.h"

namespace drover::bench {
namespace {

// Load averages above it mean that something else was running.
constexpr double kIdleLoad = 1;

constexpr char kDrover[] = "Drover";

// The command that makes such a report.
std::string Command(const MeasurementOptions& options) {
  const MeasurementOptions defaults;
  std::string command = "scripts/bench";
  if (options.rounds != defaults.rounds) absl::StrAppend(&command, " --rounds=", options.rounds);
  if (options.seconds != defaults.seconds) {
    absl::StrAppendFormat(&command, " --seconds=%g", options.seconds);
  }
  return command;
}

std::string Introduction(const Measurement& measurement) {
  std::string text = absl::StrCat(
      "# Benchmark results\n\nWritten by `", Command(measurement.options()),
      "`. All contenders ran in the same run, in ", measurement.options().rounds,
      " interleaved rounds of ", absl::StrFormat("%g", measurement.options().seconds),
      " s for each figure, server and client in a process each, over a UNIX socket where nothing "
      "else is said. A figure is the median of the rounds: of the median calls where it is a time. "
      "The 99th percentiles and the worst are kept beside it. Absolute figures hold for this "
      "machine only; ratios carry further.\n\n");
  for (const auto& [what, value] : Conditions()) {
    absl::StrAppend(&text, "- ", what, ": ", value, "\n");
  }
  absl::StrAppendFormat(&text, "- Load average before: %.2f\n", measurement.load_before());
  if (measurement.load_before() > kIdleLoad) {
    absl::StrAppend(&text, "\n**The machine was busy with something else when the run began: what ",
                    "needs two CPUs is not to be trusted.**\n");
  }
  return text;
}

std::string Plots() {
  std::string text = "\n## In pictures\n\nThe same figures as below; Drover's bars are orange.\n";
  for (const auto& [file, what] :
       {std::pair("null", "A blocking null call"), std::pair("in-flight", "128 calls in flight"),
        std::pair("threads", "8 threads calling"), std::pair("echo", "Echo of 64 KiB and 1 MiB"),
        std::pair("connections", "Connections")}) {
    absl::StrAppend(&text, "\n![", what, "](plots/", file, ".svg)\n");
  }
  return text;
}

std::string WhoTakesPart(const Measurement& measurement) {
  std::string text = "\n## Who takes part\n\n";
  for (const auto& contender : measurement.contenders()) {
    absl::StrAppend(&text, "- ", contender->name(), ": ", contender->how(), "\n");
  }
  if (!measurement.left_out().empty()) {
    absl::StrAppend(&text, "\nLeft out:\n\n");
    for (const std::string& why : measurement.left_out()) absl::StrAppend(&text, "- ", why, "\n");
  }
  return text;
}

std::string Section(const Measurement& measurement, Placement placement) {
  const std::vector<int>& cpus = measurement.cpus(placement);
  std::string text;
  if (placement == Placement::kTwoCpus && cpus.size() == 2) {
    text = absl::StrCat(
        "\n## Two CPUs\n\nBoth processes may run on CPUs ", absl::StrJoin(cpus, " and "),
        "; the kernel places them. A blocking call of whoever does not spin costs two wake-ups of "
        "the other CPU, which are dear on a virtual machine; where they are cheap, the ratios to "
        "peers below shrink, and those of one CPU remain.\n\n");
  } else {
    text = absl::StrCat("\n## One CPU\n\nBoth processes are pinned to CPU ",
                        absl::StrJoin(cpus, ","), ".\n\n");
  }
  absl::StrAppend(&text, FigureTables(measurement, placement));
  const std::string lead = LeadTable(measurement, placement, kDrover);
  if (lead.empty()) return text;
  return absl::StrCat(
      text, "\nHow many times as fast as each Drover is at a socket, without the shared ",
      "memory to which a connection with defaults goes over: its figures are those ",
      "of *Drover, shm* (an idle connection: how many times as small):\n\n", lead);
}

constexpr char kHowToRead[] =
    "\n## What is measured\n\n"
    "- *null call*: `calculate(7)` with its answer, one after another. *8 threads* do the same, "
    "each on a connection of its own or all on one.\n"
    "- *128 in flight*: from one thread on one connection, each call a message of its own.\n"
    "- *one-way*: calls that have no answer, batched where there is a way to; every 10,000 a call "
    "that has one.\n"
    "- *connect and first call*: a connection opened, one call, and closed, one after another.\n"
    "- *idle connection*: by how much the server's own memory grows for each of ";

}  // namespace

std::string Report(const Measurement& measurement, const OtherFigures& others) {
  std::string text = absl::StrCat(
      Introduction(measurement), Plots(),
      "\n## Targets\n\nThe figure is the median of the rounds; ",
      "a ratio is taken within each round, to the best of the peers in that round where it says ",
      "so. What a connection for each of many threads costs, and one that is made, and which part "
      "of "
      "it is the kernel's: docs/decisions/busy-connections.md and connecting.md.\n\n",
      TargetsTable(measurement, others), kHowToRead, kIdleConnections,
      " that have made a call and do nothing, without what the kernel keeps; and how often the "
      "server's threads were switched to and fro then.\n",
      WhoTakesPart(measurement));
  for (Placement placement : measurement.options().placements) {
    absl::StrAppend(&text, Section(measurement, placement));
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
        absl::StrAppendFormat(&text, "%s, %s, %s: ", name, Name(work), Name(placement));
        if (work == Work::kIdle) {
          absl::StrAppendFormat(&text, "%s KiB a connection, %.0f context switches in %.1f s\n",
                                Number(summary->idle_kib), summary->idle_switches,
                                summary->idle_seconds);
          continue;
        }
        absl::StrAppend(&text, Number(summary->kcalls), " k calls/s");
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

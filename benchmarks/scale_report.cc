#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scale_findings.h"

namespace drover::bench {
namespace {

void AppendCall(std::string& text, const ScaledCall& call) {
  absl::StrAppendFormat(&text, " %.2f | %.2fx |", call.us, call.us / call.alone_us);
}

void AppendCalls(std::string& data, const char* what, const int* numbers, const ScaledCall* calls,
                 size_t count) {
  for (size_t i = 0; i < count; ++i) {
    absl::StrAppend(&data, what, "\t", numbers[i], "\t", calls[i].us, "\t", calls[i].alone_us,
                    "\n");
  }
}

void AppendStorm(std::string& text, const char* what, const Sample& sample) {
  absl::StrAppendFormat(&text, "| %s | %.1f | %.1f | %.0f |\n", what, sample.p50_us, sample.p99_us,
                        sample.worst_us);
}

}  // namespace

std::string ScaleSection(const ScaleFindings& found) {
  std::string text =
      "## Scale\n\n"
      "The p50 of a blocking null call over UNIX sockets across all CPUs, in us, and how many "
      "times that\nis what the same call took on a connection that is alone, to a server that has "
      "one object. Both were\nmeasured in turns; of each the best of five rounds counts.\n\n![How "
      "costs grow with numbers](plots/scale.svg)\n\n"
      "| number | beside idle connections | | of one among objects | | of all objects in turn | "
      "|\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
  for (size_t i = 0; i < kScaleCount; ++i) {
    absl::StrAppendFormat(&text, "| %d |", kScaleNumbers[i]);
    for (const ScaledCall* calls : {found.connections, found.object, found.objects}) {
      AppendCall(text, calls[i]);
    }
    text += "\n";
  }
  absl::StrAppend(&text,
                  "\nCalls to objects in turn find each of them, at both ends, where the caches of "
                  "the CPU have not kept\nit.\n\nA fleet, from nothing until each worker has "
                  "answered a call; the memory (PSS) of each; from `kill -9`\nuntil the worker in "
                  "its place has answered a call; a null call to one of them.\n\n"
                  "| workers | ready, s | ms each | MiB each | replaced, ms | call, us | |\n"
                  "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (size_t i = 0; i < kScaleWorkerCount; ++i) {
    absl::StrAppendFormat(&text, "| %d | %.2f | %.2f | %.2f | %.1f |", kScaleWorkers[i],
                          found.fleet_seconds[i], 1e3 * found.fleet_seconds[i] / kScaleWorkers[i],
                          found.worker_mib[i], found.replaced_ms[i]);
    AppendCall(text, found.workers[i]);
    text += "\n";
  }
  absl::StrAppend(&text, "\n| idle | |\n| --- | ---: |\n");
  absl::StrAppendFormat(&text, "| a connection, in the server | %.2f KiB |\n",
                        found.connection_kib);
  absl::StrAppendFormat(&text, "| a connection, in the client | %.2f KiB |\n",
                        found.client_connection_kib);
  absl::StrAppendFormat(&text, "| an object, in the server | %.2f KiB |\n", found.object_kib);
  absl::StrAppendFormat(&text,
                        "| context switches of a server with %d connections in %d s | %d |\n",
                        kScaleIdle, kScaleIdleSeconds, found.server_switches);
  absl::StrAppendFormat(&text,
                        "| and of the client's threads, but for the one that counts | %d |\n",
                        found.client_switches);
  absl::StrAppendFormat(&text,
                        "\nAn accept storm: a process connects, calls once and goes, again and "
                        "again (%.1f us each time where it\nis alone with the server). A null "
                        "call of another process meanwhile, on a connection that stays:\n\n"
                        "| null call, us | p50 | p99 | worst |\n| --- | ---: | ---: | ---: |\n",
                        found.connects.p50_us);
  AppendStorm(text, "nobody connects", found.calm);
  AppendStorm(text, "the storm is at the same server", found.storm);
  AppendStorm(text, "the storm is at another server, and takes CPU time alone", found.elsewhere);
  return text;
}

std::string ScaleData(const ScaleFindings& found) {
  std::string data;
  AppendCalls(data, "connections", kScaleNumbers, found.connections, kScaleCount);
  AppendCalls(data, "object", kScaleNumbers, found.object, kScaleCount);
  AppendCalls(data, "objects", kScaleNumbers, found.objects, kScaleCount);
  AppendCalls(data, "workers", kScaleWorkers, found.workers, kScaleWorkerCount);
  for (size_t i = 0; i < kScaleWorkerCount; ++i) {
    absl::StrAppend(&data, "fleet\t", kScaleWorkers[i], "\t", found.fleet_seconds[i], "\t0\n");
  }
  const auto storm = [&data](const char* name, const Sample& sample) {
    absl::StrAppend(&data, "storm\t", name, "\t", sample.p50_us, "\t", sample.p99_us, "\n");
  };
  storm("no storm", found.calm);
  storm("here", found.storm);
  storm("elsewhere", found.elsewhere);
  return data;
}

}  // namespace drover::bench

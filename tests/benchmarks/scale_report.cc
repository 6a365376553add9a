// scale_report section|data: what bench --scale writes of figures that nobody measured, each of
// which is told apart from the others.
#include <iostream>
#include <string>

#include "scale_findings.h"

namespace drover::bench {
namespace {

void Fill(ScaledCall* calls, size_t count, double first) {
  for (size_t i = 0; i < count; ++i) {
    const double us = first + static_cast<double>(i);
    calls[i] = {.us = us, .alone_us = us / 2};
  }
}

ScaleFindings Filled() {
  ScaleFindings found;
  Fill(found.connections, kScaleCount, 11);
  Fill(found.object, kScaleCount, 21);
  Fill(found.objects, kScaleCount, 31);
  Fill(found.workers, kScaleWorkerCount, 41);
  found.connection_kib = 1.25;
  found.client_connection_kib = 5.75;
  found.object_kib = 1.5;
  found.server_switches = 61;
  found.client_switches = 62;
  for (size_t i = 0; i < kScaleWorkerCount; ++i) {
    const double number = static_cast<double>(i);
    found.fleet_seconds[i] = 0.5 + number;
    found.worker_mib[i] = 71 + number;
    found.replaced_ms[i] = 81 + number;
  }
  const auto sample = [](double us) {
    Sample filled;
    filled.p50_us = us;
    filled.p99_us = us + 1;
    filled.worst_us = us + 2;
    return filled;
  };
  found.calm = sample(91);
  found.storm = sample(95);
  found.elsewhere = sample(101);
  found.connects = sample(105);
  return found;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) {
  const std::string what = argc == 2 ? argv[1] : "";
  if (what == "section") {
    std::cout << drover::bench::ScaleSection(drover::bench::Filled());
  } else if (what == "data") {
    std::cout << drover::bench::ScaleData(drover::bench::Filled());
  } else {
    std::cerr << "usage: scale_report section|data\n";
    return 2;
  }
  return 0;
}

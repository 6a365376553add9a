#include "drover/async/spin_budget.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "drover/async/cpu.h"
#include "drover/base/log.h"

namespace drover::async {

namespace {

int64_t SettingMicros() {
  static const int64_t setting = [] {
    constexpr int64_t kDefault = 50;
    const char* text = std::getenv("DROVER_SPIN");
    if (text == nullptr) return kDefault;
    int64_t micros;
    if (absl::SimpleAtoi(text, &micros) && micros >= 0 && micros <= 1'000'000) return micros;
    DROVER_LOG(kWarning) << "DROVER_SPIN is '" << text
                         << "'; it takes microseconds from 0 to 1000000, and is ignored";
    return kDefault;
  }();
  return setting;
}

}  // namespace

int64_t SpinBudget::LimitNanos() {
  static const int64_t limit = AvailableCpus() > 1 ? SettingMicros() * 1000 : 0;
  return limit;
}

int64_t SpinBudget::WantedNanos() { return SettingMicros() * 1000; }

}  // namespace drover::async

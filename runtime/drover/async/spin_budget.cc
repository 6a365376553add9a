#include "drover/async/spin_budget.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "drover/async/cpu.h"
#include "drover/base/log.h"

namespace drover::async {

int64_t SpinBudget::LimitNanos() {
  static const int64_t limit = [] {
    int64_t micros = 50;
    if (const char* text = std::getenv("DROVER_SPIN"); text != nullptr) {
      if (!absl::SimpleAtoi(text, &micros) || micros < 0 || micros > 1'000'000) {
        DROVER_LOG(kWarning) << "DROVER_SPIN is '" << text
                             << "'; it takes microseconds from 0 to 1000000, and is ignored";
        micros = 50;
      }
    }
    return AvailableCpus() > 1 ? micros * 1000 : 0;
  }();
  return limit;
}

}  // namespace drover::async

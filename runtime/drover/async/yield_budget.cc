#include "drover/async/yield_budget.h"

#include "drover/async/cpu.h"
#include "drover/async/spin_budget.h"

namespace drover::async {

bool YieldBudget::EnabledHere() {
  static const bool enabled = AvailableCpus() == 1 && SpinBudget::WantedNanos() > 0;
  return enabled;
}

}  // namespace drover::async

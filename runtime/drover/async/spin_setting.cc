#include "drover/async/spin_setting.h"

#include <cstdint>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "drover/base/log.h"

namespace drover::async {

absl::Duration SpinSetting() {
  static const absl::Duration setting = [] {
    const char* text = std::getenv("DROVER_SPIN");
    if (text == nullptr) return kDefaultSpin;
    const int64_t most = absl::ToInt64Microseconds(kLongestSpin);
    int64_t micros;
    if (absl::SimpleAtoi(text, &micros) && micros >= 0 && micros <= most) {
      return absl::Microseconds(micros);
    }
    DROVER_LOG(kWarning) << "DROVER_SPIN is '" << text << "'; it takes microseconds from 0 to "
                         << most << ", and is ignored";
    return kDefaultSpin;
  }();
  return setting;
}

}  // namespace drover::async

// For how long waits may poll where nobody says (RuntimeOptions::spin): the environment variable
// DROVER_SPIN, a whole number of microseconds from 0, which turns polling off, to 1000000; default
// 50. Anything else is ignored with a warning.
#ifndef DROVER_ASYNC_SPIN_SETTING_H_
#define DROVER_ASYNC_SPIN_SETTING_H_

#include "absl/time/time.h"

namespace drover::async {

inline constexpr absl::Duration kDefaultSpin = absl::Microseconds(50);
inline constexpr absl::Duration kLongestSpin = absl::Seconds(1);

// Reads the environment at the first use. Thread-safe.
absl::Duration SpinSetting();

}  // namespace drover::async

#endif  // DROVER_ASYNC_SPIN_SETTING_H_

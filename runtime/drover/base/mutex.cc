#include "drover/base/mutex.h"

namespace drover::base {
namespace {

// Locks are held for a tenth of a microsecond, and to be put to sleep and woken costs ten: so look
// again for about as long as a holder on another CPU needs.
constexpr int kLooks = 32;

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void Mutex::LockContended() {
  for (int i = 0; i < kLooks; ++i) {
    CpuRelax();
    if (mu_.try_lock()) return;
  }
  mu_.lock();
}

}  // namespace drover::base

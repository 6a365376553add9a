// Waits for what no event tells: what another process shows of itself in /proc, in a shared page,
// or by not listening any more. The test's time limit is the only bound.
//
//   Until([&] { return !Exists(pid); });
#ifndef DROVER_TESTS_SUPPORT_UNTIL_H_
#define DROVER_TESTS_SUPPORT_UNTIL_H_

#include <unistd.h>

namespace drover::testing_support {

template <class Condition>
void Until(Condition condition) {
  while (!condition()) usleep(200);
}

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_UNTIL_H_

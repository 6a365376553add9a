// Sees to it that one thread serves all busy connections (async/busy_connections.h), whatever the
// machine is and whatever else runs on it.
//
//   static void SetUpTestSuite() { UseFewCpus(); }
//   ...
//   NoteThatManyAreBusy();                // where something is served
//
// Both are of the whole process: for programs of their own.
#ifndef DROVER_TESTS_SUPPORT_SERVED_TOGETHER_H_
#define DROVER_TESTS_SUPPORT_SERVED_TOGETHER_H_

#include <sched.h>

#include <cstdint>

#include "drover/async/busy_connections.h"
#include "drover/async/cpu.h"
#include "drover/async/steady_clock.h"
#include "gtest/gtest.h"

namespace drover::testing_support {

// Before anybody asks how many there are.
inline void UseFewCpus() {
  cpu_set_t cpus;
  ASSERT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  for (int cpu = CPU_SETSIZE - 1; CPU_COUNT(&cpus) > async::BusyConnections::kMostCpusTogether;
       --cpu) {
    CPU_CLR(cpu, &cpus);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
  ASSERT_EQ(async::AvailableCpus(), CPU_COUNT(&cpus));
}

// As many as make one thread serve all have had input just now, again; and what it handles does not
// take long, though this machine may hold it up.
inline void NoteThatManyAreBusy() {
  using async::BusyConnections;
  const int64_t now = async::SteadyNanos();
  for (int i = 0; i <= BusyConnections::kMostApartWhereTogether; ++i) {
    BusyConnections::Get().NoteInput(now - BusyConnections::kWindowNanos, now);
    BusyConnections::Get().NoteTurn(/*nanos=*/0, now);
  }
}

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_SERVED_TOGETHER_H_

// The CPUs this process may run on, by sched_getaffinity at the first call.
#ifndef DROVER_ASYNC_CPU_H_
#define DROVER_ASYNC_CPU_H_

namespace drover::async {

int AvailableCpus();

}  // namespace drover::async

#endif  // DROVER_ASYNC_CPU_H_

// How much one end of a connection keeps back, to write it at once, before it gives the other end
// some work: a write of its own for each message costs more than all else, but while one end
// gathers a batch the other has nothing to do.
//
// With two CPUs both ends are to work at the same time. So a batch leaves when it is about half of
// what a peer that polls is ready to wait for (SpinBudget): were it more, the peer would be asleep
// by the time that it comes. With one CPU only one end works at a time, and each change from one to
// the other costs: a batch is as large as is reasonable.
#ifndef DROVER_RPC_BATCHING_H_
#define DROVER_RPC_BATCHING_H_

#include <cstddef>
#include <cstdint>

#include "drover/async/cpu.h"

namespace drover::rpc {

// How long replies wait for those to more requests that are already here.
inline int64_t MostReplyWaitNanos() {
  static const int64_t nanos = async::AvailableCpus() > 1 ? 25'000 : 100'000;
  return nanos;
}

// How many bytes of replies do.
inline constexpr size_t kMostWaitingReplyBytes = 32 * 1024;

// How many bytes of calls wait while their thread collects answers one by one.
inline size_t MostWaitingCallBytes() {
  static const size_t bytes = async::AvailableCpus() > 1 ? 6 * 1024 : 16 * 1024;
  return bytes;
}

}  // namespace drover::rpc

#endif  // DROVER_RPC_BATCHING_H_

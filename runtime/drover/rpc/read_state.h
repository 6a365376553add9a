// What a connection's read token guards: how far the reading has come.
#ifndef DROVER_RPC_READ_STATE_H_
#define DROVER_RPC_READ_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drover/async/busy_connections.h"
#include "drover/async/cpu.h"
#include "drover/async/future_core.h"
#include "drover/async/parker.h"
#include "drover/async/spin_budget.h"
#include "drover/async/yield_budget.h"
#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"
#include "drover/rpc/frame_watch.h"
#include "drover/rpc/ids.h"
#include "drover/transport/shared_memory_stream.h"
#include "drover/wire/frame_reader.h"

namespace drover::rpc {

// A thread that waits for an answer while another one reads.
struct Follower {
  async::Parker* parker;
  const async::FutureCore* core;
  std::atomic<bool> promoted{false};  // it holds the token now
};

enum class ReadResult { kProgress, kNothing, kEnded };

struct ReadState {
  // `spin_ns`: the longest poll of a wait; with one CPU it lets others run instead.
  ReadState(size_t max_frame_bytes, int64_t spin_ns)
      : reader(max_frame_bytes),
        spin(async::AvailableCpus() > 1 ? spin_ns : 0),
        yield(async::AvailableCpus() == 1 && spin_ns > 0) {}

  wire::FrameReader reader;
  // If descriptors are accepted: those that came with a frame which is not whole yet, each with the
  // position in the stream of a byte of that frame; those of the frame being handled.
  struct ArrivedFd {
    uint64_t position;
    base::Ref<base::SharedFd> fd;
  };
  std::vector<ArrivedFd> arrived_fds;
  std::vector<base::Ref<base::SharedFd>> frame_fds;
  // Not null: what comes is read from there (shared_memory_upgrade.h). Changed under the lock of
  // who reads, too.
  transport::SharedMemoryStream* rings = nullptr;
  // Of Finish messages that were read and are not handled yet, none of which releases capabilities:
  // one nearly always comes with a Call behind it, and both are then handled under one lock. Empty
  // before user code runs inline, so whoever takes the token over from that finds none.
  std::vector<AnswerId> finished;
  // A call keeps the block of memory that it arrived in, with whatever else arrived there. Where
  // more calls than this run, or wait, small ones are copied out.
  static constexpr size_t kCrowd = 1024;
  FrameWatch frame_watch;
  async::SpinBudget spin;
  // Flags are side by side, for the sake of many connections.
  bool drained = false;         // the last read took all there was
  bool expects_memory = false;  // descriptors of memory may come with the next frames
  bool crowded = false;         // as many calls of the peer ran when the last one came
  async::PlaceApart place;      // while a thread stays with the connection, and can read
  bool busy = false;            // when the reactor saw the last input
  bool fresh = false;           // accepted just now: the client's next step is about to come
  async::YieldBudget yield;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_READ_STATE_H_

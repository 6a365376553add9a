// Calls that leave together: as long as one exists, what its thread calls without waiting is
// gathered, and each connection gets its calls in one write.
//
//   {
//     drover::Batch batch;
//     for (const Sample& s : samples) meter.one_way().Record(s);
//     first = cook.async().Add(1, 2);          // any proxies, of any connections
//     second = cook.async().Add(3, 4);
//   }                                          // all of them leave here
//   use(first.Get(), second.Get());
//
// A call leaves earlier if 32 KiB have gathered for its connection, if the thread waits for an
// answer (a blocking call, or a future's Get), or, on a thread that does something else for longer,
// after about a millisecond. So nothing waits for ever for a batch, whatever is done inside of one.
// Calls stay in their order. Calls to objects of this process begin at once, batch or not.
//
// Thread-safety: a batch is of the thread that made it, and must be destroyed there; calls of other
// threads are not gathered. Do not keep one across co_await. Batches nest: the calls leave at the
// end of the innermost one.
// Ownership: keeps the connections that it holds calls of until they have left.
// Errors: none of its own; a call that cannot be sent says so where it is made.
// Blocking: never blocks.
#ifndef DROVER_RPC_BATCH_H_
#define DROVER_RPC_BATCH_H_

#include <cstddef>
#include <vector>

#include "drover/base/ref.h"

namespace drover {

namespace rpc {
class Connection;
}

class Batch {
 public:
  Batch();
  ~Batch();  // sends
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Sends what has gathered. More may follow.
  void Send();

 private:
  friend class rpc::Connection;

  // For a connection, under its lock, that has so many bytes to send: whether its next call waits.
  bool Gather(rpc::Connection& connection, size_t queued_bytes);

  Batch* const outer_;
  std::vector<base::Ref<rpc::Connection>> connections_;
};

}  // namespace drover

#endif  // DROVER_RPC_BATCH_H_

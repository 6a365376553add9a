// Something to run that may be user code: on the thread that read the message for it, or on the
// pool.
#ifndef DROVER_RPC_WORK_H_
#define DROVER_RPC_WORK_H_

#include "absl/status/status.h"
#include "drover/async/executor.h"

namespace drover::rpc {

class Work {
 public:
  virtual void Run() = 0;
  // Called instead of Run if there is no thread for it.
  virtual void Reject(const absl::Status& status) = 0;
  // Whether it has lately blocked, and belongs on the pool at once.
  virtual bool LikelyBlocks() const { return false; }
  // It ran inline and did (or did not) come back before the thread's batons were handed over.
  virtual void NoteInline(bool /*came_back*/) {}

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~Work() = default;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_WORK_H_

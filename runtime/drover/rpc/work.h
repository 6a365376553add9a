// Something to run that may be user code: on the thread that read the message for it, or on the
// pool.
#ifndef DROVER_RPC_WORK_H_
#define DROVER_RPC_WORK_H_

#include "absl/status/status.h"
#include "drover/async/executor.h"

namespace drover::rpc {

class IncomingCall;

class Work {
 public:
  virtual void Run() = 0;
  // Called instead of Run if there is no thread for it.
  virtual void Reject(const absl::Status& status) = 0;
  // The call that it begins with, for whoever is to run it; null for none.
  virtual IncomingCall* FirstCall() = 0;

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~Work() = default;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_WORK_H_

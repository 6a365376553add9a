// Where work runs that is not run by its caller.
//
//   executor->Post([] { ... });
//
// Thread-safe. Post never blocks; tasks posted to one strand run in order, those posted to a pool
// in any order. A task owns what it captures and is destroyed on the thread that ran it.
#ifndef DROVER_ASYNC_EXECUTOR_H_
#define DROVER_ASYNC_EXECUTOR_H_

#include "absl/functional/any_invocable.h"
#include "drover/base/ref.h"

namespace drover::async {

using Task = absl::AnyInvocable<void()>;

class Executor : public base::RefCounted {
 public:
  virtual void Post(Task task) = 0;
  // The code that runs here begins to wait for something, and has waited. They nest.
  virtual void BeginWait() {}
  virtual void EndWait() {}
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_EXECUTOR_H_

// A descriptor that several have a part in; closed when the last of them is gone.
//
//   auto fd = base::MakeRef<base::SharedFd>(base::UniqueFd(open(...)));
//
// Thread-safe.
#ifndef DROVER_BASE_SHARED_FD_H_
#define DROVER_BASE_SHARED_FD_H_

#include <utility>

#include "drover/base/ref.h"
#include "drover/base/unique_fd.h"

namespace drover::base {

class SharedFd final : public RefCounted {
 public:
  explicit SharedFd(UniqueFd fd) : fd_(std::move(fd)) {}
  int get() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
};

}  // namespace drover::base

#endif  // DROVER_BASE_SHARED_FD_H_

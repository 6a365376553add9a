// Memory without a name (memfd) whose size cannot change any more: whoever has mapped it cannot be
// made to fault by whoever else has it.
//
//   DROVER_ASSIGN_OR_RETURN(base::UniqueFd fd, MakeSealedMemory("drover-rings", bytes));
//   DROVER_ASSIGN_OR_RETURN(uint64_t bytes, SizeOfSealedMemory(received_fd));
//
// Thread-safe. Never blocks.
#ifndef DROVER_TRANSPORT_SEALED_MEMORY_H_
#define DROVER_TRANSPORT_SEALED_MEMORY_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/base/unique_fd.h"

namespace drover::transport {

// All zero. Errors: ResourceExhausted where memory or descriptors are short, or files may not be so
// large (RLIMIT_FSIZE); Unavailable where the kernel has no memory that can be sealed, or a sandbox
// refuses it.
absl::StatusOr<base::UniqueFd> MakeSealedMemory(const char* name, size_t bytes);

// Of memory that a peer sent. Errors: InvalidArgument for what is not sealed memory.
absl::StatusOr<uint64_t> SizeOfSealedMemory(int fd);

// That a system call has failed for want of memory or descriptors, or else.
absl::Status OutOfMemory(const char* what, int error = errno);
// That what a peer shares is not as it must be.
absl::Status BadMemory(const std::string& what);

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SEALED_MEMORY_H_

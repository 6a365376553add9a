// Files that travel with objects between the stock programs and Drover.
#ifndef DROVER_TESTS_INTEROP_STOCK_FILE_H_
#define DROVER_TESTS_INTEROP_STOCK_FILE_H_

#include <kj/io.h>
#include <kj/string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace interop::stock {

// Descriptors accepted with one message.
constexpr unsigned kMostFds = 16;

// A file in memory.
inline kj::AutoCloseFd FileOf(kj::StringPtr content) {
  kj::AutoCloseFd fd(memfd_create("stock", MFD_CLOEXEC));
  if (write(fd.get(), content.begin(), content.size()) < 0) fd = nullptr;
  return fd;
}

inline kj::String ContentOf(int fd) {
  char content[100];
  const ssize_t n = pread(fd, content, sizeof content, 0);
  return kj::heapString(content, n < 0 ? 0 : n);
}

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_FILE_H_

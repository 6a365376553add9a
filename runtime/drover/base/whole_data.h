// Says of data that is about to be put into a message that all of it will be written, so that
// memory for it need not be cleared first.
//
//   const base::WholeData whole(size);
//   std::memcpy(root.initData(size).begin(), from, size);
//
// Between those who fill messages and those who have the memory, neither of whom knows the other.
//
// Thread-safe: it is about what its own thread does. Never blocks.
#ifndef DROVER_BASE_WHOLE_DATA_H_
#define DROVER_BASE_WHOLE_DATA_H_

#include <cstddef>

namespace drover::base {

// From here on data is worth memory of its own.
inline constexpr size_t kLargeData = 16 * 1024;

// While it exists, the data of exactly so many bytes that this thread makes room for next, if they
// are kLargeData at least, may get memory that is not cleared. The caller overwrites all of them,
// at once. They do not nest.
class WholeData {
 public:
  explicit WholeData(size_t bytes) : on_(bytes >= kLargeData) {
    if (on_) bytes_ = bytes;
  }
  ~WholeData() {
    if (on_) bytes_ = 0;
  }
  WholeData(const WholeData&) = delete;
  WholeData& operator=(const WholeData&) = delete;

  // How large the data is that this thread is about to write; 0 for none.
  static size_t Expected() { return bytes_; }

 private:
  static inline thread_local size_t bytes_ = 0;
  const bool on_;
};

}  // namespace drover::base

#endif  // DROVER_BASE_WHOLE_DATA_H_

// Messages beyond the stock runtime's 64 MiB: room for them, and what it says where there is none.
#ifndef DROVER_TESTS_INTEROP_STOCK_HUGE_H_
#define DROVER_TESTS_INTEROP_STOCK_HUGE_H_

#include <capnp/message.h>

namespace interop::stock {

inline capnp::ReaderOptions HugeMessages() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (512 << 20) / sizeof(capnp::word);
  return options;
}

// What it says of a message that is too large: since 1.0, and before.
inline constexpr const char* kTooLarge =
    CAPNP_VERSION >= 1000000 ? "message exceeds size limit" : "Message is too large";

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_HUGE_H_

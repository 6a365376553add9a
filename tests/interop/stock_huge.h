// Room for messages beyond the stock runtime's 64 MiB.
#ifndef DROVER_TESTS_INTEROP_STOCK_HUGE_H_
#define DROVER_TESTS_INTEROP_STOCK_HUGE_H_

#include <capnp/message.h>

namespace interop::stock {

inline capnp::ReaderOptions HugeMessages() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (512 << 20) / sizeof(capnp::word);
  return options;
}

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_HUGE_H_

// How calls through a proxy are made.
//
//   auto patient = worker.With({.timeout = absl::Seconds(2), .metadata = {{"tenant", "acme"}}});
//   absl::StatusOr<uint32_t> answer = patient.Calculate();     // DeadlineExceeded after 2 s
//
// Calls that a servant makes while it serves one inherit that call's deadline and metadata; an
// option of their own can shorten the deadline and replace single entries. Between two Drover peers
// both travel with the call: the servant sees them in CallContext. Towards other peers the deadline
// is kept by the caller alone, which cancels the call.
//
// A value; thread-compatible. Errors: InvalidArgument from a call whose options are malformed.
#ifndef DROVER_OBJECT_CALL_OPTIONS_H_
#define DROVER_OBJECT_CALL_OPTIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace drover {

struct CallOptions {
  // How long a call may take, from when it is made until its answer is here. Default: for ever.
  // Past it the call fails with DeadlineExceeded and is cancelled where it runs. At least 0.
  absl::Duration timeout = absl::InfiniteDuration();
  // Said of the call to whoever serves it. Default: nothing. Keys are not empty and occur once.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  // The trace the call belongs to, as in W3C Trace Context: "00-<32 hex>-<16 hex>-<2 hex>".
  // Default: that of the call being served, if any. Travels as the entry "traceparent".
  std::string traceparent = {};
};

}  // namespace drover

#endif  // DROVER_OBJECT_CALL_OPTIONS_H_

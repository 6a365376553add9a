// Any text as an endpoint.
//
// Must hold: a text is refused with InvalidArgument, or what it says can be written and read again
// and is the same.
#include <functional>
#include <string>
#include <string_view>

#include "drover/transport/endpoint.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using drover::Endpoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (!endpoint.ok()) {
    FUZZ_CHECK(endpoint.status().code() == absl::StatusCode::kInvalidArgument) << endpoint.status();
    return 0;
  }
  const std::string canonical = endpoint->ToString();
  const absl::StatusOr<Endpoint> again = Endpoint::Parse(canonical);
  FUZZ_CHECK(again.ok()) << canonical << ": " << again.status();
  FUZZ_CHECK(*again == *endpoint) << canonical;
  FUZZ_CHECK(again->ToString() == canonical) << canonical;
  FUZZ_CHECK(std::hash<Endpoint>()(*again) == std::hash<Endpoint>()(*endpoint)) << canonical;
  FUZZ_CHECK(endpoint->WithoutName().WithName(endpoint->name()) == *endpoint) << canonical;
  const absl::StatusOr<Endpoint> nameless = Endpoint::Parse(endpoint->WithoutName().ToString());
  FUZZ_CHECK(nameless.ok() && nameless->name().empty()) << canonical;
  return 0;
}

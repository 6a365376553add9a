#include "drover/object/outgoing_metadata.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/object/call_context.h"
#include "drover/rpc/incoming_call.h"

namespace drover::object {
namespace {

// W3C Trace Context, section 3.2: version 00.
bool IsTraceparent(std::string_view text) {
  constexpr std::string_view kForm = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool matches = kForm[i] == 'h'
                             ? absl::ascii_isxdigit(text[i]) && !absl::ascii_isupper(text[i])
                             : text[i] == kForm[i];
    if (!matches) return false;
  }
  return true;
}

absl::Status Add(std::string_view key, const std::string& value, rpc::CallMetadata& metadata) {
  if (key.empty()) return absl::InvalidArgumentError("CallOptions::metadata has an empty key");
  for (auto& [name, old] : metadata.entries) {
    if (name != key) continue;
    old = value;
    return absl::OkStatus();
  }
  metadata.entries.emplace_back(key, value);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<rpc::CallMetadataPtr> MetadataForCall(const CallOptions* options, bool one_way) {
  const CallContext serving = CallContext::Current();
  if (options == nullptr && !serving) return rpc::CallMetadataPtr();
  auto metadata = std::make_shared<rpc::CallMetadata>();
  if (serving) {
    if (serving.call()->metadata()) *metadata = *serving.call()->metadata();
    if (one_way) {
      metadata->chain.clear();
    } else {
      metadata->chain.push_back({serving.call()->chain_id(), serving.Method()});
    }
  }
  if (options == nullptr) {
    return metadata->empty() ? nullptr : rpc::CallMetadataPtr(std::move(metadata));
  }
  if (options->timeout < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("CallOptions::timeout is negative: ", absl::FormatDuration(options->timeout)));
  }
  if (options->timeout != absl::InfiniteDuration()) {
    metadata->deadline = std::min(metadata->deadline, absl::Now() + options->timeout);
  }
  for (const auto& [key, value] : options->metadata) {
    absl::Status added = Add(key, value, *metadata);
    if (!added.ok()) return added;
  }
  if (!options->traceparent.empty()) {
    if (!IsTraceparent(options->traceparent)) {
      return absl::InvalidArgumentError(
          absl::StrCat("CallOptions::traceparent is no W3C traceparent: ", options->traceparent));
    }
    absl::Status added = Add("traceparent", options->traceparent, *metadata);
    if (!added.ok()) return added;
  }
  if (metadata->empty()) return rpc::CallMetadataPtr();
  return rpc::CallMetadataPtr(std::move(metadata));
}

}  // namespace drover::object

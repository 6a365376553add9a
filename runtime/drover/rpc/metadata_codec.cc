#include "drover/rpc/metadata_codec.h"

#include <algorithm>

namespace drover::rpc {
namespace {

std::string ToString(capnp::Text::Reader text) { return std::string(text.begin(), text.size()); }

}  // namespace

void WriteMetadata(const CallMetadata& metadata, absl::Time now,
                   protocol::CallExtension::Builder out) {
  if (metadata.deadline != absl::InfiniteFuture()) {
    // A deadline that has passed is told as one that is about to.
    const int64_t left = absl::ToInt64Nanoseconds(metadata.deadline - now);
    out.setTimeoutNanos(static_cast<uint64_t>(std::max<int64_t>(left, 1)));
  }
  if (!metadata.chain.empty()) {
    auto chain = out.initChain(static_cast<unsigned>(metadata.chain.size()));
    for (unsigned i = 0; i < chain.size(); ++i) {
      chain[i].setId(metadata.chain[i].id);
      chain[i].setMethod(metadata.chain[i].method);
    }
  }
  if (!metadata.entries.empty()) {
    auto entries = out.initMetadata(static_cast<unsigned>(metadata.entries.size()));
    for (unsigned i = 0; i < entries.size(); ++i) {
      entries[i].setKey(metadata.entries[i].first);
      entries[i].setValue(metadata.entries[i].second);
    }
  }
}

CallMetadata ReadMetadata(protocol::CallExtension::Reader in, absl::Time now) {
  CallMetadata metadata;
  if (const uint64_t nanos = in.getTimeoutNanos(); nanos > 0) {
    constexpr uint64_t kMost = uint64_t{1} << 62;
    metadata.deadline = now + absl::Nanoseconds(static_cast<int64_t>(std::min(nanos, kMost)));
  }
  for (auto link : in.getChain()) {
    metadata.chain.push_back({link.getId(), ToString(link.getMethod())});
  }
  for (auto entry : in.getMetadata()) {
    metadata.entries.emplace_back(ToString(entry.getKey()), ToString(entry.getValue()));
  }
  return metadata;
}

}  // namespace drover::rpc

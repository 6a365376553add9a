#include "drover/rpc/batch.h"

#include <algorithm>
#include <utility>

#include "drover/async/thread_context.h"
#include "drover/rpc/connection.h"

namespace drover {
namespace {

// More than this in one write gains nothing, and keeps the receiver waiting.
constexpr size_t kMostGathered = 32 * 1024;

}  // namespace

Batch::Batch() : outer_(std::exchange(async::ThreadContext::Current().batch, this)) {}

Batch::~Batch() {
  async::ThreadContext::Current().batch = outer_;
  Send();
}

bool Batch::Gather(rpc::Connection& connection, size_t queued_bytes) {
  if (queued_bytes >= kMostGathered) return false;
  const auto is_it = [&](const auto& known) { return known.get() == &connection; };
  if (std::none_of(connections_.begin(), connections_.end(), is_it)) {
    connections_.push_back(base::Ref<rpc::Connection>::Share(&connection));
  }
  return true;
}

void Batch::Send() {
  // Flushing may end a connection, and with it what makes calls.
  const std::vector<base::Ref<rpc::Connection>> connections = std::exchange(connections_, {});
  for (const base::Ref<rpc::Connection>& connection : connections) connection->FlushAll();
}

}  // namespace drover

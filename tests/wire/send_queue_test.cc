#include "drover/wire/send_queue.h"

#include <string>
#include <vector>

#include "drover/rpc.capnp.h"
#include "gtest/gtest.h"

namespace drover::wire {
namespace {

// A message with a text of this size.
OutMessagePtr Abort(size_t size) {
  OutMessagePtr message = OutMessage::New();
  message->builder().initRoot<protocol::Message>().initAbort().setReason(std::string(size, 'x'));
  return message;
}

std::string Drain(SendQueue& queue) {
  SendBatch batch;
  queue.MoveTo(batch);
  std::string out;
  std::vector<iovec> pieces;
  while (!batch.empty()) {
    batch.Gather(pieces, 8);
    size_t bytes = 0;
    for (const iovec& piece : pieces) {
      out.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      bytes += piece.iov_len;
    }
    batch.Advance(bytes);
  }
  return out;
}

std::string FrameOf(OutMessagePtr message) {
  std::string frame;
  message->AppendFrameTo(frame);
  return frame;
}

TEST(SendQueue, KeepsTheOrderOfSmallAndLargeFrames) {
  constexpr size_t kSizes[] = {1, 100'000, 2, 3, 200'000, 100'000, 4};
  SendQueue queue;
  std::string expected;
  for (size_t size : kSizes) {
    OutMessagePtr message = Abort(size);
    queue.Append(message);
    expected += FrameOf(Abort(size));
  }
  EXPECT_EQ(queue.bytes(), expected.size());
  EXPECT_EQ(Drain(queue), expected);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(SendQueue, TakesNothingOnceItIsSealed) {
  SendQueue queue;
  OutMessagePtr last = Abort(10);
  queue.Append(last);
  queue.Seal();
  OutMessagePtr small = Abort(1);
  OutMessagePtr large = Abort(100'000);
  queue.Append(small);
  queue.Append(large);
  queue.AppendCopy(*small);
  queue.AppendBytes(std::vector<std::byte>(8));
  EXPECT_EQ(Drain(queue), FrameOf(Abort(10)));
}

}  // namespace
}  // namespace drover::wire

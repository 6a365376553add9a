// Streams of calls: methods that a schema declares `-> stream`.
//
//   interface Sink { write @0 (chunk :Data) -> stream;  done @1 (); }
//
//   for (const auto& chunk : chunks) DROVER_RETURN_IF_ERROR(sink.Write(chunk));
//   DROVER_RETURN_IF_ERROR(drover::FinishStream(sink));
//
// A streaming call leaves at once and its answer is awaited by nobody, as long as the bytes of
// those not yet answered fit a window, which adapts to the receiver (object/window_estimate.h: 64
// KiB to 16 MiB for each object; a call counts half a KiB at least). So a slow receiver slows its
// sender down and neither needs memory without bound. One call may always be on its way, however
// large.
//
// The blocking form, `absl::Status Write(chunk)`, waits for room, sends, and returns. The async
// form, `Future<void> Write(chunk)`, sends in any case and completes when there is room for another
// one of the same size: await it before the next. Dropping that future cancels nothing.
//
// Errors: the first error of an earlier streaming call on the object, which every later one gives
// too, without being sent, until FinishStream has told it. Cancelled if the call whose servant
// waits here is. A call that cannot be sent at all gives its own error, and the stream goes on.
// Lost with its connection, a stream fails with Unavailable: what a server got has no gaps.
// Order: streaming and other calls of one thread on one object arrive in their order. A servant
// takes them one at a time; an asynchronous one begins them in order.
// Thread-safety: thread-safe; all proxies of an object that are copies of each other share its
// stream, window and error.
// Blocking: FinishStream blocks, and is safe from a servant.
#ifndef DROVER_OBJECT_STREAM_H_
#define DROVER_OBJECT_STREAM_H_

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/object/proxy.h"

namespace drover {

// Waits until all streaming calls made on the object so far are answered, and gives the first error
// there was; a new stream may begin then. FailedPrecondition for a proxy that refers to nothing.
absl::Status FinishStream(const Proxy& proxy);
// The same as a future. Dropping it cancels nothing.
Future<void> FinishStreamAsync(const Proxy& proxy);

}  // namespace drover

#endif  // DROVER_OBJECT_STREAM_H_

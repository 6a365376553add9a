// One-way calls: made without waiting for an answer, of which there is none.
//
//   auto meter = drover::Connect<metrics::MeterProxy>("unix:///run/meter.sock");
//   metrics::MeterProxy::OneWay record = meter.one_way();
//   {
//     drover::Batch batch;                                  // rpc/batch.h: they leave together
//     for (const Sample& s : samples) DROVER_RETURN_IF_ERROR(record.Record(s));
//   }
//   DROVER_RETURN_IF_ERROR(drover::Sync(meter));            // all of them have run
//
// A proxy's one_way() has the methods that give no results and are not `-> stream`. Such a call is
// sent, and nothing is kept of it: no answer comes, and what the servant returned is known to the
// server alone, which counts it in its statistics and logs errors (the first one of a connection,
// the second, the fourth, and so on).
//
// What is promised: a call runs at most once, and is never sent again, `$Drover.idempotent` or not.
// That it arrives is not: a connection that is lost takes calls with it that had left. Sync, or any
// call with an answer made after them on the same object, tells that those before have had their
// turn. One-way and other calls of one thread on one object arrive in their order;
// `$Drover.concurrent` ones may begin in any. What has arrived runs although the caller exits; a
// server that shuts down first lets it run, within its grace.
//
// Flow control: a server grants each client a window of one-way calls that have not ended
// (Limits::max_one_way_bytes). A call that does not fit is made as a blocking one: it returns when
// it has been answered. So an endless sender goes as fast as the servants do, and no queue grows
// without limit, on either side. The same holds for what cannot be one-way on the wire, of which 1
// MiB for each object may be unanswered (a call counts 512 bytes at least): calls to peers that are
// not Drover, or of which it is not known yet; with objects among the params; on an object inside a
// result that is not here yet; in this process. Such a wait ends early with the call's deadline,
// and with the cancellation of the servant's call that makes it. A servant does not wait longer
// than 100 ms for one call, and then goes on: two that send to each other cannot stop each other
// for ever.
//
// A deadline (CallOptions) travels with the call, which does not run once that has passed. Metadata
// and trace travel, too. Interceptors of the client see the call, and that it was sent; those of
// the server see it as any other. CallContext::Cancelled is only ever true when the server stops.
//
// Errors: of a call: Unavailable if the connection is known to be lost, or cannot be made;
// ResourceExhausted if too much waits to be written (Limits::max_queued_bytes); FailedPrecondition
// for a proxy that refers to nothing; DeadlineExceeded or Cancelled if a wait ended early: it may
// have run. OK says that it was sent.
// Thread-safety: thread-safe, as proxies are.
// Blocking: a call blocks as long as it has to wait for room, and Sync blocks; both are safe from a
// servant.
#ifndef DROVER_OBJECT_ONE_WAY_H_
#define DROVER_OBJECT_ONE_WAY_H_

#include "absl/status/status.h"
#include "drover/object/proxy.h"

namespace drover {

// Waits until the calls made on the object before, one-way ones too, have had their turn: those of
// an asynchronous servant have begun then, all others have ended, except for `$Drover.concurrent`
// ones. Objects that are not Drover's are asked, too. Errors: Unavailable if the connection was
// lost: it is not known then what has run; FailedPrecondition for a proxy that refers to nothing;
// those of the proxy's CallOptions.
absl::Status Sync(const Proxy& proxy);

}  // namespace drover

#endif  // DROVER_OBJECT_ONE_WAY_H_

// Who gets the answer of a call.
//
// One of OnReturn (or OnKeptReturn), OnError, OnLost and OnLeft is called, once, on a thread that
// drives I/O, with no lock held: implementations are quick and run no user code. Reference-counted
// by the implementation.
#ifndef DROVER_RPC_RETURN_HANDLER_H_
#define DROVER_RPC_RETURN_HANDLER_H_

#include <capnp/any.h>

#include <memory>

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/rpc/ids.h"

namespace drover::rpc {

class Connection;
class IncomingCall;
class KeptResults;

class ReturnHandler {
 public:
  // The results, valid during the call. May throw kj::Exception if they are malformed; OnError
  // follows then.
  virtual void OnReturn(capnp::AnyPointer::Reader results) = 0;
  // Whether it reads the results where they are, later too: it gets OnKeptReturn then.
  virtual bool KeepsResults() const { return false; }
  // In place of OnReturn; likewise.
  virtual void OnKeptReturn(std::unique_ptr<KeptResults> results);
  // The callee, or the runtime in its place, answered with an error.
  virtual void OnError(const absl::Status& status) = 0;
  // The connection ended, or could not be made: `status` is Unavailable and names the endpoint.
  virtual void OnLost(const absl::Status& status) { OnError(status); }

  // No connection could be made, so the call has not left: `status` is that of dialling.
  virtual void OnUnreachable(const absl::Status& status) { OnLost(status); }
  // Whether nobody wants the answer any more. One that has not left then need not leave, and is
  // dropped without any of the above.
  virtual bool Abandoned() const { return false; }

  // Of a one-way call: it has left, and nothing will be heard of it. Or: the peer, or this process,
  // has as many of them as it takes, so it leaves as a call that is answered, for whose answer its
  // maker should wait. Everything else of above comes to one that is answered.
  virtual void OnLeft() {}
  virtual void OnFull() {}

  // The call left as a question of a connection, or runs in this process: for waiting where its
  // answer arrives, and for cancelling it. May come after the answer, and again for a call that is
  // sent again.
  virtual void OnSent(base::Ref<Connection> connection, QuestionId question);
  virtual void OnStarted(base::Ref<IncomingCall> call);

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~ReturnHandler() = default;
};

// Gives `results` to the handler; malformed results become an error.
void DeliverReturn(ReturnHandler& handler, capnp::AnyPointer::Reader results);
void DeliverReturn(ReturnHandler& handler, std::unique_ptr<KeptResults> results);

}  // namespace drover::rpc

#endif  // DROVER_RPC_RETURN_HANDLER_H_

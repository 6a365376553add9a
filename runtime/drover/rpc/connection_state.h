// What a connection's lock guards: the tables, the queue of what is to be sent, and how far its
// life has come.
#ifndef DROVER_RPC_CONNECTION_STATE_H_
#define DROVER_RPC_CONNECTION_STATE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"
#include "drover/rpc/answer_table.h"
#include "drover/rpc/embargo_table.h"
#include "drover/rpc/export_table.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/import_table.h"
#include "drover/rpc/limits.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/question_table.h"
#include "drover/rpc/return_handler.h"
#include "drover/wire/send_queue.h"

namespace drover::rpc {

// A call that waits for the peer's answer to hello (hello.cc).
struct HeldCall {
  base::Ref<Capability> target;
  OutgoingCall call;
  base::Ref<ReturnHandler> handler;
};

// How far going over to shared memory has come (shared_memory_upgrade.h).
struct MemorySwitch {
  // A server: its answer that offers memory, and what goes with it until that is queued.
  std::optional<AnswerId> offer;
  std::vector<base::Ref<base::SharedFd>> fds;
  bool queued = false;
  // A client: its question, and once it has been answered the Finish that is the last on the
  // socket.
  std::optional<QuestionId> question;
  std::optional<QuestionId> last_finish;
  std::shared_ptr<const void> room;  // for what it asks for
};

struct ConnectionState {
  absl::Status closed;       // not OK: the connection has ended, and why
  bool draining = false;     // calls that arrive now are refused
  bool extensions = false;   // both ends are known to be Drover: metadata travels with calls
  bool holds_all = false;    // calls, until memory is shared
  bool takes_tails = false;  // the peer is Drover, or makes tail calls: it understands them
  // kAsked: calls with metadata are held, and all behind them. kAnswered: those that were held
  // leave, and new ones queue behind them.
  enum class Hello { kNone, kAsked, kAnswered } hello = Hello::kNone;
  std::vector<HeldCall> held;
  size_t held_call_bytes = 0;
  bool retired = false;  // see Connection::Retire
  QuestionTable questions;
  AnswerTable answers;
  ExportTable exports;
  ImportTable imports;
  EmbargoTable embargoes;
  // What Bootstrap gives the peer. It may keep this very connection alive, through a reference to
  // an object of the peer, so a connection that has ended lets go of it.
  base::Ref<Capability> front;
  // What answers calls of the Node interface in the front object's place, or null.
  base::Ref<Capability> node;
  size_t running_calls = 0;  // answers not yet returned
  size_t call_bytes = 0;     // of their messages, and of others that are still kept
  size_t held_bytes = 0;     // of answers returned and not finished
  absl::Status overstep;     // not OK: a limit was passed, and the connection is about to end

  OneWayState one_way;

  wire::SendQueue send;
  std::vector<base::Ref<base::SharedFd>> fds;  // of the message that is being described
  size_t import_fds = 0;                       // imports with a descriptor
  size_t being_written = 0;                    // bytes that a writer has taken and not written yet
  uint64_t written = 0;                        // bytes, since the beginning
  bool writing = false;                        // somebody is writing
  bool write_failed = false;    // nothing leaves any more; what the peer sent before is still read
  bool writes_rings = false;    // everything that was to go over the socket has been written
  bool sends_in_place = false;  // what is queued from now on the peer may read where it was built
  bool write_blocked = false;  // the stream takes no more for now; the reactor goes on when it does

  std::unique_ptr<MemorySwitch> memory_switch;  // null unless it is under way

  bool open() const { return closed.ok(); }
  size_t unwritten() const { return send.bytes() + being_written; }

  // Whether the peer leaves no more unread, and has no more objects of ours, than it may.
  bool BacklogFits(const Limits& limits) const {
    return unwritten() + held_call_bytes <= limits.max_queued_bytes;
  }
  bool ExportsFit(const Limits& limits) const {
    return fds.size() <= kMostFdsSent && exports.size() <= limits.max_exports;
  }
  static constexpr size_t kMostFdsSent = 16;  // with one message
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CONNECTION_STATE_H_

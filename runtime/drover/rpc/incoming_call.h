// A call that has arrived: its params, the answer being built, and the way the answer goes home,
// to a peer or to a caller in this process. It is its own Cancellation.
//
// Thread-safe in this sense: one thread at a time builds the answer, any thread cancels. Answered
// exactly once: later answers are dropped, and a call dropped without one is answered Internal.
#ifndef DROVER_RPC_INCOMING_CALL_H_
#define DROVER_RPC_INCOMING_CALL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/cancellation.h"
#include "drover/async/dispatch_predictor.h"
#include "drover/base/mutex.h"
#include "drover/base/recycled.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/return_handler.h"
#include "drover/rpc/work.h"
#include "drover/wire/in_message.h"
#include "drover/wire/out_message.h"
#include "drover/wire/plain_struct.h"

namespace drover::rpc {

class CallHooks;
class Caretaker;
class Connection;
class LocalCapability;

// What hooks keep with a call.
class HookState {
 public:
  virtual ~HookState() = default;
};

class IncomingCall final : public async::Cancellation,
                           public Work,
                           public base::Recycled<IncomingCall> {
 public:
  // From a peer. Reads the fields of the Call, those that only Drover has if the peer is Drover;
  // may throw kj::Exception.
  static base::Ref<IncomingCall> FromPeer(base::Ref<Connection> connection, wire::Frame frame,
                                          bool peer_is_drover);
  // From this process; `target` is kept alive until the answer is given.
  static base::Ref<IncomingCall> FromLocal(OutgoingCall call, base::Ref<Capability> target,
                                           base::Ref<ReturnHandler> handler);
  ~IncomingCall() noexcept override;

  uint64_t interface_id() const { return interface_id_; }
  uint16_t method_id() const { return method_id_; }
  AnswerId answer_id() const { return answer_id_; }
  // Bytes of the message that it came in; 0 for a call from this process.
  size_t message_bytes() const { return message_bytes_; }
  // What of that counts towards Limits::max_call_bytes. The connection's, under its lock.
  size_t counted_bytes = 0;
  // Whether somebody else than its servant has answered: ReturnEarly. For the connection, while it
  // sends the answer.
  bool answered_early() const { return answered_early_; }
  // Whether the peer has said that it will not call on what is in the results.
  bool not_pipelined() const { return not_pipelined_; }
  // Whether its caller wants no answer (one_way.h). What answers one of a peer ends it.
  bool one_way() const { return one_way_; }
  // The connection's, under its lock: the one-way calls that it has delivered and that have not
  // ended are in a list.
  void LinkOneWay(IncomingCall*& first) {
    one_way_next_ = first;
    if (first != nullptr) first->one_way_at_ = &one_way_next_;
    first = this;
    one_way_at_ = &first;
  }
  void UnlinkOneWay() {
    *one_way_at_ = one_way_next_;
    if (one_way_next_ != nullptr) one_way_next_->one_way_at_ = one_way_at_;
    one_way_at_ = nullptr;
  }
  bool one_way_linked() const { return one_way_at_ != nullptr; }
  IncomingCall* next_one_way() const { return one_way_next_; }
  // Whether it came as a plain one (plain_frames.h).
  bool plain() const { return plain_; }
  // The Call as the peer sent it, until it is answered; of a plain one, and of one from this
  // process, empty.
  protocol::Call::Reader peer_call() const { return peer_call_; }
  // The export that the peer addressed it to, if it did.
  std::optional<ExportId> exported_target() const { return exported_target_; }
  MessageCaps& param_caps() { return param_caps_; }
  capnp::AnyPointer::Reader params();
  // For its servant, once the params were found sound: from now on they may be read again and
  // again (see wire::TraversalLimitWords). What params and peer_call gave before must not be used
  // any more. May throw kj::Exception.
  void LiftTraversalLimit();
  async::Cancellation& cancellation() { return *this; }
  // Its caller does not want it any more. One that has not begun lets go of what it was given at
  // once: it may wait for its turn behind work that goes on only for what is among its params. No
  // lock may be held.
  void CancelByCaller();
  // Whoever runs it, or makes it again elsewhere, does this first. False if it let go of its
  // params; then it is only to be answered.
  [[nodiscard]] bool TakeUp() { return !taken_up_.exchange(true, std::memory_order_acq_rel); }
  // What came with the call; null for nothing.
  const CallMetadataPtr& metadata() const { return metadata_; }
  // Its name in the chains of the calls that are made while it runs.
  uint64_t chain_id() const { return chain_id_; }
  // For the connection, before the call is delivered.
  void set_metadata(CallMetadataPtr metadata) { metadata_ = std::move(metadata); }
  // What keeps it together with others, if it has been made in this process.
  base::Ref<CallPath> path() const { return local_ ? local_->path : nullptr; }
  // Null for a call from this process.
  const base::Ref<Connection>& connection() const { return connection_; }

  // For errors: "Worker.calculate", as far as its servant is known.
  std::string method_name() const;
  // Who runs it; set when it is delivered to a local object.
  void SetServant(base::Ref<LocalCapability> servant);

  // Builds the results; then ReturnResults sends them. `results` may be called again.
  capnp::AnyPointer::Builder results(size_t size_hint_words = 0);
  void ReturnResults();
  // Data for the results, not copied if that can be (wire::OutMessage::Refer): what lies among the
  // params stays as long as it is needed, others need an owner.
  capnp::Orphan<capnp::Data> ReferInResults(std::span<const uint8_t> data,
                                            std::shared_ptr<const void> owner = nullptr);
  // The same with results that hold no pointers, in place of results().
  void ReturnPlain(const wire::PlainStruct& results);
  void ReturnError(const absl::Status& status);
  bool returned() const { return returned_.load(std::memory_order_acquire); }
  // The same for somebody who is not its servant, from any thread, while the servant may be at it:
  // the params stay until the call object goes.
  void ReturnEarly(const absl::Status& status);

  // Tail calls (tail_call.h). Whether the call, which is about to be forwarded, may be answered by
  // one: not if somebody here has to know how it ends.
  bool MayEndInTail() const;
  // For the connection: it is. False if it has been answered.
  [[nodiscard]] bool ClaimForTail();
  // After that, with no lock held: its params are let go of.
  void ReleaseToTail();
  // The tail call has ended; the first end counts.
  void TailEnded(const absl::Status& status) { Tell(status); }

  // It passes `caretaker`, which is told once it has been answered. False if it has been already.
  [[nodiscard]] bool Pass(base::Ref<Caretaker> caretaker);
  // How many it has passed.
  size_t passed() const;

  // Runs the servant's method; exceptions become errors.
  void Execute();
  // Asks the connection's hooks. False if they refused the call, which has been answered.
  [[nodiscard]] bool Admit();
  // For the hooks: what they keep with the call, and when it began.
  std::unique_ptr<HookState> hook_state;
  int64_t began() const { return began_; }

  // Its method, as the predictor knows it; and to whom the end of Execute is to be told, if
  // anybody.
  async::DispatchPredictor::Key method_key() const {
    return async::DispatchPredictor::KeyOf(interface_id_, method_id_);
  }
  void WatchFor(async::DispatchPredictor& predictor) { predictor_ = &predictor; }

  void Run() override;  // Execute, as a call of a concurrent method
  void Reject(const absl::Status& status) override { ReturnError(status); }
  IncomingCall* FirstCall() override { return this; }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  IncomingCall();
  void ReadPeerCall();
  void Begin(size_t size_hint_words);
  void SendResults();
  bool EndOneWay(const absl::Status& status);
  void Tell(const absl::Status& status);
  void Release();
  void TellCaretakers();

  base::Ref<Connection> connection_;  // for a peer's call
  base::Ref<ReturnHandler> handler_;  // for one from this process
  bool plain_ = false;
  PlainContent plain_content_;         // of a plain call; or, if that is larger:
  base::Ref<wire::Block> block_;       // what it lies in; or, if the call is not plain:
  std::optional<wire::InMessage> in_;  // its message
  protocol::Call::Reader peer_call_;   // inside in_
  capnp::AnyPointer::Reader content_;  // the params of a peer's call, inside one of these
  std::optional<ExportId> exported_target_;
  std::unique_ptr<OutgoingCall> local_;  // of a call from this process
  AnswerId answer_id_;
  size_t message_bytes_ = 0;
  uint64_t interface_id_ = 0;
  uint16_t method_id_ = 0;
  bool not_pipelined_ = false;
  bool one_way_ = false;
  IncomingCall* one_way_next_ = nullptr;
  IncomingCall** one_way_at_ = nullptr;  // what points to this; null: it is in no list
  MessageCaps param_caps_;
  CallMetadataPtr metadata_;
  const uint64_t chain_id_;
  base::Ref<Capability> target_;
  base::Ref<LocalCapability> servant_;
  std::atomic<bool> returned_{false};
  bool answered_early_ = false;
  std::atomic<bool> ends_in_tail_{false};
  std::atomic<bool> taken_up_{false};
  // Whether the connection's hooks know of it. One that was answered early, while they were asked,
  // is kTold although they are still to hear of the end.
  enum class Asked : uint8_t { kNot, kAsking, kAsked, kTold };
  std::atomic<Asked> asked_{Asked::kNot};
  int64_t began_ = 0;  // steady nanoseconds, once the hooks are asked; see InlineClock
  async::DispatchPredictor* predictor_ = nullptr;
  absl::Status early_status_;  // set before kAsking becomes kTold

  wire::OutMessagePtr out_;
  protocol::Return::Builder return_{nullptr};    // inside out_
  protocol::Payload::Builder results_{nullptr};  // inside return_, once asked for
  MessageCaps result_caps_;

  mutable base::Mutex passing_mu_;
  std::atomic<bool> has_passed_{false};
  std::vector<base::Ref<Caretaker>> passed_ ABSL_GUARDED_BY(passing_mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_INCOMING_CALL_H_

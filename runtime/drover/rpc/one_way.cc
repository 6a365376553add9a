#include "drover/rpc/one_way.h"

#include <bit>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/thread_context.h"
#include "drover/base/log.h"
#include "drover/base/status_macros.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/metadata_codec.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/remote_capability.h"

namespace drover::rpc {
namespace {

// Whether a call of this weight may be under way beside what is.
bool Fits(uint64_t window, uint64_t under_way, uint64_t weight) {
  return under_way + weight <= window || under_way < window / 4;
}

}  // namespace

uint64_t OneWay::Window(const Connection& c) {
  const Limits& limits = c.terms_->limits;
  const uint64_t most = std::min<uint64_t>(limits.max_calls_in_flight, uint64_t{1} << 40) *
                        protocol::ONE_WAY_CALL_BYTES / 2;
  return std::min<uint64_t>({limits.max_one_way_bytes, limits.max_call_bytes / 2, most});
}

bool OneWay::Send(Connection& c, RemoteCapability& target, OutgoingCall& call,
                  ReturnHandler& handler) {
  if (!c.extensions_.load(std::memory_order_acquire) || c.InForkedChild()) return false;
  if (!call.caps().list().empty()) return false;
  const bool plain = call.plain() && !call.metadata();
  if (!plain) {
    call.call().setOneWay(true);
    call.target().setImportedCap(target.id().value());
    if (call.metadata()) {
      WriteMetadata(*call.metadata(), absl::Now(),
                    call.call().getExtension().initAs<protocol::CallExtension>());
    }
  }
  std::byte frame[PlainFrames::kMostBytes];
  const size_t bytes =
      plain ? PlainFrames::Get().CopyOneWay(target.id(), call.interface_id(), call.method_id(),
                                            call.plain_params(), frame)
            : call.message()->FrameBytes();
  const uint64_t weight = Weight(bytes);
  bool sent = false;
  bool full = false;
  bool to_write = false;
  {
    base::MutexLock lock(&c.mu_);
    OneWayState& state = c.state_.one_way;
    const bool can = c.state_.open() && !c.state_.write_failed && state.granted > 0 &&
                     c.state_.hello == ConnectionState::Hello::kNone && c.state_.held.empty() &&
                     !c.state_.holds_all && c.CheckBacklog().ok() && c.CheckFrame(bytes).ok();
    full = can && !Fits(state.granted, state.under_way, weight);
    sent = can && !full;
    if (sent) {
      state.under_way += weight;
      const bool waits = c.CanWait(call);
      const Connection::Urgency urgency =
          waits ? Connection::Urgency::kCanWait : Connection::Urgency::kNow;
      if (plain) {
        c.QueueBytes({frame, bytes}, urgency);
      } else {
        c.Queue(call.message(), urgency);
      }
      state.end = c.state_.written + c.state_.unwritten();
      to_write =
          !waits && !c.Corked(/*queued_bytes=*/0) && c.ClaimWrite(/*also_what_can_wait=*/false);
    }
  }
  if (to_write) c.WriteClaimed();
  if (sent) {
    handler.OnLeft();
    return true;
  }
  if (full) handler.OnFull();
  if (!plain) {
    call.call().setOneWay(false);
    if (call.metadata()) call.call().getExtension().clear();
    call.message()->builder();  // it will change, so what is known of the frame is void
  }
  return false;
}

absl::Status OneWay::Check(const IncomingCall& call) {
  absl::Status wrong;
  if (call.answer_id() != AnswerId(0)) {
    wrong = absl::InvalidArgumentError(
        absl::StrCat("a one-way call has the number ", call.answer_id().value(),
                     " of a question; it is answered by nothing, and has 0"));
  } else if (!call.exported_target()) {
    wrong = absl::InvalidArgumentError("a one-way call is addressed to what is no export");
  } else if (!call.plain() && call.peer_call().getParams().getCapTable().size() > 0) {
    wrong = absl::InvalidArgumentError("a one-way call has capabilities in its params");
  } else if (!call.plain() && !call.peer_call().getSendResultsTo().isCaller()) {
    wrong = absl::InvalidArgumentError("a one-way call says where its results are to go");
  }
  return wrong;
}

absl::Status OneWay::Receive(Connection& c, const base::Ref<IncomingCall>& call,
                             absl::Status refusal, Deferred& deferred) {
  DROVER_RETURN_IF_ERROR(Check(*call));
  const uint64_t weight = Weight(call->message_bytes());
  const uint64_t window = Window(c);
  base::MutexLock lock(&c.mu_);
  if (!c.state_.open()) return absl::OkStatus();
  if (!c.read_.finished.empty()) c.FinishAnswersLocked(deferred);
  OneWayState& state = c.state_.one_way;
  if (window == 0 || !Fits(window, state.held, weight)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "one-way calls of ", state.held, " bytes are under way and one of ", weight,
        " came; the window that was granted is ", window, " (limits.max_one_way_bytes)"));
  }
  base::Ref<Capability> object = c.state_.exports.Find(*call->exported_target());
  if (!object) {
    return absl::InvalidArgumentError(absl::StrCat("a one-way call names export ",
                                                   call->exported_target()->value(),
                                                   ", which does not exist"));
  }
  state.held += weight;
  ++state.running;
  c.read_.crowded = ++c.state_.running_calls > ReadState::kCrowd;
  call->LinkOneWay(state.calls);
  if (refusal.ok() && c.state_.draining) {
    refusal = absl::UnavailableError("the server is shutting down and takes no new calls");
  }
  if (refusal.ok()) refusal = c.AdmitCall(*call);
  if (refusal.ok()) {
    c.DeliverTo(object, call, deferred);
  } else {
    deferred.Then([call, refusal] { call->ReturnError(refusal); });
  }
  deferred.Drop(std::move(object));
  return absl::OkStatus();
}

void OneWay::End(Connection& c, IncomingCall& call, const absl::Status& status) {
  if (c.InForkedChild()) return;
  bool to_write = false;
  uint64_t failed = 0;
  async::Task idle;
  base::Ref<ConnectionOwner> owner;
  {
    base::MutexLock lock(&c.mu_);
    OneWayState& state = c.state_.one_way;
    if (!call.one_way_linked()) return;  // it has never been delivered
    call.UnlinkOneWay();
    --state.running;
    if (!status.ok()) failed = ++state.failed;
    if (c.state_.open()) {
      --c.state_.running_calls;
      if (!call.answered_early()) c.state_.call_bytes -= std::exchange(call.counted_bytes, 0);
      state.ended += Weight(call.message_bytes());
      if (state.ended >= Window(c) / 4) {
        wire::OutMessagePtr message = wire::OutMessage::New();
        message->builder()
            .initRoot<protocol::Message>()
            .initObsoleteDelete()
            .initAs<protocol::OneWayCredit>()
            .setBytes(state.ended);
        state.held -= std::exchange(state.ended, 0);
        c.Queue(message, Connection::Urgency::kNow);
        to_write = !c.Corked(c.state_.send.bytes()) && c.ClaimWrite(/*also_what_can_wait=*/false);
      }
    } else if (state.running == 0) {
      owner = std::move(c.owner_);
    }
    idle = c.TakeIdleCallback();
  }
  if (to_write) {
    c.WriteClaimed();
    async::ThreadContext::Current().clock.Forget();
  }
  // Nobody else learns of it; but a sender of much that fails does not fill the log.
  if (std::has_single_bit(failed)) {
    DROVER_LOG(kWarning) << "one-way call " << call.method_name() << " of " << c.name()
                         << " failed (so far " << failed << " of this connection): " << status;
  }
  if (idle) idle();
  if (owner) owner->OnClosed(c);
}

absl::Status OneWay::ReceiveCredit(Connection& c, protocol::OneWayCredit::Reader credit) {
  base::MutexLock lock(&c.mu_);
  OneWayState& state = c.state_.one_way;
  if (credit.getBytes() > state.under_way) {
    return absl::InvalidArgumentError(absl::StrCat("the peer says that one-way calls of ",
                                                   credit.getBytes(), " bytes have ended; ",
                                                   state.under_way, " are under way"));
  }
  state.under_way -= credit.getBytes();
  return absl::OkStatus();
}

void OneWay::CancelAll(Connection& c) {
  std::vector<base::Ref<IncomingCall>> calls;
  {
    base::MutexLock lock(&c.mu_);
    for (IncomingCall* call = c.state_.one_way.calls; call != nullptr;
         call = call->next_one_way()) {
      if (call->TryRef()) calls.push_back(base::Ref<IncomingCall>::Adopt(call));
    }
  }
  for (base::Ref<IncomingCall>& call : calls) call->CancelByCaller();
}

}  // namespace drover::rpc

#include "drover/rpc/incoming_call.h"

#include <kj/debug.h>

#include <exception>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/run_watch.h"
#include "drover/async/thread_context.h"
#include "drover/base/random_id.h"
#include "drover/node.capnp.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/caretaker.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/kept_results.h"
#include "drover/rpc/local_capability.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {

void ReturnHandler::OnSent(base::Ref<Connection>, QuestionId) {}
void ReturnHandler::OnStarted(base::Ref<IncomingCall>) {}

void ReturnHandler::OnKeptReturn(std::unique_ptr<KeptResults> results) {
  OnReturn(results->content());
}

namespace {

template <class F>
void Deliver(ReturnHandler& handler, F&& give) {
  try {
    give();
  } catch (const kj::Exception& e) {
    handler.OnError(absl::InternalError(
        absl::StrCat("the results are malformed: ", e.getDescription().cStr())));
  }
}

absl::Status CancelledBeforeItBegan() {
  return absl::CancelledError("the caller cancelled the call before it began");
}

}  // namespace

void DeliverReturn(ReturnHandler& handler, capnp::AnyPointer::Reader results) {
  Deliver(handler, [&] { handler.OnReturn(results); });
}

void DeliverReturn(ReturnHandler& handler, std::unique_ptr<KeptResults> results) {
  Deliver(handler, [&] { handler.OnKeptReturn(std::move(results)); });
}

base::Ref<IncomingCall> IncomingCall::FromPeer(base::Ref<Connection> connection, wire::Frame frame,
                                               bool peer_is_drover) {
  auto self = base::Ref<IncomingCall>::Adopt(new IncomingCall);
  self->returned_.store(true, std::memory_order_relaxed);  // until it is known to be a call
  self->message_bytes_ = frame.header.total_bytes;
  if (PlainCall plain; PlainFrames::Get().ParseCall(frame, &plain)) {
    self->answer_id_ = plain.id;
    self->interface_id_ = plain.interface_id;
    self->method_id_ = plain.method_id;
    self->not_pipelined_ = plain.not_pipelined;
    self->one_way_ = plain.one_way && peer_is_drover;
    self->exported_target_ = plain.target;
    self->plain_ = true;
    if (self->plain_content_.Copy(plain.content_bytes)) {
      self->content_ = self->plain_content_.reader();
    } else {
      frame.Keep();
      self->content_ = plain.content;
      self->block_ = std::move(frame.block);
    }
  } else {
    self->in_.emplace(std::move(frame));
    KJ_REQUIRE(self->in_->root().isCall(), "a message that looked like a Call is none");
    self->ReadPeerCall();
    const protocol::Call::Reader call = self->peer_call_;
    self->answer_id_ = AnswerId(call.getQuestionId());
    self->interface_id_ = call.getInterfaceId();
    self->method_id_ = call.getMethodId();
    self->not_pipelined_ = call.getNoPromisePipelining();
    self->one_way_ = call.getOneWay() && peer_is_drover;
    if (const auto target = call.getTarget(); target.isImportedCap()) {
      self->exported_target_ = ExportId(target.getImportedCap());
    }
  }
  self->connection_ = std::move(connection);
  self->returned_.store(false, std::memory_order_relaxed);
  return self;
}

base::Ref<IncomingCall> IncomingCall::FromLocal(OutgoingCall call, base::Ref<Capability> target,
                                                base::Ref<ReturnHandler> handler) {
  auto self = base::Ref<IncomingCall>::Adopt(new IncomingCall);
  self->local_ = std::make_unique<OutgoingCall>(std::move(call));
  self->interface_id_ = self->local_->interface_id();
  self->method_id_ = self->local_->method_id();
  self->target_ = std::move(target);
  self->metadata_ = self->local_->metadata();
  self->one_way_ = self->local_->one_way;
  self->handler_ = handler;  // the call may be answered, and let go of it, while it is told
  handler->OnStarted(self);
  return self;
}

IncomingCall::IncomingCall() : chain_id_(base::RandomId()) {}

IncomingCall::~IncomingCall() noexcept {
  if (!returned()) {
    ReturnError(cancelled()
                    ? absl::CancelledError("the caller cancelled the call")
                    : absl::InternalError("the servant dropped the call without an answer"));
  }
  if (counted_bytes > 0) connection_->UncountCall(counted_bytes);
}

std::string IncomingCall::method_name() const {
  if (!servant_) return Dispatcher::NameUnknown(interface_id_, method_id_);
  return servant_->dispatcher().MethodName(interface_id_, method_id_);
}

void IncomingCall::SetServant(base::Ref<LocalCapability> servant) { servant_ = std::move(servant); }

capnp::AnyPointer::Reader IncomingCall::params() {
  if (local_) {
    return local_->caps().Imbue(local_->payload().getContent().asReader());
  }
  return param_caps_.Imbue(content_);
}

void IncomingCall::ReadPeerCall() {
  peer_call_ = in_->root().getCall();
  content_ = peer_call_.getParams().getContent();
}

void IncomingCall::LiftTraversalLimit() {
  if (!in_) return;  // nothing in a plain one can be read again and again
  in_->LiftTraversalLimit();
  ReadPeerCall();
}

// A call of the peer's is answered in its turn all the same: until then it counts as running, so
// that what the peer may leave in a queue stays limited.
void IncomingCall::CancelByCaller() {
  Cancel();
  if (!TakeUp()) return;
  const std::vector<base::Ref<Capability>> params = std::move(param_caps_.list());
  const std::vector<base::Ref<Capability>> local_params =
      local_ ? std::move(local_->caps().list()) : std::vector<base::Ref<Capability>>();
  const base::Ref<Capability> target = std::move(target_);
  if (!connection_) ReturnEarly(CancelledBeforeItBegan());
}

void IncomingCall::Begin(size_t size_hint_words) {
  out_ = wire::OutMessage::New(size_hint_words, connection_ ? connection_->arena() : nullptr);
  result_caps_.list().clear();
  return_ = InitReturn(*out_, answer_id_);
}

capnp::AnyPointer::Builder IncomingCall::results(size_t size_hint_words) {
  if (!out_) {
    Begin(size_hint_words);
    results_ = return_.initResults();
  }
  return result_caps_.Imbue(results_.getContent());
}

capnp::Orphan<capnp::Data> IncomingCall::ReferInResults(std::span<const uint8_t> data,
                                                        std::shared_ptr<const void> owner) {
  results();
  const base::Ref<wire::InPlaceSegments> in_place = in_ ? in_->frame().in_place : nullptr;
  if (owner == nullptr && in_place) {
    const std::optional<uint32_t> block = in_place->BlockOf(data);
    if (block) return out_->ReferToPeers(data, in_place, *block);
  } else if (owner == nullptr && in_) {
    const wire::Frame& frame = in_->frame();
    const auto* begin = reinterpret_cast<const uint8_t*>(frame.bytes);
    const std::less_equal<const uint8_t*> ordered;
    // What refers to a small part of it must not hold it all: only that part counts.
    if (data.size() >= frame.block->capacity() / 4 && ordered(begin, data.data()) &&
        ordered(data.data() + data.size(), begin + frame.header.total_bytes)) {
      owner = std::make_shared<base::Ref<wire::Block>>(frame.block);
    }
  }
  return out_->Refer(data, std::move(owner));
}

bool IncomingCall::Admit() {
  CallHooks* hooks = connection_ ? connection_->hooks().get() : nullptr;
  if (hooks == nullptr) return true;
  began_ = async::ThreadContext::Current().clock.Begin();
  if (!hooks->intervenes()) {
    asked_.store(Asked::kAsked, std::memory_order_release);
    return !returned();
  }
  asked_.store(Asked::kAsking, std::memory_order_relaxed);
  const absl::Status status = hooks->BeforeServing(*this);
  Asked asking = Asked::kAsking;
  if (!asked_.compare_exchange_strong(asking, Asked::kAsked, std::memory_order_acq_rel)) {
    hooks->AfterServing(*this, early_status_);
    return false;
  }
  if (!status.ok()) ReturnError(status);
  return !returned();
}

// Before the answer leaves, so that whoever has it knows that this is done; but the hooks hear of
// the end only once they are done with the beginning.
void IncomingCall::Tell(const absl::Status& status) {
  if (asked_.load(std::memory_order_acquire) == Asked::kAsking) {
    early_status_ = status;
    Asked asking = Asked::kAsking;
    if (asked_.compare_exchange_strong(asking, Asked::kTold, std::memory_order_acq_rel)) return;
  }
  Asked asked = Asked::kAsked;
  if (!ends_in_tail_.load(std::memory_order_acquire)) {  // then only one comes here
    if (asked_.load(std::memory_order_acquire) != Asked::kAsked) return;
    asked_.store(Asked::kTold, std::memory_order_relaxed);
  } else if (!asked_.compare_exchange_strong(asked, Asked::kTold, std::memory_order_acq_rel)) {
    return;
  }
  connection_->hooks()->AfterServing(*this, status);
}

void IncomingCall::ReturnResults() {
  if (!out_) return ReturnPlain(wire::PlainStruct());  // an empty answer is an answer
  if (returned_.exchange(true, std::memory_order_seq_cst)) return;
  Tell(absl::OkStatus());
  if (EndOneWay(absl::OkStatus())) return;
  SendResults();
  Release();
}

bool IncomingCall::EndOneWay(const absl::Status& status) {
  if (!one_way_ || !connection_) return false;
  OneWay::End(*connection_, *this, status);
  Release();
  return true;
}

void IncomingCall::ReturnPlain(const wire::PlainStruct& content) {
  if (returned_.exchange(true, std::memory_order_seq_cst)) return;
  Tell(absl::OkStatus());
  if (EndOneWay(absl::OkStatus())) return;
  if (!connection_ || !connection_->SendPlainReturn(*this, content)) {
    out_.reset();
    results();
    SetContent(results_, content);
    SendResults();
  }
  Release();
}

void IncomingCall::SendResults() {
  if (connection_) {
    connection_->SendReturn(*this, std::move(out_), return_, std::move(result_caps_));
  } else if (handler_->KeepsResults()) {
    DeliverReturn(*handler_, KeptResults::Of(std::move(out_), std::move(result_caps_)));
  } else {
    DeliverReturn(*handler_, result_caps_.Imbue(return_.getResults().getContent().asReader()));
  }
}

void IncomingCall::ReturnError(const absl::Status& status) {
  if (returned_.exchange(true, std::memory_order_seq_cst)) {
    if (ends_in_tail_.load(std::memory_order_acquire)) Tell(status);  // as its handler was told
    return;
  }
  Tell(status);
  if (EndOneWay(status)) return;
  if (connection_) {
    Begin(0);
    ToException(status, return_.initException());
    connection_->SendReturn(*this, std::move(out_), return_, std::move(result_caps_));
  } else {
    handler_->OnError(status);
  }
  Release();
}

bool IncomingCall::MayEndInTail() const {
  // A caretaker may have to cut it short; hooks that keep something with it want to know its end.
  return connection_ && !one_way_ && hook_state == nullptr &&
         !has_passed_.load(std::memory_order_seq_cst);
}

bool IncomingCall::ClaimForTail() {
  if (returned_.exchange(true, std::memory_order_seq_cst)) return false;
  ends_in_tail_.store(true, std::memory_order_release);
  return true;
}

void IncomingCall::ReleaseToTail() {
  Release();
  param_caps_.list().clear();
}

void IncomingCall::Release() {
  // The servant stays until the call object goes: its method may still be running.
  handler_ = nullptr;
  out_.reset();
  // Whoever keeps the call longer, for its context, does not keep its params.
  peer_call_ = {};
  content_ = {};
  in_.reset();
  block_ = nullptr;
  TellCaretakers();
}

// What the servant builds its answer from is not touched: it may be doing so at this moment.
void IncomingCall::ReturnEarly(const absl::Status& status) {
  if (returned_.exchange(true, std::memory_order_seq_cst)) return;
  answered_early_ = true;
  Tell(status);
  if (connection_ && one_way_) {
    OneWay::End(*connection_, *this, status);
  } else if (connection_) {
    wire::OutMessagePtr message = wire::OutMessage::New();
    auto ret = InitReturn(*message, answer_id_);
    ToException(status, ret.initException());
    connection_->SendReturn(*this, std::move(message), ret, MessageCaps());
  } else {
    handler_->OnError(status);
  }
  handler_ = nullptr;
  TellCaretakers();
}

// Whoever answers sees has_passed_, or this sees that it has been answered.
bool IncomingCall::Pass(base::Ref<Caretaker> caretaker) {
  base::MutexLock lock(&passing_mu_);
  has_passed_.store(true, std::memory_order_seq_cst);
  if (returned_.load(std::memory_order_seq_cst)) return false;
  passed_.push_back(std::move(caretaker));
  return true;
}

size_t IncomingCall::passed() const {
  base::MutexLock lock(&passing_mu_);
  return passed_.size();
}

void IncomingCall::TellCaretakers() {
  if (!has_passed_.load(std::memory_order_seq_cst)) return;
  std::vector<base::Ref<Caretaker>> passed;
  {
    base::MutexLock lock(&passing_mu_);
    passed.swap(passed_);
  }
  for (base::Ref<Caretaker>& caretaker : passed) caretaker->Answered(*this);
}

void IncomingCall::Run() {
  async::UserCodeScope scope(nullptr, this);
  Execute();
}

void IncomingCall::Execute() {
  if (returned()) return;  // early
  if (cancelled() || !TakeUp()) {
    ReturnError(CancelledBeforeItBegan());
    return;
  }
  if (metadata_ && metadata_->deadline <= absl::Now()) {
    ReturnError(absl::DeadlineExceededError(
        absl::StrCat(method_name(), ": the caller's deadline passed before the call began")));
    return;
  }
  try {
    if (!Admit()) return;
    if (interface_id_ == protocol::OBJECT_INTERFACE_ID) return ReturnResults();  // sync
    const async::RunWatch watch(predictor_, method_key());
    servant_->dispatcher().HandleCall(*this);
    return;
  } catch (const kj::Exception& e) {
    out_.reset();
    ReturnError(absl::InvalidArgumentError(
        absl::StrCat("the params or results cannot be read: ", e.getDescription().cStr())));
  } catch (const std::exception& e) {
    out_.reset();
    ReturnError(absl::InternalError(absl::StrCat("the servant threw an exception: ", e.what())));
  }
}

}  // namespace drover::rpc

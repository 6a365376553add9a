// The life of a connection: made, ended, forgotten.
#include "drover/rpc/connection.h"

#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/async/parker.h"
#include "drover/async/thread_context.h"
#include "drover/base/fork_generation.h"
#include "drover/base/log.h"
#include "drover/rpc/weak_reference.h"

namespace drover::rpc {
namespace {

const std::shared_ptr<const ConnectionTerms>& DefaultTerms() {
  static const auto* terms =
      new std::shared_ptr<const ConnectionTerms>(std::make_shared<const ConnectionTerms>());
  return *terms;
}

}  // namespace

std::string ClientName(const transport::PeerInfo& peer, const std::string& listener) {
  if (peer.pid) return absl::StrCat("the client with pid ", *peer.pid, " at ", listener);
  return absl::StrCat("the client ", peer.address, " at ", listener);
}

Connection::Connection(std::unique_ptr<transport::ByteStream> stream, ConnectionOptions options)
    : name_(std::move(options.name)),
      terms_(options.terms != nullptr ? std::move(options.terms) : DefaultTerms()),
      runtime_(options.runtime != nullptr ? *options.runtime : Runtime::Default()),
      peer_(stream->peer()),
      fork_generation_(base::ForkGeneration()),
      passes_fds_(stream->CanPassFds()),
      accepts_fds_(passes_fds_ && terms_->limits.max_fds_per_message > 0),
      read_(terms_->max_frame_bytes, runtime_.spin_nanos()),
      stream_(std::move(stream)),
      shared_(*stream_) {}

Connection::~Connection() = default;

base::Ref<Connection> Connection::Create(std::unique_ptr<transport::ByteStream> stream,
                                         ConnectionOptions options) {
  base::Ref<Capability> front = std::move(options.front_object);
  base::Ref<Capability> node = std::move(options.node);
  base::Ref<ConnectionOwner> owner = std::move(options.owner);
  const bool read_by_maker = options.read_by_maker;
  const bool serves = static_cast<bool>(front);
  auto self = base::Ref<Connection>::Adopt(new Connection(std::move(stream), std::move(options)));
  {
    base::MutexLock lock(&self->mu_);
    self->state_.front = std::move(front);
    self->state_.node = std::move(node);
    self->owner_ = std::move(owner);
  }
  self->stream_->SetTcpUserTimeout(self->terms_->liveness.tcp_user_timeout);
  self->reactor_id_ = self->runtime_.reactor().Register(self);
  self->BeginPings();
  if (serves) {
    self->ExpectFirstFrame();
    self->read_.fresh = read_by_maker;
    if (!read_by_maker)
      self->ReleaseTokenToReactor(/*looks=*/false);  // it is watched from the start
  } else {
    self->RequestTick();  // a client's only if nobody calls at once
  }
  return self;
}

std::string Connection::name() const {
  return name_.empty() ? ClientName(peer_, terms_->listener) : name_;
}

bool Connection::InForkedChild() const { return base::ForkGeneration() != fork_generation_; }

void Connection::Retire() {
  if (InForkedChild()) return;
  {
    base::MutexLock lock(&mu_);
    state_.retired = true;
    retired_.store(true, std::memory_order_release);
  }
  CloseIfRetired();
}

void Connection::CloseIfRetired() {
  if (!retired_.load(std::memory_order_acquire)) return;
  {
    base::MutexLock lock(&mu_);
    if (!state_.open() || !Unused()) return;
  }
  Close(absl::UnavailableError("the last proxy of the connection is gone"));
}

bool Connection::Unused() const {
  return state_.retired && state_.questions.size() == 0 && state_.imports.size() == 0 &&
         state_.embargoes.size() == 0 && state_.held.empty() &&
         (state_.write_failed || state_.written >= state_.one_way.end);
}

void Connection::Close(const absl::Status& reason) { End(reason, /*by_reader=*/false); }

void Connection::End(const absl::Status& reason, bool by_reader) {
  if (InForkedChild()) return;
  const async::NoUserCodeScope no_user_code;
  std::vector<base::Ref<ReturnHandler>> lost;
  std::vector<base::Ref<IncomingCall>> cancelled;
  std::vector<base::Ref<WeakReference>> watched;
  std::vector<base::Ref<PromiseCapability>> promised;
  std::list<AnswerWaiter> waiting;
  Deferred deferred;
  wire::SendQueue unsent;  // may hold what goes with code of the user's
  async::Task idle;
  base::Ref<ConnectionOwner> owner;
  std::unique_ptr<MemorySwitch> memory_switch;  // its descriptors are closed without the lock
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return;
    memory_switch = std::move(state_.memory_switch);
    state_.closed = absl::UnavailableError(
        absl::StrCat("the connection to ", name(), " ended: ", reason.message()));
    ended_.store(true, std::memory_order_release);
    state_.questions.ForEach([&](QuestionId id, Question& question) {
      mu_.AssertHeld();
      if (question.handler) lost.push_back(std::move(question.handler));
      DropKept(question, deferred);
      BreakAll(id, question, state_.closed, deferred);
    });
    state_.questions.Clear();
    for (HeldCall& held : state_.held) {
      lost.push_back(std::move(held.handler));
      deferred.Drop(std::move(held.target));
      deferred.Then([call = std::move(held.call)] {});  // what is in it goes without the lock
    }
    state_.held.clear();
    state_.answers.ForEach([&](AnswerId, Answer& answer) {
      if (answer.call != nullptr && answer.call->TryRef()) {
        cancelled.push_back(base::Ref<IncomingCall>::Adopt(answer.call));
      }
      for (AnswerWaiter& waiter : answer.waiting) {
        if (waiter.promise == nullptr || !waiter.promise->TryRef()) continue;
        promised.push_back(base::Ref<PromiseCapability>::Adopt(waiter.promise));
      }
      waiting.splice(waiting.end(), answer.waiting);
      deferred.Drop(std::move(answer.waits_at));
      DropResults(answer, deferred);
    });
    state_.answers.Clear();
    state_.running_calls = 0;
    state_.call_bytes = 0;
    state_.held_bytes = 0;
    state_.exports.ForEach([&](base::Ref<Capability>& c) { deferred.Drop(std::move(c)); });
    state_.exports.Clear();
    state_.embargoes.ForEach([&](EmbargoId, Embargo& embargo) {
      mu_.AssertHeld();
      embargo.promise->phase = RemotePromise::Phase::kResolved;
      embargo.promise->Resolve(BrokenCapability(state_.closed), deferred);
      deferred.Drop(std::move(embargo.promise));
      deferred.Drop(std::move(embargo.target));
    });
    state_.embargoes.Clear();
    state_.imports.ForEach([&](ImportId, Import& import) {
      if (WeakReference* weak = import.capability->weak()) {
        watched.push_back(base::Ref<WeakReference>::Share(weak));
      }
    });
    deferred.Drop(std::move(state_.front));
    deferred.Drop(std::move(state_.node));
    std::swap(unsent, state_.send);
    idle = TakeIdleCallback();
    // One-way calls that came over it go on; it is there, for its owner, until they have ended.
    if (state_.one_way.running == 0) owner = std::move(owner_);
  }
  EndStream(by_reader);
  runtime_.reactor().Unregister(reactor_id_);
  const absl::Status status = WithLock([](ConnectionState& s) { return s.closed; });
  for (base::Ref<ReturnHandler>& handler : lost) handler->OnLost(status);
  for (base::Ref<IncomingCall>& call : cancelled) call->CancelByCaller();
  for (const base::Ref<PromiseCapability>& promise : promised) {
    promise->Resolve(BrokenCapability(status), deferred);
  }
  promised.clear();
  waiting.clear();
  for (base::Ref<WeakReference>& weak : watched) weak->life().End(status);
  deferred.FinishOnPool();
  CloseStreamIfUnused();
  if (idle) idle();
  if (owner) owner->OnClosed(*this);
}

// Whoever reads meanwhile is woken, and those that wait for their turn to. A stream that no other
// thread reads is about to be destroyed, and needs nothing else.
void Connection::EndStream(bool by_reader) {
  base::MutexLock lock(&read_mu_);  // keeps the stream from being destroyed meanwhile
  // A bell may be open in the peer, too: closing it does not take it out of epoll.
  const bool unused = (by_reader || !token_held_) && read_.rings == nullptr;
  if (stream_ != nullptr && !(unused && stream_->EndsWhenClosed())) {
    SetInterest(0);
    stream_->Shutdown();
  }
  {
    base::MutexLock state_lock(&mu_);
    if (shared_.rings != nullptr) shared_.rings->stream.Shutdown();
  }
  for (Follower* follower : followers_) follower->parker->Unpark();
}

void Connection::CloseStreamIfUnused() {
  std::unique_ptr<transport::ByteStream> unused;
  std::unique_ptr<SharedRings> unused_rings;  // refers to the other
  base::MutexLock read_lock(&read_mu_);
  if (token_held_) return;
  base::MutexLock lock(&mu_);
  if (state_.open() || state_.writing) return;
  // fork() since EndStream: close() alone ends nothing then, nor does epoll forget it.
  if (stream_ != nullptr && base::MayShareDescriptors()) {
    SetInterest(0);
    stream_->Shutdown();
  }
  unused = std::move(stream_);
  unused_rings = std::move(shared_.rings);
  state_.sends_in_place = false;
  read_.rings = nullptr;
}

void Connection::NotifyIdle(async::Task idle) {
  {
    base::MutexLock lock(&mu_);
    if (state_.open() || state_.one_way.running > 0) {
      state_.draining = true;
      idle_callback_ = std::make_unique<async::Task>(std::move(idle));
      idle = TakeIdleCallback();
    }
  }
  if (idle) idle();
}

void Connection::TellIfIdle() {
  async::Task idle;
  {
    base::MutexLock lock(&mu_);
    idle = TakeIdleCallback();
  }
  if (idle) idle();
}

async::Task Connection::TakeIdleCallback() {
  const bool busy = state_.open() ? state_.running_calls > 0 || !state_.send.empty() ||
                                        state_.writing || !batch_.empty()
                                  : state_.one_way.running > 0;
  if (idle_callback_ == nullptr || busy) return nullptr;
  async::Task idle = std::move(*idle_callback_);
  idle_callback_ = nullptr;
  return idle;
}

}  // namespace drover::rpc

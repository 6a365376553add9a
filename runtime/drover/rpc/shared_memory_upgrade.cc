#include "drover/rpc/shared_memory_upgrade.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/async/parker.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timers.h"
#include "drover/base/status_macros.h"
#include "drover/base/trusted_processes.h"
#include "drover/node.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/shared_memory_room.h"
#include "drover/rpc/spare_memory_watch.h"
#include "drover/wire/in_message.h"

namespace drover::rpc {
namespace {

// Of each direction.
constexpr size_t kRingBytes = 1 << 20;
// What a client takes from a server.
constexpr size_t kMostRingBytes = 4 << 20;
// A client asks once so much has come: some 60 answers without content, or one of some size.
constexpr uint64_t kAskAfterBytes = 4096;

class MemoryHandler final : public base::RefCounted, public ReturnHandler {
 public:
  MemoryHandler(base::Ref<Connection> connection, std::shared_ptr<const void> room)
      : connection_(std::move(connection)), room_(std::move(room)) {}

  void OnSent(base::Ref<Connection> connection, QuestionId question) override {
    auto asked = std::make_unique<MemorySwitch>();
    asked->question = question;
    asked->room = std::move(room_);
    connection->WithLock([&](ConnectionState& s) {
      if (s.open()) s.memory_switch = std::move(asked);
    });
  }
  void OnReturn(capnp::AnyPointer::Reader) override { OnError(absl::OkStatus()); }
  void OnError(const absl::Status& status) override {
    SharedMemoryUpgrade::Answered(*std::exchange(connection_, nullptr), status);
  }
  void OnLost(const absl::Status&) override { connection_ = nullptr; }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  base::Ref<Connection> connection_;
  std::shared_ptr<const void> room_;
};

// A blocked read of another kind of socket might not come back at a shutdown.
bool IsConnectedUnixStream(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
         getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
}

}  // namespace

transport::ByteStream& SharedMemoryUpgrade::Input(Connection& c) {
  if (c.read_.rings != nullptr) return *c.read_.rings;
  return *c.stream_;
}

transport::SharedArena* SharedMemoryUpgrade::InputArena(Connection& c) {
  if (c.read_.rings == nullptr || !c.shared_.has_arena.load(std::memory_order_relaxed)) {
    return nullptr;
  }
  return c.shared_.rings->arena.get();
}

bool SharedMemoryUpgrade::ParkForInput(Connection& c, async::Parker& parker, absl::Time deadline) {
  if (c.read_.rings == nullptr) return parker.ParkWithFd(c.stream_->fd(), deadline);
  if (!c.read_.rings->Arm()) return true;
  if (!parker.ParkWithFd(c.read_.rings->fd(), deadline)) return false;
  c.read_.rings->NoteBell();
  return true;
}

// --- the server ---------------------------------------------------------------------------------

void SharedMemoryUpgrade::Answer(IncomingCall& call) {
  if (call.one_way() || call.not_pipelined()) {
    return call.ReturnError(absl::InvalidArgumentError(
        "memory is shared with an answer and the Finish of it, and this call is to have neither"));
  }
  const bool in_place = call.params().getAs<protocol::Node::ShareMemoryParams>().getInPlace();
  const absl::Status status = PrepareOffer(*call.connection(), call.answer_id(), in_place);
  if (!status.ok()) return call.ReturnError(status);
  call.results().initAs<protocol::Node::ShareMemoryResults>();
  call.ReturnResults();
}

// By what the kernel says of it, which it cannot change.
bool SharedMemoryUpgrade::TrustsPeer(const Connection& c) {
  const transport::PeerInfo& peer = c.peer();
  return c.shared_.met && peer.pid && peer.uid == geteuid() &&
         base::TrustedProcesses::Includes(*peer.pid);
}

absl::Status SharedMemoryUpgrade::PrepareOffer(Connection& c, AnswerId answer, bool in_place) {
  const SharedMemoryTerms& terms = c.terms_->shared_memory;
  if (!terms.offered || !c.shared_.possible) {
    return absl::FailedPreconditionError("this server does not share memory");
  }
  if (!c.extensions_.load(std::memory_order_acquire)) {
    return absl::FailedPreconditionError(
        "memory is shared with Drover peers only, and this one has not said hello");
  }
  const size_t most = c.terms_->limits.max_shared_memory;
  std::shared_ptr<const void> share = Reserve(terms.shared, 2 * kRingBytes, most);
  if (share == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "this server shares ", most, " bytes of memory at most (limits.max_shared_memory)"));
  }
  DROVER_ASSIGN_OR_RETURN(transport::SharedMemory::Made made,
                          transport::SharedMemory::Make(kRingBytes));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError("no descriptors are left to share memory");
  }
  base::UniqueFd bell(ends[0]);
  auto offer = std::make_unique<MemorySwitch>();
  offer->offer = answer;
  offer->fds.push_back(base::MakeRef<base::SharedFd>(std::move(made.fd)));
  offer->fds.push_back(base::MakeRef<base::SharedFd>(base::UniqueFd(ends[1])));
  base::Ref<transport::SharedArena> arena;
  if (in_place && TrustsPeer(c)) {
    // Without it, if there is no memory for it.
    if (auto made_arena = transport::SharedArena::Make(); made_arena.ok()) {
      arena = std::move(made_arena->arena);
      arena->set_watch(WatchOf(c.runtime_.timers()));
      offer->fds.push_back(base::MakeRef<base::SharedFd>(std::move(made_arena->fd)));
    }
  }
  base::MutexLock lock(&c.mu_);
  if (!c.state_.open()) return c.state_.closed;
  if (c.shared_.rings != nullptr) return absl::FailedPreconditionError("memory is shared already");
  c.shared_.has_arena = static_cast<bool>(arena);
  c.shared_.rings = std::make_unique<SharedRings>(std::move(arena), std::move(made.memory),
                                                  std::move(bell), *c.stream_, std::move(share));
  c.state_.memory_switch = std::move(offer);
  return absl::OkStatus();
}

bool SharedMemoryUpgrade::QueueOffer(Connection& c, AnswerId id, const rpc::Answer& answer,
                                     wire::OutMessagePtr& message) {
  c.mu_.AssertHeld();
  MemorySwitch* const offer = c.state_.memory_switch.get();
  if (offer == nullptr || offer->queued || offer->offer != id) return false;
  if (answer.finished || !answer.error.ok()) {  // it is not wanted any more
    c.state_.memory_switch = nullptr;
    return false;
  }
  offer->queued = true;
  c.NoteBacklog();
  c.state_.send.AppendLast(*message, std::exchange(offer->fds, {}));
  c.state_.sends_in_place = c.shared_.has_arena;
  c.NoteQueued(Connection::Urgency::kNow);
  c.shared_.expected.store(true, std::memory_order_release);
  return true;
}

// The client's Finish of the offer is here: it has our Return, and what follows is in the ring.
absl::Status SharedMemoryUpgrade::OfferWasTaken(Connection& c, AnswerId answer) {
  {
    base::MutexLock lock(&c.mu_);
    if (!c.state_.open()) return absl::OkStatus();
    if (c.state_.memory_switch == nullptr || c.state_.memory_switch->offer != answer) {
      return absl::OkStatus();
    }
    // Whoever wrote the Return may not have come to say so.
    if (c.writer_done_ == nullptr) c.writer_done_ = std::make_unique<base::CondVar>();
    while (c.state_.writing && !c.state_.writes_rings) c.writer_done_->Wait(&c.mu_);
    if (!c.state_.writes_rings) {
      return absl::InvalidArgumentError(
          "the peer went over to shared memory before it was told where that is");
    }
    c.state_.memory_switch = nullptr;
  }
  return ReadFromRings(c);
}

// --- the client ---------------------------------------------------------------------------------

void SharedMemoryUpgrade::HelloAnswered(Connection& c, bool drover) {
  using Use = SharedMemoryTerms::Use;
  const Use use = c.terms_->shared_memory.use;
  if (drover && c.shared_.possible && use != Use::kNever) {
    c.shared_.wanted.store(true, std::memory_order_relaxed);
    if (use == Use::kAlways) return;  // calls wait for it
  }
  if (use == Use::kAlways) {
    return RefuseSocket(c, absl::FailedPreconditionError("the peer is not Drover"));
  }
  c.ReleaseHeldCalls();
}

// By the holder of the read token, who sees the answer's descriptors.
void SharedMemoryUpgrade::AskIfDue(Connection& c) {
  const bool at_once = c.terms_->shared_memory.use == SharedMemoryTerms::Use::kAlways;
  if (!at_once && c.bytes_read() < kAskAfterBytes) return;
  if (!c.shared_.wanted.exchange(false, std::memory_order_relaxed)) return;
  absl::StatusOr<std::shared_ptr<const void>> room = RoomOfClient(c.stream_->fd());
  if (!room.ok()) {
    if (at_once) RefuseSocket(c, room.status());
    return;
  }
  c.read_.expects_memory = true;
  c.shared_.expected.store(true, std::memory_order_release);
  OutgoingCall call(protocol::NODE_INTERFACE_ID, protocol::NODE_SHARE_MEMORY);
  call.params().initAs<protocol::Node::ShareMemoryParams>().setInPlace(TrustsPeer(c));
  call.held = true;  // waits for nothing
  c.Bootstrap()->Send(std::move(call), base::MakeRef<MemoryHandler>(
                                           base::Ref<Connection>::Share(&c), *std::move(room)));
}

absl::Status SharedMemoryUpgrade::TakeOffer(Connection& c, QuestionId question) {
  c.read_.expects_memory = false;
  if (c.read_.frame_fds.size() < 2) {
    return absl::InvalidArgumentError(
        "the peer shares memory, but sent none, or no descriptor was left here to receive it");
  }
  DROVER_ASSIGN_OR_RETURN(
      std::unique_ptr<transport::SharedMemory> memory,
      transport::SharedMemory::Open(c.read_.frame_fds[0]->get(), kMostRingBytes));
  base::UniqueFd bell(fcntl(c.read_.frame_fds[1]->get(), F_DUPFD_CLOEXEC, 0));
  if (!bell.valid()) return absl::ResourceExhaustedError("no descriptors are left to share memory");
  if (!IsConnectedUnixStream(bell.get())) {
    return absl::InvalidArgumentError("what the peer would be woken by is not a UNIX socket");
  }
  // The server sends no more than two, unless it was asked for more.
  base::Ref<transport::SharedArena> arena;
  if (c.read_.frame_fds.size() > 2 && TrustsPeer(c)) {
    auto opened = transport::SharedArena::Open(c.read_.frame_fds[2]->get());
    if (absl::IsInvalidArgument(opened.status())) return opened.status();
    if (opened.ok()) {  // otherwise there is no memory for it, and the server sees that
      arena = *std::move(opened);
      arena->set_watch(WatchOf(c.runtime_.timers()));
    }
  }
  {
    base::MutexLock lock(&c.mu_);
    if (!c.state_.open()) return absl::OkStatus();
    c.shared_.has_arena = static_cast<bool>(arena);
    c.shared_.rings =
        std::make_unique<SharedRings>(std::move(arena), std::move(memory), std::move(bell),
                                      *c.stream_, std::move(c.state_.memory_switch->room));
    c.state_.memory_switch->last_finish = question;
  }
  return ReadFromRings(c);
}

void SharedMemoryUpgrade::Answered(Connection& c, const absl::Status& status) {
  if (!status.ok()) {
    c.read_.expects_memory = false;
    c.shared_.expected.store(false, std::memory_order_relaxed);
  }
  if (c.terms_->shared_memory.use != SharedMemoryTerms::Use::kAlways) return;
  if (!status.ok()) return RefuseSocket(c, status);
  c.WithLock([](ConnectionState& s) { s.holds_all = false; });
  c.ReleaseHeldCalls();
}

// Of a client that insists on shared memory and does not get it.
void SharedMemoryUpgrade::RefuseSocket(Connection& c, const absl::Status& why) {
  const absl::Status refusal = absl::FailedPreconditionError(
      absl::StrCat(c.name(), ": no memory is shared there: ", why.message()));
  std::vector<HeldCall> held;
  {
    base::MutexLock lock(&c.mu_);
    held.swap(c.state_.held);
    c.state_.held_call_bytes = 0;
  }
  if (!held.empty()) c.RemoveUnattended();
  for (HeldCall& call : held) call.handler->OnError(refusal);
  c.Close(refusal);
}

// --- both ---------------------------------------------------------------------------------------

absl::Status SharedMemoryUpgrade::Watch(Connection& c, const wire::Frame& frame) {
  wire::InMessage in(frame);
  const protocol::Message::Reader message = in.root();
  if (message.isFinish()) return OfferWasTaken(c, AnswerId(message.getFinish().getQuestionId()));
  if (!message.isReturn()) return absl::OkStatus();
  const QuestionId question(message.getReturn().getAnswerId());
  {
    base::MutexLock lock(&c.mu_);
    MemorySwitch* const asked = c.state_.memory_switch.get();
    if (asked == nullptr || asked->question != question) return absl::OkStatus();
    asked->question = std::nullopt;
    if (!message.getReturn().isResults()) asked->room = nullptr;
  }
  if (message.getReturn().isResults()) return TakeOffer(c, question);
  c.read_.expects_memory = false;
  c.shared_.expected.store(false, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status SharedMemoryUpgrade::ReadFromRings(Connection& c) {
  c.shared_.expected.store(false, std::memory_order_relaxed);
  if (c.read_.reader.pending() > 0) {
    return absl::InvalidArgumentError(
        "the peer wrote on to the socket after it had gone over to shared memory");
  }
  base::MutexLock lock(&c.read_mu_);
  transport::SharedMemoryStream* rings;
  {
    base::MutexLock state_lock(&c.mu_);
    rings = c.shared_.rings != nullptr ? &c.shared_.rings->stream : nullptr;
    if (!c.state_.open() || c.stream_ == nullptr) return absl::OkStatus();
  }
  const uint32_t interest = c.interest_;
  c.SetInterest(interest & EPOLLOUT);  // output may still go to the socket
  c.read_.rings = rings;
  c.read_.drained = false;
  rings->BeginReading();
  c.SetInterest(interest);
  return absl::OkStatus();
}

// The ring takes no more for now, or does again.
void SharedMemoryUpgrade::WaitForRoom(Connection& c, transport::SharedMemoryStream& rings,
                                      bool blocked) {
  c.read_mu_.AssertHeld();
  c.SetInterest(c.interest_ & ~uint32_t{EPOLLOUT});
  if (!blocked) return;
  if (rings.WaitForRoom()) {
    // The peer rings. Whoever reads hears it, and sees to this when letting go of the token.
    if (!c.token_held_) c.WatchForInput();
    return;
  }
  c.runtime_.pool().Post([self = base::Ref<Connection>::Share(&c)] { self->OnWritable(); });
}

int SharedMemoryUpgrade::InputFd(Connection& c) {
  return c.read_.rings != nullptr ? c.read_.rings->fd() : c.stream_->fd();
}

// Bells that somebody has looked at since are no excuse: anybody can ring.
bool SharedMemoryUpgrade::InputWaits(Connection& c, int64_t incident, Late what) {
  if (c.read_.rings != nullptr && c.read_.rings->Unread()) return true;
  pollfd poll_fd{.fd = InputFd(c), .events = POLLIN, .revents = 0};
  if (poll(&poll_fd, 1, 0) <= 0) return false;
  if (c.read_.rings == nullptr) return true;
  Excuse& excuse = c.shared_.rings->excuses[static_cast<int>(what)];
  const uint64_t bells = c.read_.rings->bells();
  if (std::exchange(excuse.incident, incident) != incident) excuse.bells = bells;
  return excuse.bells == bells;
}

}  // namespace drover::rpc

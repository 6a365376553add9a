// How frames leave: into a queue, and out of it in gathered writes by whoever finds no writer at
// work. A plain one that finds neither a queue nor a writer is written from where it is.
#include <sys/epoll.h>

#include <cassert>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timers.h"
#include "drover/base/log.h"
#include "drover/base/thread_spare.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/spare_memory_watch.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {
namespace {

constexpr size_t kMostPieces = 64;
// Nobody writes more than this on behalf of others; the reactor does the rest.
constexpr size_t kMostBytesForOthers = 256 * 1024;

#ifdef NDEBUG
void NoteClaims(int) {}
void CheckNoClaim() {}
#else
thread_local int claims = 0;  // writes that this thread has claimed and not come to the end of
void NoteClaims(int change) { claims += change; }
void CheckNoClaim() { assert(claims == 0); }
#endif

}  // namespace

absl::Status Connection::CheckFrame(size_t bytes) const {
  if (bytes == 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the message has more than ", wire::kMaxSegments - 1, " segments"));
  }
  if (bytes > terms_->max_frame_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the message has ", bytes, " bytes; the limit is ", terms_->max_frame_bytes));
  }
  return absl::OkStatus();
}

base::Ref<transport::SharedArena> Connection::arena() {
  if (!shared_.has_arena.load(std::memory_order_relaxed) || InForkedChild()) return nullptr;
  base::MutexLock lock(&mu_);
  if (shared_.rings == nullptr || !shared_.rings->arena->peer_has_it()) return nullptr;
  return shared_.rings->arena;
}

void Connection::PrepareToQueue(wire::OutMessage& message) {
  NoteBacklog();
  if (!state_.sends_in_place) return;
  if (const auto& arena = shared_.rings->arena; arena->peer_has_it()) message.SendInPlace(*arena);
}

void Connection::Queue(wire::OutMessagePtr& message, Urgency urgency) {
  PrepareToQueue(*message);
  if (state_.fds.empty()) {
    state_.send.Append(message);
  } else {
    state_.send.AppendWithFds(*message, std::exchange(state_.fds, {}));
  }
  NoteQueued(urgency);
}

void Connection::NoteQueued(Urgency urgency) {
  queued_.store(true, std::memory_order_release);
  if (urgency == Urgency::kNow) {
    queued_now_.store(true, std::memory_order_release);
  } else {
    RequestTick();  // with which it leaves at the latest
  }
}

void Connection::QueueFinish(QuestionId id, bool release_result_caps) {
  std::byte bytes[PlainFrames::kFinishBytes];
  PlainFrames::Get().CopyFinish(id, release_result_caps, bytes);
  if (state_.memory_switch != nullptr && state_.memory_switch->last_finish == id) {
    state_.send.AppendLast(bytes);
    state_.sends_in_place = shared_.has_arena;
    state_.memory_switch = nullptr;
    return NoteQueued(Urgency::kNow);
  }
  state_.send.AppendBytes(bytes);
  NoteQueued(release_result_caps ? Urgency::kNow : Urgency::kCanWait);
}

void Connection::QueueBytes(std::span<const std::byte> frame, Urgency urgency) {
  NoteBacklog();
  state_.send.AppendBytes(frame);
  NoteQueued(urgency);
}

void Connection::Flush() {
  if (queued_now_.load(std::memory_order_acquire)) Write(/*also_what_can_wait=*/false);
}

void Connection::FlushAll() {
  if (queued_.load(std::memory_order_acquire)) Write(/*also_what_can_wait=*/true);
}

bool Connection::MoveToBatch() {
  if (state_.open() && !state_.send.empty()) {
    state_.being_written += state_.send.bytes();
    state_.send.MoveTo(batch_);
  }
  queued_.store(false, std::memory_order_release);
  queued_now_.store(false, std::memory_order_release);
  return state_.open() && !batch_.empty();
}

bool Connection::ClaimWrite(bool also_what_can_wait) {
  if (!state_.open() || state_.writing || state_.write_blocked || state_.write_failed) return false;
  // With no writer at work, the batch holds what the last one could not write.
  const bool any = !state_.send.empty() || !batch_.empty();
  if (!queued_now_.load(std::memory_order_relaxed) && !(also_what_can_wait && any)) return false;
  if (!MoveToBatch()) return false;
  state_.writing = true;
  NoteClaims(+1);
  return true;
}

void Connection::Write(bool also_what_can_wait) {
  {
    base::MutexLock lock(&mu_);
    if (!ClaimWrite(also_what_can_wait)) return;
  }
  WriteClaimed();
}

bool Connection::ClaimWriteOf(size_t bytes) {
  if (!state_.open() || state_.writing || state_.write_blocked || state_.write_failed ||
      !state_.send.empty() || state_.send.sealed() || !batch_.empty()) {
    return false;
  }
  state_.writing = true;
  NoteClaims(+1);
  state_.being_written += bytes;
  return true;
}

void Connection::WriteFrameClaimed(std::span<const std::byte> frame) {
  const iovec piece{const_cast<std::byte*>(frame.data()), frame.size()};  // it is only read
  transport::ByteStream& to = batch_.switched() ? shared_.rings->stream : *stream_;
  const transport::IoResult result = to.Write({&piece, 1});
  bool more;
  async::Task idle;
  {
    base::MutexLock lock(&mu_);
    state_.being_written -= result.bytes;
    state_.written += result.bytes;
    more = result.bytes < frame.size();
    if (more) {
      batch_.SetRest(frame.subspan(result.bytes));
    } else if (!state_.send.empty()) {
      more = MoveToBatch();
    }
    if (!more) {
      state_.writing = false;
      NoteClaims(-1);
      if (writer_done_ != nullptr) writer_done_->SignalAll();
      if (idle_callback_) idle = TakeIdleCallback();
    }
  }
  if (more) return WriteClaimed();
  if (idle) idle();
  if (ended_.load(std::memory_order_acquire)) CloseStreamIfUnused();
}

void Connection::WriteClaimed() {
  std::vector<iovec> own;
  auto* const spare = base::ThreadSpare<std::vector<iovec>, Connection>();  // kept, for its memory
  std::vector<iovec>& pieces = spare != nullptr ? *spare : own;
  wire::SendQueue unsent;  // may hold what goes with code of the user's, as the next
  wire::SendBatch unwritten;
  async::Task idle;
  absl::Status broken;
  bool blocked = false;
  for (size_t written = 0;;) {
    batch_.Gather(pieces, kMostPieces);
    transport::ByteStream& to = batch_.switched() ? shared_.rings->stream : *stream_;
    const transport::IoResult result =
        batch_.HasFds() ? to.WriteWithFds(pieces, batch_.Fds()) : to.Write(pieces);
    if (result.bytes > 0) batch_.Advance(result.bytes);
    written += result.bytes;
    if (result.bytes >= wire::SpareMemory::kLargePart) KeepSpareMemory(runtime_.timers());
    blocked = result.would_block || (written > kMostBytesForOthers && !batch_.empty());
    if (result.error != 0) broken = absl::ErrnoToStatus(result.error, "writing failed");
    if (result.reason != nullptr) {
      runtime_.pool().Post([self = base::Ref<Connection>::Share(this), reason = result.reason] {
        self->Abort(absl::InvalidArgumentError(reason));
      });
    }
    base::MutexLock lock(&mu_);
    state_.writes_rings = batch_.switched();
    state_.being_written -= result.bytes;
    state_.written += result.bytes;
    if (!blocked && broken.ok() && MoveToBatch()) continue;
    state_.writing = false;
    NoteClaims(-1);
    if (writer_done_ != nullptr) writer_done_->SignalAll();
    state_.write_blocked = blocked && broken.ok();
    if (!broken.ok()) {
      state_.write_failed = true;
      write_failed_.store(true, std::memory_order_release);
      std::swap(unsent, state_.send);
      std::swap(unwritten, batch_);
      state_.being_written = 0;
    }
    idle = TakeIdleCallback();
    break;
  }
  if (blocked && broken.ok()) UpdateWriteInterest();
  if (idle) idle();
  if (!broken.ok()) ReadToTheEnd();
  if (ended_.load(std::memory_order_acquire)) CloseStreamIfUnused();
  if (retired_.load(std::memory_order_acquire)) {  // it waited for this; the caller may hold locks
    runtime_.pool().Post([self = base::Ref<Connection>::Share(this)] { self->CloseIfRetired(); });
  }
}

// A peer that answered and closed must not lose its answers to a message of ours that came too
// late: they are read, and the end of the stream then ends the connection.
void Connection::ReadToTheEnd() {
  base::MutexLock lock(&read_mu_);
  if (token_held_ || stream_ == nullptr || ended_.load(std::memory_order_acquire)) return;
  WatchForInput();
}

void Connection::OnWritable() {
  WithLock([](ConnectionState& s) { s.write_blocked = false; });
  Write(/*also_what_can_wait=*/true);
  UpdateWriteInterest();
}

void Connection::UpdateWriteInterest() {
  base::MutexLock lock(&read_mu_);
  if (stream_ == nullptr || ended_.load(std::memory_order_acquire)) return;
  bool blocked;
  transport::SharedMemoryStream* rings;
  {
    base::MutexLock state_lock(&mu_);
    blocked = state_.write_blocked;
    rings = state_.writes_rings ? &shared_.rings->stream : nullptr;
  }
  if (rings != nullptr) return SharedMemoryUpgrade::WaitForRoom(*this, *rings, blocked);
  SetInterest(blocked ? interest_ | EPOLLOUT : interest_ & ~uint32_t{EPOLLOUT});
}

// The writer that this waits for must be another thread. It is, for whoever aborts has claimed no
// write, of this connection or another. Between a claim and the end of its write a thread does
// three things:
// - ReturnHandler::OnSent of the call that is to be written. It may cancel that call, and the calls
//   that depend on it; it waits for nothing, and so reads nothing.
// - What answering by a tail call has deferred: calls are delivered to promises, and promises
//   resolved. Strands that have something to run then do so on the pool, refused calls are
//   answered.
// - The writing, which leaves an Abort to the pool.
// Aborts come from whoever reads or handles a frame, from the reactor's timers, from tasks of the
// pool, and from an echo that did not lead back (Capability::DeliverEcho). Such an echo is a
// Disembargo that is being handled; or it was passed on by a strand, behind calls, and what a
// strand runs comes after the end of whatever was written before.
void Connection::Abort(const absl::Status& reason) {
  CheckNoClaim();
  DROVER_LOG(kWarning) << "connection to " << name() << " is aborted: " << reason.message();
  wire::OutMessagePtr message = wire::OutMessage::New();
  ToException(reason, message->builder().initRoot<protocol::Message>().initAbort());
  {
    base::MutexLock lock(&mu_);
    if (state_.open()) Queue(message, Urgency::kNow);
    state_.send.Seal();  // other threads go on until Close, but an Abort is the last word
    // Close would take it from under a writer that is at work. Writes do not block: it is done
    // soon.
    if (writer_done_ == nullptr) writer_done_ = std::make_unique<base::CondVar>();
    while (state_.writing) writer_done_->Wait(&mu_);
  }
  Flush();
  Close(reason);
}

}  // namespace drover::rpc

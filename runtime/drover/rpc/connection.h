// One connection to a peer: the Cap'n Proto RPC protocol, level 1, over a ByteStream.
//
//   base::Ref<Connection> c = Connection::Create(std::move(stream), {.name = "unix:///w.sock"});
//   base::Ref<Capability> front = c->Bootstrap();
//   front->Send(std::move(call), handler);
//
// Thread-safe; any thread calls. Whoever waits for an answer (Drive) reads the connection itself;
// when nobody waits, the reactor does. One thread at a time holds the *read token*; it decodes a
// frame and puts it in its place before the token passes on, so frames are handled in order.
// Writes combine: frames go into a queue, and whoever finds no writer at work drains it.
//
// Ownership: reference-counted; the reactor keeps it until it is closed. Errors: see Close.
// Blocking: Drive blocks; nothing else does.
#ifndef DROVER_RPC_CONNECTION_H_
#define DROVER_RPC_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "drover/async/busy_connections.h"
#include "drover/async/dedicated_reader.h"
#include "drover/async/future_core.h"
#include "drover/async/parker.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc/connection_options.h"
#include "drover/rpc/connection_state.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/read_state.h"
#include "drover/rpc/shared_memory_upgrade.h"
#include "drover/transport/byte_stream.h"
#include "drover/wire/in_message.h"
#include "drover/wire/plain_struct.h"

namespace drover::rpc {

class RemoteCapability;
class RemotePromise;
struct PlainReturn;

class Connection final : public async::EventHandler {
 public:
  static base::Ref<Connection> Create(std::unique_ptr<transport::ByteStream> stream,
                                      ConnectionOptions options);
  ~Connection() override;

  // The peer's front object; calls on it leave at once, before the peer has answered.
  base::Ref<Capability> Bootstrap();
  // Asks the peer, through its front object, whether it is Drover; if it is, metadata travels with
  // calls from then on. The question leaves with the next call. A call with metadata waits for the
  // answer, and so do those made after it.
  void SayHello(Capability& front);
  // The object that the peer exports under a name; calls on it leave at once.
  base::Ref<Capability> Lookup(Capability& front, const std::string& name);
  // The peer has turned out to be Drover, and takes so much of one-way calls (one_way.h).
  void EnableExtensions(uint64_t one_way_window);
  // Lets the calls go that waited for the answer to hello.
  void ReleaseHeldCalls();

  void SendCall(RemoteCapability& target, OutgoingCall&& call, base::Ref<ReturnHandler> handler);
  // False, with nothing done, if the promise's calls do not travel to the peer any more.
  [[nodiscard]] bool SendCallOnPromise(RemotePromise& target, OutgoingCall& call,
                                       base::Ref<ReturnHandler>& handler);
  // What `path` will lead to in the answer; null if that is here already, or the question is not
  // that of `handler` any more. `dropped` is called once the promise is gone, if it was made.
  base::Ref<Capability> Pipeline(QuestionId id, const ReturnHandler* handler,
                                 const PipelinePath& path, async::Task dropped);
  void DropPipeline(RemotePromise& promise);
  // The promise that `hold` belongs to is gone.
  void LetGoOfAnswer(AnswerId id, const PipelinePath& path, const AnswerHold* hold);
  // Asks the peer to stop and forgets the handler; false if the question has none or another one.
  bool CancelQuestion(QuestionId id, const ReturnHandler* handler);
  // `ret` is inside `message`.
  void SendReturn(IncomingCall& call, wire::OutMessagePtr message, protocol::Return::Builder ret,
                  MessageCaps caps);
  // The same with plain results. False, with nothing done, if the answer asks for more.
  [[nodiscard]] bool SendPlainReturn(IncomingCall& call, const wire::PlainStruct& results);
  // A call that was answered early (IncomingCall::ReturnEarly) has gone, with its message.
  void UncountCall(size_t bytes);
  void ReleaseImport(const Capability* import, ImportId id, const ImportReferences& references);
  // Answers a Disembargo of the peer, behind what was forwarded to `target`.
  void SendLoopback(const std::variant<ImportId, RemotePromise*>& target, uint32_t embargo);
  // Tells the peer what a promise that was exported to it has turned out to be.
  void SendResolve(ExportId id, uint64_t serial);

  // Reads and handles messages until `core` is ready, the deadline passes, the connection ends, or
  // the calling servant's call is cancelled.
  void Drive(async::FutureCore& core, absl::Time deadline);

  // As long as there are calls whose answers no thread waits for, the reactor watches for them
  // whenever nobody else reads.
  void AddUnattended();
  void RemoveUnattended() { unattended_.fetch_sub(1, std::memory_order_relaxed); }

  // Writes what is queued if any of it is urgent (FlushAll: in any case), unless somebody is at it.
  void Flush();
  void FlushAll();
  // No proxy will use Bootstrap's capability any more: the connection ends when the last question
  // and the last import are gone.
  void Retire();
  // Ends the connection: calls in flight fail with Unavailable, calls being served are cancelled,
  // references are dropped. The first reason counts.
  void Close(const absl::Status& reason);
  // The same, after telling the peer and the log why. Waits until no other thread writes; not for
  // one that has claimed a write itself.
  void Abort(const absl::Status& reason);
  // Calls `idle` (any thread, no lock held) once no call of the peer runs and all answers have been
  // written, or the connection has ended. At most one at a time.
  void NotifyIdle(async::Task idle);

  template <class F>
  auto WithLock(F&& f) {
    base::MutexLock lock(&mu_);
    return f(state_);
  }

  std::string name() const;  // for errors and the log
  const transport::PeerInfo& peer() const { return peer_; }
  const base::Ref<CallHooks>& hooks() const { return terms_->hooks; }
  bool open() const { return !ended_.load(std::memory_order_acquire); }
  // Whether calls can leave. One that is open and cannot send still reads what the peer sent.
  bool can_send() const { return open() && !write_failed_.load(std::memory_order_acquire); }

  // Where large messages for the peer are best built; null for nowhere in particular.
  base::Ref<transport::SharedArena> arena();

  uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

  // Answers that arrived and whose futures still exist; see SendCall.
  std::atomic<int>& uncollected() { return uncollected_; }

  // async::EventHandler
  void OnReady(uint32_t events) override;
  bool OnTick() override;
  void OnTimer() override;
  bool HasInput() override;
  void OnInput() override;
  bool StopLooking() override;
  void HandOver() override;

 private:
  friend class OneWay;
  friend class SharedMemoryUpgrade;
  friend class TailCall;
  // What can wait rides with the next frame, or with a tick.
  enum class Urgency { kNow, kCanWait };

  Connection(std::unique_ptr<transport::ByteStream> stream, ConnectionOptions options);

  // connection_read.cc and connection_runtime.cc: the read token.
  bool TakeToken();
  void ReleaseTokenAsCaller();
  void ReleaseTokenToReactor(bool looks);
  void Rest();  // lets go of empty buffers; by the token's holder, or while nobody has it
  bool PromoteFollower() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mu_);
  bool InCrowd() const;
  bool YieldAsFollower(const async::FutureCore& core,
                       absl::Time deadline);  // whether to try for the token again
  void Lead(async::FutureCore& core, absl::Time deadline);
  void ResumeReading();
  void ReadInReactor(bool rang);
  bool LooksIntoRings() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mu_);
  void ReadAsRuntime(async::DedicatedReader& dedicated);
  bool BeginDedicated(async::DedicatedReader& dedicated);
  ReadResult ReadOnce(transport::Wait wait);
  ReadResult SpinForInput(int64_t nanos, const async::FutureCore* core, absl::Time deadline);
  ReadResult YieldForInput(async::YieldBudget& budget, int64_t worth);  // lets others run first
  // User code goes to the pool, but for what `reader` may run. False if the token went away.
  bool HandleFrames(async::DedicatedReader* reader);
  bool RunHere(base::Ref<Work>& work, async::DedicatedReader& reader);
  bool RunLent(Work& work, uint64_t method, async::DedicatedReader& reader);
  void WatchForInput() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mu_);  // while nobody has the token
  void SetInterest(uint32_t events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mu_);
  void UpdateWriteInterest();
  void RequestTick();
  void End(const absl::Status& reason, bool by_reader);  // that is, by the token's holder
  void EndStream(bool by_reader);
  void CloseStreamIfUnused();

  // inbound_*.cc: one method for each message family. They fill `deferred`; an error ends the
  // connection.
  absl::Status HandleFrame(wire::Frame frame, Deferred& deferred);
  absl::Status HandleBootstrap(protocol::Bootstrap::Reader message);
  absl::Status HandleCall(wire::Frame frame, Deferred& deferred);
  // What a plain call does not have. Gives the call its metadata, too. May throw kj::Exception.
  struct CallDetails;
  CallDetails ReadDetails(IncomingCall& call) const;
  absl::Status HandleReturn(protocol::Return::Reader message, const wire::Frame& frame,
                            Deferred& deferred);
  // False, with nothing done, if the question asks for more than is done here.
  bool HandlePlainReturn(const PlainReturn& ret, const wire::Frame& frame, Deferred& deferred);
  absl::Status HandleResolve(protocol::Resolve::Reader message, Deferred& deferred);
  absl::Status HandleFinish(AnswerId id, bool release_result_caps, Deferred& deferred);
  absl::Status FinishAnswer(AnswerId id, bool release_result_caps, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What finished_ holds.
  void FinishAnswers(Deferred& deferred);
  void FinishAnswersLocked(Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status HandleRelease(protocol::Release::Reader message, Deferred& deferred);
  absl::Status HandleDisembargo(protocol::Disembargo::Reader message, Deferred& deferred);
  absl::Status HandleUnimplemented(protocol::Message::Reader message, Deferred& deferred);
  absl::Status ForgetResolution(protocol::Resolve::Reader message, Deferred& deferred);
  absl::Status HandleLoopback(uint32_t embargo, Deferred& deferred);
  absl::Status EchoUnimplemented(wire::InMessage& message);

  // promises.cc
  // What a promise of the peer has turned out to be. `by_way_of_us`: it was named as something of
  // ours, so what the peer has for it comes here first, wherever it goes from here.
  struct Promised {
    base::Ref<Capability> capability;
    bool by_way_of_us;
  };
  // Gives `promise` what it turned out to be, or holds it back until a Disembargo has come home.
  void Settle(RemotePromise& promise, Promised promised, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The same for all that was asked for inside the answer to `id`. References that are held back
  // take the place of those in `caps`.
  using PromisedAt = std::function<Promised(const PipelinePath&)>;
  void SettleAll(QuestionId id, Question& question, const PromisedAt& promised_at,
                 MessageCaps* caps, Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BreakAll(QuestionId id, Question& question, const absl::Status& status, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  base::Ref<Capability> PromiseOf(QuestionId id, Question& question, const PipelinePath& path,
                                  async::Task dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the peer that nobody wants the answer, nor those of the calls addressed to what is in it.
  void FinishEarly(QuestionId id, Question& question, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Keeps `capability` until the answer, if it is a promise inside another answer.
  void KeepPromise(Question& question, const base::Ref<Capability>& capability)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropKept(Question& question, Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool PeerHosts(const Capability& capability) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  using CallTarget = std::variant<RemoteCapability*, RemotePromise*>;
  bool SendQuestion(const CallTarget& target, OutgoingCall& call,
                    base::Ref<ReturnHandler>& handler);
  // False, with nothing done, if the call, or the connection's state, asks for more.
  bool SendPlainQuestion(RemoteCapability& target, const OutgoingCall& call,
                         base::Ref<ReturnHandler>& handler);
  // hello.cc
  bool MustHold(const OutgoingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Hold(const CallTarget& target, OutgoingCall& call, base::Ref<ReturnHandler>& handler)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Status ReleaseExports(const std::vector<ExportId>& ids, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DeliverTo(const base::Ref<Capability>& object, base::Ref<IncomingCall> call,
                 Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Cancels a call that was finished, or given up, before it returned, unless calls on its results
  // wait; then it goes on until the last of them is cancelled.
  void CancelUnlessAwaited(Answer* answer, Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The promise of what `path` will lead to in an answer that has not returned.
  base::Ref<Capability> PromiseInside(AnswerId id, Answer& answer, const PipelinePath& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What every Return does to its answer, before and after it is queued.
  void BeginReturn(IncomingCall& call, Answer& answer, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndReturn(AnswerId id, Answer& answer, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteReturn(bool to_write, Deferred& deferred);
  void CompleteAnswer(Answer& answer, Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void DropResults(Answer& answer, Deferred& deferred);
  base::Ref<Capability> AnswerCapability(Answer& answer, const PipelinePath& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // cap_descriptors.cc
  void Describe(MessageCaps& caps, protocol::Payload::Builder payload,
                std::vector<ExportId>* exported) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DescribeOne(const base::Ref<Capability>& described, protocol::CapDescriptor::Builder out,
                   std::vector<ExportId>* exported) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Receive(protocol::Payload::Reader payload, MessageCaps* caps)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  base::Ref<Capability> ReceiveOne(protocol::CapDescriptor::Reader in)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether it is an object of ours, or in an answer of ours.
  static bool NamesOurs(protocol::CapDescriptor::Reader in);
  // Null if the import is not there yet; a reference more of it otherwise.
  base::Ref<Capability> FindImport(ImportId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteImport(ImportId id, Capability& import, ImportReferences& references)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  base::Ref<Capability> AddImport(ImportId id, uint8_t attached_fd)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  base::Ref<Capability> AddPromiseImport(ImportId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // connection_write.cc
  void QueueBytes(std::span<const std::byte> frame, Urgency urgency)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Queue(wire::OutMessagePtr& message, Urgency urgency) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void QueueFinish(QuestionId id, bool release_result_caps) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool CanWait(const OutgoingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // outbound_calls.cc
  void NoteQueued(Urgency urgency) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteBacklog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // before a frame is queued
  void PrepareToQueue(wire::OutMessage& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // the same
  // For the writer: takes what is queued; false if there is nothing to write.
  bool MoveToBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes what is queued to be written, if nobody is at it: then WriteClaimed must follow.
  [[nodiscard]] bool ClaimWrite(bool also_what_can_wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteClaimed();
  // The same for a frame of which nothing is queued before it: it is written from where it is.
  [[nodiscard]] bool ClaimWriteOf(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteFrameClaimed(std::span<const std::byte> frame);
  void Write(bool also_what_can_wait);
  void OnWritable();
  void ReadToTheEnd();
  void FlushUnlessCorked();
  // Whether what is queued waits for the replies to more that has come.
  bool Corked(size_t queued_bytes) const;
  absl::Status CheckFrame(size_t bytes) const;
  void TellIfIdle();
  async::Task TakeIdleCallback() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // connection_fds.cc: descriptors that travel with messages.
  transport::IoResult ReadWithFds(std::span<std::byte> space, transport::Wait wait);
  void TakeFrameFds();
  void AttachFd(uint8_t index, RemoteCapability& import) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DescribeFd(const Capability& capability, protocol::CapDescriptor::Builder out)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // connection_limits.cc
  // A limit was passed, and the connection must end: whoever reads it, or the pool, sees to that.
  void Overstep(std::string why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool EndIfOverstepped();
  // ResourceExhausted if the peer has as many objects of ours, or leaves as much unread, as it may.
  absl::Status CheckExports() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckBacklog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether a call of the peer may run; then it counts.
  absl::Status AdmitCall(IncomingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void HoldAnswer(Answer& answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveAnswer(AnswerId id, const Answer& answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The call of `answer` is about to be delivered to `object`, and may wait there.
  void KeepForCall(Answer& answer, const base::Ref<Capability>& object)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // connection_timers.cc
  void CallAt(int64_t when);
  void ExpectFirstFrame();
  void StopExpectingFirstFrame();
  void BeginPings();
  int64_t CheckPing(int64_t now);
  void SendPing(int64_t now);
  int64_t CheckFrameDeadline(int64_t now);
  bool InputWaits(int64_t incident, Late what);
  bool InForkedChild() const;
  void CloseIfRetired();
  bool Unused() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // retired, and nothing keeps it

  const std::string name_;
  const std::shared_ptr<const ConnectionTerms> terms_;
  Runtime& runtime_;
  const transport::PeerInfo peer_;
  const uint32_t fork_generation_;
  const bool passes_fds_;
  const bool accepts_fds_;
  uint64_t reactor_id_ = 0;  // set before anybody else sees the connection
  std::atomic<int> uncollected_{0};
  std::atomic<int> unattended_{0};
  std::atomic<bool> ticking_{false};
  std::atomic<bool> queued_{false};      // hints, changed under mu_: something waits to be sent,
  std::atomic<bool> queued_now_{false};  // and it cannot wait for the next frame
  std::atomic<bool> has_exports_{false};
  std::atomic<bool> retired_{false};
  std::atomic<bool> takes_answers_{false};  // an answer to us was that to a call of the peer
  std::atomic<bool> extensions_{false};     // as in state_: for those who read
  std::atomic<bool> ended_{false};          // set once state_.closed is: for those who read
  std::atomic<bool> write_failed_{false};   // set once state_.write_failed is
  std::atomic<bool> overstepped_{false};    // set once state_.overstep is
  std::atomic<uint64_t> bytes_read_{0};     // changed by whoever holds the read token
  std::atomic<int64_t> timer_{FrameWatch::kNever};  // when OnTimer was asked for

  base::Mutex mu_;
  ConnectionState state_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<base::CondVar> writer_done_ ABSL_GUARDED_BY(mu_);  // once an Abort has waited
  std::unique_ptr<async::Task> idle_callback_ ABSL_GUARDED_BY(mu_);  // null: none was given
  base::Ref<ConnectionOwner> owner_ ABSL_GUARDED_BY(mu_);            // until it is closed

  // Who reads, and what epoll watches. Locked before mu_, never after it.
  base::Mutex read_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  std::atomic<bool> token_held_{false};      // changed under read_mu_
  std::atomic<bool> followers_wait_{false};  // likewise
  std::vector<Follower*> followers_ ABSL_GUARDED_BY(read_mu_);
  async::BusyMeter meter_ ABSL_GUARDED_BY(read_mu_);
  uint32_t interest_ ABSL_GUARDED_BY(read_mu_) = 0;
  std::atomic<int> yielding_{0};  // threads that wait for answers and let others run meanwhile
  uint64_t uses_ ABSL_GUARDED_BY(read_mu_) = 0;  // by callers
  uint64_t uses_at_tick_ ABSL_GUARDED_BY(read_mu_) = 0;

  Pings pings_;            // if they are wanted
  wire::SendBatch batch_;  // used by whoever writes (state_.writing), or after everybody is done
  ReadState read_;         // used by whoever holds the read token

  // Reading needs the token, writing state_.writing; reset when the connection has ended and
  // nobody has either.
  std::unique_ptr<transport::ByteStream> stream_;
  SharedMemoryState shared_;  // gone before stream_
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CONNECTION_H_

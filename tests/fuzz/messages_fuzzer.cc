// Valid messages of all kinds in a hostile order, and some that are spoiled, to a live connection
// with a servant, which meanwhile makes calls of its own. What the records of the input mean is
// below, and in peer_messages.h and local_side.h.
//
// Must hold: Drover keeps to the protocol (ledger.h); every call of its own gets an answer; and
// once the connection has ended, nothing is left: no entry in a table, no object, no connection.
#include <capnp/message.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "drover/base/log.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/transport/socket_stream.h"
#include "fuzz/check.h"
#include "fuzz/hostile_wire.h"
#include "fuzz/kitchen_staff.h"
#include "fuzz/local_side.h"
#include "fuzz/peer_messages.h"
#include "fuzz/records.h"

namespace drover::fuzz {
namespace {

// The first byte of a record, from these values on; below kSpoiled it is a PeerKind.
enum Action : uint8_t {
  kSpoiled = 0xb0,  // the message of the next record, with one byte changed
  kGarbage = 0xb8,  // what is no frame; the second byte chooses
  kSync = 0xc0,     // waits until all has been handled
  kLocal = 0xd0,    // this process does something
};

// The first record of the input is none of these, but bits:
constexpr uint8_t kServes = 1;      // the connection has a front object
constexpr uint8_t kBootstraps = 2;  // and asks for the peer's
constexpr uint8_t kDrover = 4;      // the peer has said hello
// How it ends: what its second byte is, modulo 3.
enum class Ending { kPeerFinishes, kPeerCloses, kLocalCloses };

constexpr size_t kMostRecords = 400;
// Holds as many calls as there can be, so that none has to wait for an answer that may never come.
constexpr uint64_t kOneWayWindow = kMostRecords * 1024;
constexpr int kMostDescriptors = 500;

struct Pair {
  base::UniqueFd ours, theirs;
};

Pair SocketPair() {
  int fds[2];
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  FUZZ_CHECK(fds[1] < kMostDescriptors) << "descriptors leak";
  return {base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

std::string Sizes(rpc::Connection& connection) {
  return connection.WithLock([](rpc::ConnectionState& s) {
    return std::to_string(s.questions.size()) + " questions, " + std::to_string(s.answers.size()) +
           " answers, " + std::to_string(s.exports.size()) + " exports, " +
           std::to_string(s.imports.size()) + " imports, " + std::to_string(s.running_calls) +
           " running calls";
  });
}

class Session {
 public:
  explicit Session(const Record& config)
      : ending_(static_cast<Ending>(config[1] % 3)), pair_(SocketPair()) {
    rpc::ConnectionOptions options;
    options.name = "the fuzzer";
    options.terms = std::make_shared<const rpc::ConnectionTerms>(
        rpc::ConnectionTerms{.max_frame_bytes = 1 << 16});
    if ((config[0] & kServes) != 0) {
      options.front_object = kitchen::CookProxy(staff_->Hire()).capability();
    }
    connection_ = rpc::Connection::Create(
        transport::SocketStream::Make(std::move(pair_.ours), "unix"), std::move(options));
    wire_ = std::make_unique<HostileWire>(std::move(pair_.theirs));
    if ((config[0] & kDrover) != 0) {
      wire_->KnowDrover();
      connection_->EnableExtensions(kOneWayWindow);
    }
    local_ = std::make_unique<LocalSide>(connection_, staff_, (config[0] & kBootstraps) != 0);
  }

  void Run(std::span<const Record> records) {
    for (size_t i = 0; i < records.size() && !wire_->ended(); ++i) {
      const Record& record = records[i];
      const Record next = i + 1 < records.size() ? records[i + 1] : Record{};
      if (record[0] >= kLocal) {
        local_->Act(std::span(record).subspan(1));
      } else if (record[0] >= kSync) {
        wire_->Sync();
      } else if (record[0] >= kGarbage) {
        SendGarbage(record, next);
      } else if (record[0] >= kSpoiled) {
        SendSpoiled(record, next);
        ++i;
      } else {
        wire_->Send([&](protocol::Message::Builder m) { BuildPeerMessage(record, m); });
      }
    }
    wire_->Sync();
  }

  void End() {
    switch (ending_) {
      case Ending::kPeerFinishes:
        wire_->Finish();
        wire_->AwaitEnd();
        break;
      case Ending::kPeerCloses:
        wire_ = nullptr;
        break;
      case Ending::kLocalCloses:
        connection_->Close(absl::CancelledError("the input is over"));
        wire_->AwaitEnd();
        break;
    }
    wire_ = nullptr;
    // A client's connection that nobody calls through is looked at by a tick.
    Await("the connection ends", [&] { return !connection_->open(); });
    local_->End();
    local_ = nullptr;
    Await("the objects are gone", [&] {
      staff_->OpenGate();
      staff_->DropKept();
      return staff_->alive() == 0;
    });
    Await("the connection is not used", [&] { return connection_->Unshared(); });
    FUZZ_CHECK(Sizes(*connection_) ==
               "0 questions, 0 answers, 0 exports, 0 imports, 0 running calls")
        << Sizes(*connection_);
  }

 private:
  template <class Condition>
  void Await(const char* what, Condition condition) {
    const absl::Time give_up = absl::Now() + absl::Seconds(60);
    for (int i = 0; !condition(); ++i) {
      FUZZ_CHECK(absl::Now() < give_up)
          << "waited in vain until " << what << ": " << Sizes(*connection_) << ", "
          << staff_->alive() << " objects";
      // Not only by yielding: there may be a debugger's worth of threads on one CPU.
      if (i < 100) {
        std::this_thread::yield();
      } else {
        usleep(200);
      }
    }
  }

  std::vector<std::byte> FrameOf(const Record& record) {
    return HostileWire::Frame([&](protocol::Message::Builder m) { BuildPeerMessage(record, m); });
  }

  void SendSpoiled(const Record& how, const Record& message) {
    std::vector<std::byte> frame = FrameOf(message);
    // Behind the header, so that it is still a frame.
    const size_t at = 8 + (how[1] + 256u * how[2]) % (frame.size() - 8);
    frame[at] ^= std::byte{how[3]};
    wire_->SendSpoiled(frame);
  }

  void SendGarbage(const Record& how, const Record& message) {
    std::vector<std::byte> bytes = FrameOf(message);
    switch (how[1] % 5) {
      case 0:  // as many segments as a word can say
        std::fill_n(bytes.begin(), 4, std::byte{0xff});
        break;
      case 1:  // many, or two that are not there
        bytes[0] = std::byte{how[2]};
        bytes[1] = std::byte{how[3]};
        break;
      case 2:  // half a frame
        bytes.resize(1 + how[2] % bytes.size());
        break;
      case 3:  // a size beyond the limit
        bytes[6] = std::byte{how[2]};
        bytes[7] = std::byte{how[3]};
        break;
      default:
        bytes.assign(6, std::byte{});
        std::transform(how.begin() + 2, how.end(), bytes.begin(),
                       [](uint8_t b) { return std::byte{b}; });
        break;
    }
    wire_->SendGarbage(bytes);
  }

  const Ending ending_;
  const std::shared_ptr<Staff> staff_ = std::make_shared<Staff>();
  Pair pair_;
  base::Ref<rpc::Connection> connection_;
  std::unique_ptr<HostileWire> wire_;
  std::unique_ptr<LocalSide> local_;
};

}  // namespace
}  // namespace drover::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  drover::SetMinLogSeverity(drover::LogSeverity::kError);  // every input ends a connection
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<drover::fuzz::Record> records = drover::fuzz::ReadRecords(data, size);
  if (records.empty()) return 0;
  records.resize(std::min(records.size(), drover::fuzz::kMostRecords));
  drover::fuzz::Session session(records[0]);
  session.Run(std::span(records).subspan(1));
  session.End();
  return 0;
}

#ifdef DROVER_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return drover::fuzz::MutateRecords(data, size, max_size, seed, LLVMFuzzerMutate);
}
#endif

// omniORB: its default server, a thread for each connection, and its default client, which makes a
// connection more when a call finds all in use. Over UNIX sockets; over TCP on the loopback for the
// echoes, where it is faster. Has no way to keep calls in flight but one-way ones, each a write of
// its own. A new connection takes a new ORB: it has no way to close one.
#include <omniORB4/CORBA.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench.hh"
#include "common/peer_main.h"

namespace drover::bench {
namespace {

enum class Transport { kUnix, kTcp };

class Servant final : public POA_bench_idl::Bench {
 public:
  CORBA::ULong calculate(CORBA::ULong x) override { return x + 1; }
  bench_idl::Bytes* echo(const bench_idl::Bytes& data) override {
    return new bench_idl::Bytes(data);
  }
  void note(CORBA::ULong) override {}
  void gather(CORBA::ULong calls) override {
    std::unique_lock<std::mutex> lock(mu_);
    const int mine = gatherings_;
    if (++gathered_ == calls) {
      gathered_ = 0;
      ++gatherings_;
      all_.notify_all();
    }
    all_.wait(lock, [&] { return gatherings_ != mine; });
  }

 private:
  std::mutex mu_;
  std::condition_variable all_;
  CORBA::ULong gathered_ = 0;  // calls of the gathering that is not complete
  int gatherings_ = 0;
};

std::string ReferenceFile(const std::string& socket) { return socket + ".ior"; }

// A connection that finds the server's short backlog full is tried again when it had time to
// accept.
CORBA::Boolean TryAgain(void*, CORBA::ULong, const CORBA::TRANSIENT&) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return true;
}

// An ORB of the client's, and the server's object. At most one at a time in a process.
class Client {
 public:
  Client(Transport transport, const std::string& socket, int connections) {
    const std::string most = absl::StrCat(connections);
    const char* options[][2] = {
        {"maxGIOPConnectionPerServer", most.c_str()},
        {"clientTransportRule", transport == Transport::kUnix ? "* unix" : "* tcp"},
        {nullptr, nullptr}};
    int argc = 0;
    orb_ = CORBA::ORB_init(argc, nullptr, "omniORB4", options);
    std::string reference;
    std::ifstream(ReferenceFile(socket)) >> reference;
    const CORBA::Object_var object = orb_->string_to_object(reference.c_str());
    bench_ = bench_idl::Bench::_unchecked_narrow(object);
  }
  ~Client() {
    bench_ = bench_idl::Bench::_nil();
    orb_->destroy();
  }

  bench_idl::Bench_ptr operator->() { return bench_; }

  absl::Status CallOnce() {
    return bench_->calculate(7) == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
  }

 private:
  CORBA::ORB_var orb_;
  bench_idl::Bench_var bench_;
};

absl::StatusOr<Sample> OneWay(Client& client, double seconds) {
  return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
    for (int i = 0; i < kOneWayTurn; ++i) client->note(7);
    if (absl::Status status = client.CallOnce(); !status.ok()) return status;
    return kOneWayTurn;
  });
}

absl::StatusOr<Sample> Echoes(Client& client, size_t size, double seconds) {
  bench_idl::Bytes data(size);
  data.length(size);
  std::fill_n(data.get_buffer(), size, 'x');
  return TimeCalls(seconds, [&]() -> absl::Status {
    bench_idl::Bytes_var answer = client->echo(data);
    const bool same = answer->length() == size && answer[size - 1] == 'x';
    return same ? absl::OkStatus() : absl::DataLossError("another answer");
  });
}

class OmniOrb final : public Contender {
 public:
  explicit OmniOrb(Transport transport) : transport_(transport) {}

  std::string name() const override {
    return transport_ == Transport::kUnix ? "omniORB" : "omniORB, TCP";
  }
  std::string how() const override {
    return absl::StrCat(omniORB::versionString(), ", a thread for each connection; ",
                        transport_ == Transport::kUnix ? "UNIX socket" : "TCP on the loopback");
  }
  bool Does(Work work, Placement) const override {
    if (transport_ == Transport::kTcp) return IsEcho(work);
    return work != Work::kInFlight && work != Work::kSharedConnection;
  }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    const std::string endpoint =
        transport_ == Transport::kUnix ? "giop:unix:" + socket : "giop:tcp:127.0.0.1:";
    const char* options[][2] = {{"endPoint", endpoint.c_str()}, {nullptr, nullptr}};
    int argc = 0;
    CORBA::ORB_var orb = CORBA::ORB_init(argc, nullptr, "omniORB4", options);
    CORBA::Object_var object = orb->resolve_initial_references("RootPOA");
    PortableServer::POA_var poa = PortableServer::POA::_narrow(object);
    PortableServer::Servant_var<Servant> servant = new Servant;
    PortableServer::ObjectId_var id = poa->activate_object(servant);
    bench_idl::Bench_var bench = servant->_this();
    const CORBA::String_var reference = orb->object_to_string(bench);
    std::ofstream(ReferenceFile(socket)) << static_cast<const char*>(reference);
    poa->the_POAManager()->activate();
    ready();
    orb->run();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    if (work == Work::kConnect) {
      return TimeCalls(seconds, [&] { return Client(transport_, socket, 1).CallOnce(); });
    }
    Client client(transport_, socket, kThreadCount);
    auto calls = [&] { return TimeCalls(seconds, [&] { return client.CallOnce(); }); };
    switch (work) {
      case Work::kNullCall:
        return calls();
      case Work::kThreads:
        return TimeThreads(kThreadCount, [&](int) { return calls(); });
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return Echoes(client, EchoBytes(work), seconds);
      case Work::kOneWay:
        return OneWay(client, seconds);
      default:
        return absl::UnimplementedError("not done");
    }
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    Client client(transport_, socket, connections);
    std::vector<std::thread> callers;
    for (int i = 0; i < connections; ++i) {
      callers.emplace_back([&] { client->gather(connections); });
    }
    for (std::thread& caller : callers) caller.join();
    open();
    SleepUntilKilled();
  }

 private:
  const Transport transport_;
};

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) {
  omniORB::installTransientExceptionHandler(nullptr, &drover::bench::TryAgain);
  drover::bench::OmniOrb local(drover::bench::Transport::kUnix);
  drover::bench::OmniOrb tcp(drover::bench::Transport::kTcp);
  return drover::bench::PeerMain(argc, argv, {&local, &tcp});
}

// gRPC over UNIX sockets, without TLS and compression, messages as large as they come. Two servers
// of its: the synchronous one, as in its tutorial, and the callback one, whose methods run where
// they arrive. To both the same clients: blocking calls with the synchronous stub, calls in flight
// with the callback one; a channel of its own for each client thread, with a connection of its own.
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench.grpc.pb.h"
#include "common/peer_main.h"

namespace drover::bench {
namespace {

using bench_grpc::Bytes;
using bench_grpc::Number;

enum class Style { kSync, kCallback };

class SyncService final : public bench_grpc::Bench::Service {
 public:
  grpc::Status Calculate(grpc::ServerContext*, const Number* in, Number* out) override {
    out->set_value(in->value() + 1);
    return grpc::Status::OK;
  }
  grpc::Status Echo(grpc::ServerContext*, const Bytes* in, Bytes* out) override {
    out->set_data(in->data());
    return grpc::Status::OK;
  }
};

class CallbackService final : public bench_grpc::Bench::CallbackService {
 public:
  grpc::ServerUnaryReactor* Calculate(grpc::CallbackServerContext* context, const Number* in,
                                      Number* out) override {
    out->set_value(in->value() + 1);
    return Done(context);
  }
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const Bytes* in,
                                 Bytes* out) override {
    out->set_data(in->data());
    return Done(context);
  }

 private:
  static grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

absl::Status Error(const grpc::Status& status) {
  return absl::InternalError(status.error_message());
}

class Client {
 public:
  explicit Client(const std::string& socket) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    stub_ = bench_grpc::Bench::NewStub(
        grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
  }

  absl::Status CallOnce() {
    Number request, answer;
    request.set_value(7);
    grpc::ClientContext context;
    if (auto status = stub_->Calculate(&context, request, &answer); !status.ok()) {
      return Error(status);
    }
    return answer.value() == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
  }

  absl::StatusOr<Sample> NullCalls(double seconds) {
    return TimeCalls(seconds, [&] { return CallOnce(); });
  }

  // 128 chains of calls, each starting its next call when the last is answered.
  absl::StatusOr<Sample> InFlight(double seconds) {
    for (int i = 0; i < kWindow; ++i) Begin();
    auto sample = TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      std::unique_lock<std::mutex> lock(mu_);
      const uint64_t before = counted_;
      progress_.wait(lock, [&] { return answered_ >= before + kWindow || !error_.ok(); });
      if (!error_.ok()) return error_;
      counted_ = answered_;
      return counted_ - before;
    });
    std::unique_lock<std::mutex> lock(mu_);
    stopping_ = true;
    progress_.wait(lock, [&] { return running_ == 0; });
    return sample;
  }

  absl::StatusOr<Sample> Echoes(size_t size, double seconds) {
    Bytes request, answer;
    request.set_data(std::string(size, 'x'));
    return TimeCalls(seconds, [&]() -> absl::Status {
      grpc::ClientContext context;
      if (auto status = stub_->Echo(&context, request, &answer); !status.ok()) {
        return Error(status);
      }
      const bool right = answer.data().size() == size && answer.data().back() == 'x';
      return right ? absl::OkStatus() : absl::DataLossError("another answer");
    });
  }

 private:
  struct Call {
    grpc::ClientContext context;
    Number request, answer;
  };

  void Begin() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (stopping_) return;
      ++running_;
    }
    auto* call = new Call;
    call->request.set_value(7);
    stub_->async()->Calculate(&call->context, &call->request, &call->answer,
                              [this, call](const grpc::Status& status) { End(call, status); });
  }

  void End(Call* call, const grpc::Status& status) {
    const bool right = status.ok() && call->answer.value() == 8;
    delete call;
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (!right) error_ = Error(status);
      ++answered_;
    }
    if (right) Begin();
    std::lock_guard<std::mutex> lock(mu_);
    --running_;
    if (!right || running_ == 0 || answered_ >= counted_ + kWindow) progress_.notify_one();
  }

  std::unique_ptr<bench_grpc::Bench::Stub> stub_;
  std::mutex mu_;
  std::condition_variable progress_;
  uint64_t answered_ = 0;
  uint64_t counted_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  absl::Status error_;
};

class Grpc final : public Contender {
 public:
  explicit Grpc(Style style) : style_(style) {}

  std::string name() const override {
    return style_ == Style::kSync ? "gRPC, sync" : "gRPC, callback";
  }
  std::string how() const override {
    return grpc::Version() +
           (style_ == Style::kSync ? ", synchronous server" : ", callback server") +
           "; UNIX socket, insecure channel, no compression";
  }
  // It has no call without an answer.
  bool Does(Work work, Placement) const override { return work != Work::kOneWay; }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    SyncService sync;
    CallbackService callback;
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(-1);
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    if (style_ == Style::kSync) {
      builder.RegisterService(&sync);
    } else {
      builder.RegisterService(&callback);
    }
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr) return absl::InternalError("cannot listen");
    ready();
    server->Wait();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    switch (work) {
      case Work::kNullCall:
        return Client(socket).NullCalls(seconds);
      case Work::kInFlight:
        return Client(socket).InFlight(seconds);
      case Work::kThreads:
        return TimeThreads(kThreadCount, [&](int) { return Client(socket).NullCalls(seconds); });
      case Work::kSharedConnection: {
        Client client(socket);
        return TimeThreads(kThreadCount, [&](int) { return client.NullCalls(seconds); });
      }
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return Client(socket).Echoes(EchoBytes(work), seconds);
      case Work::kConnect:
        return TimeCalls(seconds, [&] { return Client(socket).CallOnce(); });
      case Work::kOneWay:
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    std::vector<std::unique_ptr<Client>> held;
    for (int i = 0; i < connections; ++i) {
      held.push_back(std::make_unique<Client>(socket));
      if (absl::Status status = held.back()->CallOnce(); !status.ok()) return status;
    }
    open();
    SleepUntilKilled();
  }

 private:
  const Style style_;
};

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) {
  drover::bench::Grpc sync(drover::bench::Style::kSync);
  drover::bench::Grpc callback(drover::bench::Style::kCallback);
  return drover::bench::PeerMain(argc, argv, {&sync, &callback});
}

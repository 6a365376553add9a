// stock_server ENDPOINT: a Worker served by Cap'n Proto's own RPC runtime, without any of Drover.
// Prints its endpoint, with the port in place of 0, when it is ready. Ends with status 0 on
// SIGTERM, or when the process that started it does.
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <sys/prctl.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "interop.capnp.h"
#include "interop/stock_endpoint.h"
#include "interop/stock_file.h"

namespace interop::stock {
namespace {

uint32_t got = 0;  // workers that get returned and that still exist

kj::Exception::Type KindOf(kj::StringPtr reason) {
  if (reason.startsWith("overloaded")) return kj::Exception::Type::OVERLOADED;
  if (reason.startsWith("disconnected")) return kj::Exception::Type::DISCONNECTED;
  if (reason.startsWith("unimplemented")) return kj::Exception::Type::UNIMPLEMENTED;
  return kj::Exception::Type::FAILED;
}

class SinkImpl final : public Sink::Server {
 protected:
  kj::Promise<void> write(WriteContext context) override {
    auto chunk = context.getParams().getChunk();
    KJ_REQUIRE(chunk.size() > 0, "an empty chunk");
    in_order_ &= chunk[0] == static_cast<kj::byte>(chunks_);
    ++chunks_;
    bytes_ += chunk.size();
    return kj::READY_NOW;
  }

  kj::Promise<void> done(DoneContext context) override {
    auto results = context.getResults();
    results.setChunks(chunks_);
    results.setBytes(bytes_);
    results.setInOrder(in_order_);
    return kj::READY_NOW;
  }

 private:
  uint32_t chunks_ = 0;
  uint64_t bytes_ = 0;
  bool in_order_ = true;
};

class WorkerImpl final : public Worker::Server {
 public:
  // Counts itself in `*living`, unless that is null, while it exists.
  explicit WorkerImpl(uint32_t* living) : living_(living) {
    if (living_ != nullptr) ++*living_;
  }
  ~WorkerImpl() {
    if (living_ != nullptr) --*living_;
  }

 protected:
  kj::Promise<void> calculate(CalculateContext context) override {
    context.getResults().setY(context.getParams().getX() + 1);
    return kj::READY_NOW;
  }

  kj::Promise<void> subscribe(SubscribeContext context) override {
    auto request = context.getParams().getListener().heardRequest();
    request.setText("news");
    return request.send().then([context](capnp::Response<Listener::HeardResults> reply) mutable {
      context.getResults().setAnswer(reply.getReply());
    });
  }

  kj::Promise<void> get(GetContext context) override {
    context.getResults().setWorker(kj::heap<WorkerImpl>(&got));
    return kj::READY_NOW;
  }

  kj::Promise<void> fail(FailContext context) override {
    auto reason = context.getParams().getReason();
    return kj::Exception(KindOf(reason), __FILE__, __LINE__, kj::heapString(reason));
  }

  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }

  kj::Promise<void> read(ReadContext context) override {
    return context.getParams().getWorker().getFd().then([context](kj::Maybe<int> fd) mutable {
      KJ_IF_MAYBE (number, fd) {
        context.getResults().setContent(ContentOf(*number));
      }
    });
  }

  kj::Maybe<int> getFd() override { return file_.get(); }

  kj::Promise<void> living(LivingContext context) override {
    context.getResults().setCount(got);
    return kj::READY_NOW;
  }

  kj::Promise<void> open(OpenContext context) override {
    context.getResults().setSink(kj::heap<SinkImpl>());
    return kj::READY_NOW;
  }

 private:
  uint32_t* const living_;
  const kj::AutoCloseFd file_ = FileOf("worker");
};

void Serve(const std::string& endpoint) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  kj::UnixEventPort::captureSignal(SIGTERM);
  auto io = kj::setupAsyncIo();
  auto listener = io.provider->getNetwork()
                      .parseAddress(KjAddress(endpoint).c_str())
                      .wait(io.waitScope)
                      ->listen();
  capnp::TwoPartyServer server(kj::heap<WorkerImpl>(nullptr));
  auto term = io.unixEventPort.onSignal(SIGTERM);
  auto serving = endpoint.starts_with("unix:") ? server.listenCapStreamReceiver(*listener, kMostFds)
                                               : server.listen(*listener);
  std::cout << BoundEndpoint(endpoint, listener->getPort()) << std::endl;
  serving.exclusiveJoin(term.ignoreResult()).wait(io.waitScope);
}

}  // namespace
}  // namespace interop::stock

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stock_server ENDPOINT\n";
    return 2;
  }
  try {
    interop::stock::Serve(argv[1]);
  } catch (const kj::Exception& e) {
    std::cerr << "stock_server: " << e.getDescription().cStr() << "\n";
    return 1;
  } catch (const std::exception& e) {
    std::cerr << "stock_server: " << e.what() << "\n";
    return 1;
  }
}

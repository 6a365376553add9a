// stock_server ENDPOINT: a Worker served by Cap'n Proto's own RPC runtime, without any of Drover.
// Prints its endpoint, with the port in place of 0, when it is ready. Ends with status 0 on
// SIGTERM, or when the process that started it does.
//
// stock_server ENDPOINT huge: with room for huge messages, by way of EzRpcServer.
// stock_server ENDPOINT NEIGHBOUR: with the Worker of another endpoint as its neighbour.
#include <capnp/ez-rpc.h>
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <sys/prctl.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "interop.capnp.h"
#include "interop/stock_endpoint.h"
#include "interop/stock_file.h"
#include "interop/stock_huge.h"
#include "interop/stock_worker.h"

namespace interop::stock {
namespace {

void Tell(const std::string& endpoint, unsigned port) {
  std::cout << BoundEndpoint(endpoint, port) << std::endl;
}

void ServeHuge(const std::string& endpoint) {
  capnp::EzRpcServer server(NewWorker(), KjAddress(endpoint).c_str(), 0, HugeMessages());
  kj::WaitScope& wait = server.getWaitScope();
  Tell(endpoint, server.getPort().wait(wait));
  kj::Promise<void>(kj::NEVER_DONE).wait(wait);
}

class Neighbour {
 public:
  Neighbour(const std::string& endpoint, kj::AsyncIoContext& io)
      : stream_(io.provider->getNetwork()
                    .parseAddress(KjAddress(endpoint).c_str())
                    .wait(io.waitScope)
                    ->connect()
                    .wait(io.waitScope)),
        client_(*stream_) {}
  Worker::Client worker() { return client_.bootstrap().castAs<Worker>(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyClient client_;
};

void Serve(const std::string& endpoint, const std::string& neighbours) {
  kj::UnixEventPort::captureSignal(SIGTERM);
  auto io = kj::setupAsyncIo();
  kj::Maybe<Neighbour> neighbour;
  Worker::Client neighbours_worker = nullptr;
  if (!neighbours.empty()) neighbours_worker = neighbour.emplace(neighbours, io).worker();
  auto listener = io.provider->getNetwork()
                      .parseAddress(KjAddress(endpoint).c_str())
                      .wait(io.waitScope)
                      ->listen();
  capnp::TwoPartyServer server(NewWorker(kj::mv(neighbours_worker)));
  auto term = io.unixEventPort.onSignal(SIGTERM);
  auto serving = endpoint.starts_with("unix:") ? server.listenCapStreamReceiver(*listener, kMostFds)
                                               : server.listen(*listener);
  Tell(endpoint, listener->getPort());
  serving.exclusiveJoin(term.ignoreResult()).wait(io.waitScope);
}

}  // namespace
}  // namespace interop::stock

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: stock_server ENDPOINT [huge|NEIGHBOUR]\n";
    return 2;
  }
  const std::string option = argc == 3 ? argv[2] : "";
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  try {
    if (option == "huge") {
      interop::stock::ServeHuge(argv[1]);
    } else {
      interop::stock::Serve(argv[1], option);
    }
  } catch (const kj::Exception& e) {
    std::cerr << "stock_server: " << e.getDescription().cStr() << "\n";
    return 1;
  } catch (const std::exception& e) {
    std::cerr << "stock_server: " << e.what() << "\n";
    return 1;
  }
}

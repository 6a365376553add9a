// stock_client ENDPOINT [GROUP]: uses a Worker through Cap'n Proto's own RPC runtime, without any
// of Drover. Prints each check that fails; status 0 if none does.
#include <kj/async-io.h>

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "interop/stock_checks.h"

int main(int argc, char** argv) {
  using namespace interop::stock;
  const std::map<std::string, std::function<void(Checks&)>> groups = {
      {"everything", CheckEverything},
      {"order", CheckOrder},
      {"order over neighbour", CheckOrderOverNeighbour},
      {"tail calls", CheckTailCalls},
      {"tail calls back", CheckTailCallsBack},
      {"cancellation", CheckCancellation},
      {"releases", CheckReleases},
      {"huge messages", CheckHugeMessages},
      {"too large message", CheckTooLargeMessage},
      {"too large answer", CheckTooLargeAnswer},
      {"lost connection", CheckLostConnection},
      {"abort", CheckAbort},
      {"stream of little", CheckStreamOfLittle},
  };
  const auto group = groups.find(argc == 3 ? argv[2] : "everything");
  if (argc < 2 || argc > 3 || group == groups.end()) {
    std::cerr << "usage: stock_client ENDPOINT [GROUP]\n";
    return 2;
  }
  try {
    auto io = kj::setupAsyncIo();
    Checks checks(io, argv[1]);
    group->second(checks);
    return checks.all_held() ? 0 : 1;
  } catch (const kj::Exception& e) {
    std::cout << "FAILED: " << e.getDescription().cStr() << std::endl;
  } catch (const std::exception& e) {
    std::cout << "FAILED: " << e.what() << std::endl;
  }
  return 1;
}

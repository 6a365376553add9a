// Endpoints as Drover writes them, in the form the stock runtime takes.
#ifndef DROVER_TESTS_INTEROP_STOCK_ENDPOINT_H_
#define DROVER_TESTS_INTEROP_STOCK_ENDPOINT_H_

#include <stdexcept>
#include <string>

namespace interop::stock {

// unix:///path -> unix:/path, unix:@name -> unix-abstract:name, tcp://host:port -> host:port.
// Throws std::invalid_argument.
inline std::string KjAddress(const std::string& endpoint) {
  auto rest = [&](const std::string& scheme) { return endpoint.substr(scheme.size()); };
  if (endpoint.starts_with("unix://")) return "unix:" + rest("unix://");
  if (endpoint.starts_with("unix:@")) return "unix-abstract:" + rest("unix:@");
  if (endpoint.starts_with("tcp://")) return rest("tcp://");
  throw std::invalid_argument("not an endpoint: " + endpoint);
}

// The endpoint with the port that the kernel chose, if it has a port.
inline std::string BoundEndpoint(const std::string& endpoint, unsigned port) {
  if (!endpoint.starts_with("tcp://")) return endpoint;
  return endpoint.substr(0, endpoint.rfind(':') + 1) + std::to_string(port);
}

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_ENDPOINT_H_

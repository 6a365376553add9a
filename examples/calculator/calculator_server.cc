// Serves a calculator, to clients of Drover and of Cap'n Proto:
//
//   calculator_server unix:///tmp/calculator.sock
#include <iostream>
#include <memory>

#include "calculator.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    return drover::ExitWith(absl::InvalidArgumentError("usage: calculator_server <endpoint>"));
  }
  auto server = drover::Serve(argv[1], std::make_shared<PocketCalculator>());
  if (!server.ok()) return drover::ExitWith(server.status());
  std::cout << "Calculator running at " << server->endpoint() << std::endl;
  server->Wait();
  return 0;
}

// One worker of the race as a program of its own:
//
//   race_worker unix:///tmp/w1.sock
//   race_worker tcp://127.0.0.1:0
#include <iostream>
#include <memory>
#include <random>

#include "drover/drover.h"
#include "racer.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    return drover::ExitWith(absl::InvalidArgumentError("usage: race_worker <endpoint>"));
  }
  // On a network of one's own; a server that others can reach should not speak in the clear.
  const drover::ServerOptions options = {.allow_plaintext = true};
  auto server = drover::Serve(argv[1], std::make_shared<Racer>(std::random_device()()), options);
  if (!server.ok()) return drover::ExitWith(server.status());
  std::cout << "Worker running at " << server->endpoint() << std::endl;
  server->Wait();
  return 0;
}

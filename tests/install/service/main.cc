// Serves an object at a UNIX socket and calls it, in one process, with installed headers alone.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "drover/drover.h"
#include "greeter.drover.h"

class Host final : public greeter::GreeterServant {
 public:
  absl::StatusOr<std::string> Greet(std::string name) override { return "Hello, " + name + "!"; }
  absl::Status Stop() override { return drover::StopServing(); }
};

int Run(const std::string& socket) {
  absl::StatusOr<drover::Server> server =
      drover::Serve("unix://" + socket, std::make_shared<Host>());
  if (!server.ok()) {
    std::cerr << server.status() << "\n";
    return 1;
  }
  const auto host = drover::Connect<greeter::GreeterProxy>(server->endpoint());
  const absl::StatusOr<std::string> greeting = host.Greet("world");
  const absl::Status stopped = host.Stop();
  server->Wait();
  if (!greeting.ok() || *greeting != "Hello, world!" || !stopped.ok()) {
    std::cerr << "Greet: " << greeting.status() << ", Stop: " << stopped << "\n";
    return 1;
  }
  return 0;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "outside.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const int result = Run(folder + "/host.sock");
  std::filesystem::remove_all(folder);
  return result;
}

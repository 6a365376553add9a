// What README.md shows of a project of one's own.
#include <iostream>
#include <memory>
#include <string>

#include "drover/drover.h"
#include "greeter.drover.h"

class Host final : public greeter::GreeterServant {
  absl::StatusOr<std::string> Greet(std::string name) override { return "Hello, " + name + "!"; }
};

int main() {
  auto fleet = drover::ServeFleet({.workers = 2}, [](int) { return std::make_shared<Host>(); });
  if (!fleet.ok()) return drover::ExitWith(fleet.status());

  auto host = drover::Connect<greeter::GreeterProxy>(fleet->endpoints()[0]);
  absl::StatusOr<std::string> greeting = host.Greet("world");
  if (!greeting.ok()) return drover::ExitWith(greeting.status());
  std::cout << *greeting << std::endl;  // Hello, world!
  return drover::ExitWith(fleet->Stop());
}

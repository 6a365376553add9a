// The race among workers that run already, here or on other machines:
//
//   race_client unix:///tmp/w1.sock tcp://10.0.0.7:4711
#include <iostream>
#include <vector>

#include "drover/drover.h"
#include "race.drover.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    return drover::ExitWith(absl::InvalidArgumentError("usage: race_client <endpoint>..."));
  }
  std::vector<race::WorkerProxy> workers;
  for (int i = 1; i < argc; ++i) workers.push_back(drover::Connect<race::WorkerProxy>(argv[i]));

  absl::Status worst;
  auto answers = drover::Map(workers, &race::WorkerProxy::Async::Calculate);
  for (const auto& [i, seconds] : drover::AsCompleted(std::move(answers))) {
    if (seconds.ok()) {
      std::cout << argv[i + 1] << " finished in " << *seconds << " seconds" << std::endl;
    } else {
      std::cout << argv[i + 1] << ": " << seconds.status() << std::endl;
      worst = seconds.status();
    }
  }
  absl::Status stopped = drover::Broadcast(workers, &race::WorkerProxy::Async::Stop);
  return drover::ExitWith(worst.ok() ? stopped : worst);
}

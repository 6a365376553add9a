#include "common/peer_main.h"

#include <exception>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"

namespace drover::bench {
namespace {

int Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  return 1;
}

void SayReady() { std::cout << "ready" << std::endl; }

void About(const Contender& contender) {
  std::cout << "name " << contender.name() << "\nhow " << contender.how() << "\n";
  for (Work work : kAllWork) {
    for (Placement placement : {Placement::kTwoCpus, Placement::kOneCpu}) {
      if (contender.Does(work, placement)) {
        std::cout << Name(work) << " " << Name(placement) << "\n";
      }
    }
  }
}

absl::Status Run(Contender& contender, Work work, const std::string& socket, double seconds) {
  const absl::StatusOr<Sample> sample = contender.Run(work, socket, seconds);
  if (!sample.ok()) return sample.status();
  std::cout << std::setprecision(17) << sample->calls << " " << sample->seconds << " "
            << sample->p50_us << " " << sample->p99_us << " " << sample->worst_us << std::endl;
  return absl::OkStatus();
}

// Nothing if it does not know the words.
std::optional<absl::Status> Obey(Contender& contender, const std::vector<std::string>& words) {
  double seconds = 0;
  int connections = 0;
  if (words.size() == 3 && words[0] == "serve") return contender.Serve(words[2], &SayReady);
  if (words.size() == 4 && words[0] == "hold" && absl::SimpleAtoi(words[3], &connections)) {
    return contender.Hold(words[2], connections, &SayReady);
  }
  if (words.size() == 5 && words[0] == "run" && absl::SimpleAtod(words[4], &seconds)) {
    if (const auto work = WorkNamed(words[2])) return Run(contender, *work, words[3], seconds);
  }
  return std::nullopt;
}

}  // namespace

int PeerMain(int argc, char** argv, const std::vector<Contender*>& contenders) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && words[0] == "about") {
    for (const Contender* contender : contenders) About(*contender);
    return 0;
  }
  try {
    for (Contender* contender : contenders) {
      if (words.size() < 2 || contender->name() != words[1]) continue;
      if (const auto status = Obey(*contender, words)) return status->ok() ? 0 : Fail(*status);
    }
  } catch (const std::exception& e) {  // the peers' own
    return Fail(absl::InternalError(e.what()));
  }
  std::cerr << "usage: " << argv[0]
            << " about | serve NAME SOCKET | run NAME WORK SOCKET SECONDS"
               " | hold NAME SOCKET CONNECTIONS\n";
  return 2;
}

}  // namespace drover::bench

#include "common/program_contender.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"

namespace drover::bench {
namespace {

struct Pipe {
  base::UniqueFd reader, writer;
};

absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  return Pipe{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

// This process becomes the program. Returns only if it cannot.
absl::Status Become(std::vector<std::string> words, const base::UniqueFd& out) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (dup2(out.get(), STDOUT_FILENO) >= 0) execv(argv[0], argv.data());
  return absl::ErrnoToStatus(errno, words[0]);
}

// Up to the first line, or to the end.
std::string Read(const base::UniqueFd& fd, bool to_the_end) {
  std::string text;
  char byte;
  while (to_the_end || text.find('\n') == std::string::npos) {
    const ssize_t n = read(fd.get(), &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text += byte;
  }
  return text;
}

// All that the program prints. Not OK if it ends in another way than with success.
absl::StatusOr<std::string> Output(const std::vector<std::string>& words) {
  DROVER_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) Become(words, pipe.writer).IgnoreError();
    _exit(127);
  }
  pipe.writer.Reset();
  std::string text = Read(pipe.reader, /*to_the_end=*/true);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  if (WIFEXITED(status)) {
    return absl::InternalError(absl::StrCat("it ended with exit status ", WEXITSTATUS(status)));
  }
  return absl::InternalError(absl::StrCat("it was ended by signal ", WTERMSIG(status)));
}

// This process becomes the program, and a child of it calls `ready` when the program says so. So
// the process that was started to serve is the server, and what is counted of it is the server's.
absl::Status BecomeServer(const std::vector<std::string>& words,
                          const std::function<void()>& ready) {
  DROVER_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) {
    pipe.writer.Reset();
    if (Read(pipe.reader, /*to_the_end=*/false) == "ready\n") ready();
    _exit(0);
  }
  return Become(words, pipe.writer);
}

class ProgramContender final : public Contender {
 public:
  ProgramContender(std::string program, std::string name)
      : program_(std::move(program)), name_(std::move(name)) {}

  std::string name() const override { return name_; }
  std::string how() const override { return how_; }
  bool Does(Work work, Placement placement) const override {
    return does_.contains(absl::StrCat(Name(work), " ", Name(placement)));
  }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    return BecomeServer({program_, "serve", name_, socket}, ready);
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    DROVER_ASSIGN_OR_RETURN(const std::string text, Output({program_, "run", name_, Name(work),
                                                            socket, absl::StrCat(seconds)}));
    std::istringstream line(text);
    Sample sample;
    line >> sample.calls >> sample.seconds >> sample.p50_us >> sample.p99_us >> sample.worst_us;
    if (!line) return absl::InternalError("it printed no figures: " + text);
    return sample;
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    return BecomeServer({program_, "hold", name_, socket, absl::StrCat(connections)}, open);
  }

  // A line of what the program says about it.
  void Learn(absl::string_view line) {
    if (absl::ConsumePrefix(&line, "how ")) {
      how_ = std::string(line);
    } else {
      does_.insert(std::string(line));
    }
  }

 private:
  const std::string program_;
  const std::string name_;
  std::string how_;
  std::set<std::string> does_;  // "null two CPUs"
};

absl::StatusOr<std::vector<std::unique_ptr<Contender>>> Ask(const std::string& program) {
  DROVER_ASSIGN_OR_RETURN(const std::string about, Output({program, "about"}));
  std::vector<std::unique_ptr<Contender>> contenders;
  ProgramContender* last = nullptr;
  std::istringstream lines(about);
  for (std::string line; std::getline(lines, line);) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "name ")) {
      auto contender = std::make_unique<ProgramContender>(program, std::string(rest));
      last = contender.get();
      contenders.push_back(std::move(contender));
    } else if (last != nullptr) {
      last->Learn(line);
    }
  }
  if (last == nullptr) return absl::InternalError("it does not say what it does");
  return contenders;
}

}  // namespace

ProgramContenders FindProgramContenders(const std::string& folder) {
  std::vector<std::filesystem::path> programs;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.is_regular_file() && access(entry.path().c_str(), X_OK) == 0) {
      programs.push_back(entry.path());
    }
  }
  std::sort(programs.begin(), programs.end());
  ProgramContenders found;
  for (const std::filesystem::path& program : programs) {
    auto contenders = Ask(program.string());
    if (!contenders.ok()) {
      found.left_out.push_back(
          absl::StrCat(program.filename().string(), ": ", contenders.status().message()));
      continue;
    }
    for (auto& contender : *contenders) found.contenders.push_back(std::move(contender));
  }
  return found;
}

}  // namespace drover::bench

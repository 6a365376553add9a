#include "drover/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "drover/base/mutex.h"

namespace drover {
namespace {

LogSeverity SeverityFromEnvironment() {
  const char* text = std::getenv("DROVER_LOG");
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "debug") return LogSeverity::kDebug;
  if (name == "info") return LogSeverity::kInfo;
  if (name == "error") return LogSeverity::kError;
  return LogSeverity::kWarning;
}

std::atomic<LogSeverity>& MinSeverity() {
  static std::atomic<LogSeverity> severity{SeverityFromEnvironment()};
  return severity;
}

struct Sink {
  base::Mutex mu;
  std::function<void(LogSeverity, std::string_view)> function ABSL_GUARDED_BY(mu);
};

Sink& GlobalSink() {
  static Sink* sink = new Sink;  // never destroyed: threads may log while the process exits
  return *sink;
}

char Letter(LogSeverity severity) { return "DIWE"[static_cast<int>(severity)]; }

}  // namespace

void SetLogSink(std::function<void(LogSeverity, std::string_view)> sink) {
  base::MutexLock lock(&GlobalSink().mu);
  GlobalSink().function = std::move(sink);
}

void SetMinLogSeverity(LogSeverity severity) {
  MinSeverity().store(severity, std::memory_order_relaxed);
}

namespace base {

bool LogEnabled(LogSeverity severity) {
  return severity >= MinSeverity().load(std::memory_order_relaxed);
}

LogMessage::LogMessage(LogSeverity severity, const char* file, int line) : severity_(severity) {
  const std::string_view path = file;
  const size_t slash = path.rfind('/');
  stream_ << (slash == std::string_view::npos ? path : path.substr(slash + 1)) << ':' << line
          << "] ";
}

LogMessage::~LogMessage() {
  {
    MutexLock lock(&GlobalSink().mu);
    if (GlobalSink().function) {
      GlobalSink().function(severity_, stream_.str());
      return;
    }
  }
  const std::string line =
      absl::StrCat(std::string(1, Letter(severity_)),
                   absl::FormatTime("%m%d %H:%M:%E6S ", absl::Now(), absl::LocalTimeZone()),
                   getpid(), " ", stream_.str(), "\n");
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace base
}  // namespace drover

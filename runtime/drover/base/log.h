// Drover's log: one line a message, to standard error unless a sink is set.
//
//   DROVER_LOG(kWarning) << "connection to " << endpoint << " ended: " << reason;
//
// The environment variable DROVER_LOG=debug|info|warning|error sets the least severity written
// (default: warning). Thread-safe. A line is written with one write(), so lines of several
// processes do not mix.
#ifndef DROVER_BASE_LOG_H_
#define DROVER_BASE_LOG_H_

#include <functional>
#include <sstream>
#include <string_view>

namespace drover {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

// Sends every line of at least the severity in force to `sink` instead of standard error; a null
// sink restores the default. The sink may be called from any thread and must not log.
void SetLogSink(std::function<void(LogSeverity, std::string_view)> sink);

// Overrides DROVER_LOG.
void SetMinLogSeverity(LogSeverity severity);

namespace base {

bool LogEnabled(LogSeverity severity);

class LogMessage {
 public:
  LogMessage(LogSeverity severity, const char* file, int line);
  ~LogMessage();
  std::ostream& stream() { return stream_; }

 private:
  const LogSeverity severity_;
  std::ostringstream stream_;
};

}  // namespace base
}  // namespace drover

#define DROVER_LOG(severity)                                          \
  if (!::drover::base::LogEnabled(::drover::LogSeverity::severity)) { \
  } else                                                              \
    ::drover::base::LogMessage(::drover::LogSeverity::severity, __FILE__, __LINE__).stream()

#endif  // DROVER_BASE_LOG_H_

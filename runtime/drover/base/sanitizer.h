// DROVER_TSAN is defined in builds with ThreadSanitizer, whose runtime starts a thread of its own
// and does not follow a process with threads through fork().
#ifndef DROVER_BASE_SANITIZER_H_
#define DROVER_BASE_SANITIZER_H_

#if defined(__SANITIZE_THREAD__)
#define DROVER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DROVER_TSAN 1
#endif
#endif

#endif  // DROVER_BASE_SANITIZER_H_

// DROVER_TSAN is defined in builds with ThreadSanitizer, whose runtime starts a thread of its own
// and does not follow a process with threads through fork(). DROVER_ASAN is defined in builds with
// AddressSanitizer, and DROVER_SANITIZED with any that intercepts the C library's functions.
#ifndef DROVER_BASE_SANITIZER_H_
#define DROVER_BASE_SANITIZER_H_

#if defined(__SANITIZE_THREAD__)
#define DROVER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DROVER_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define DROVER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DROVER_ASAN 1
#endif
#endif

#if defined(DROVER_TSAN) || defined(DROVER_ASAN)
#define DROVER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define DROVER_SANITIZED 1
#endif
#endif

#endif  // DROVER_BASE_SANITIZER_H_

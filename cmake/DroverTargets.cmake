# One function makes every library, every test and every benchmark, so that all of them share
# their flags, and a layer can only include what its target links.

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(drover_flags INTERFACE)
target_compile_features(drover_flags INTERFACE cxx_std_20)
target_compile_options(drover_flags INTERFACE -Wall -Wextra -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Flags that everything linked into one program must share.
if(DROVER_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(DROVER_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(DROVER_SANITIZE STREQUAL "fuzzer")
  # Everything is instrumented; libFuzzer itself is linked into the fuzzers only.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(NOT DROVER_SANITIZE STREQUAL "")
  message(FATAL_ERROR "DROVER_SANITIZE is '${DROVER_SANITIZE}'; it takes address, thread or fuzzer")
endif()
if(DROVER_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # What the sanitizers put in between makes GCC 12 take an absl::StatusOr that is moved for
  # uninitialised.
  target_compile_options(drover_flags INTERFACE -Wno-maybe-uninitialized)
endif()

# drover_library(NAME SRCS a.cc... [HDRS a.h...] [DEPS target...] [PRIVATE_DEPS target...])
# Target drover_NAME, alias Drover::NAME, installed and exported.
function(drover_library NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;HDRS;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target drover_${NAME})
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:drover_flags> ${ARG_PRIVATE_DEPS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(Drover::${NAME} ALIAS ${target})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} ${scope} ${ARG_DEPS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${NAME})
  set_property(GLOBAL APPEND PROPERTY DROVER_LIBRARIES ${target})
endfunction()

# drover_test(NAME SRCS a_test.cc... [DEPS target...] [TIMEOUT seconds] [ARGS ...] [ENV K=V...])
# A GoogleTest program, run whole by ctest; TIMEOUT (default 120) only ends a hang.
function(drover_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;ARGS;ENV" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE drover_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_ARGS})
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${ARG_ENV}")
endfunction()

# drover_benchmark(NAME SRCS a.cc... [DEPS target...])
function(drover_benchmark NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE drover_flags ${ARG_DEPS})
endfunction()

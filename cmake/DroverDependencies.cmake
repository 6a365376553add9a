# The libraries Drover stands on, all from the distribution; nothing is downloaded. Installed
# beside DroverConfig.cmake, so that users' projects find them the same way.
#
# Cap'n Proto's own CMake package is passed over: on Debian 12 it needs OpenSSL's headers and a
# project with the language C, neither of which Drover has a use for.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)

find_path(DROVER_CAPNP_INCLUDE_DIR capnp/message.h REQUIRED)
find_program(DROVER_CAPNP_EXECUTABLE capnp REQUIRED)
find_program(DROVER_CAPNPC_CXX_EXECUTABLE capnpc-c++ REQUIRED)
mark_as_advanced(DROVER_CAPNP_INCLUDE_DIR DROVER_CAPNP_EXECUTABLE DROVER_CAPNPC_CXX_EXECUTABLE)

# drover_import_capnp(NAME [DEPS...]): Drover::NAME for one of Cap'n Proto's libraries.
function(drover_import_capnp NAME)
  find_library(DROVER_LIB_${NAME} ${NAME} REQUIRED)
  mark_as_advanced(DROVER_LIB_${NAME})
  if(NOT TARGET Drover::${NAME})
    add_library(Drover::${NAME} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(Drover::${NAME} PROPERTIES
      IMPORTED_LOCATION "${DROVER_LIB_${NAME}}"
      INTERFACE_INCLUDE_DIRECTORIES "${DROVER_CAPNP_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES "${ARGN}")
  endif()
endfunction()

drover_import_capnp(kj Threads::Threads)
drover_import_capnp(kj-async Drover::kj)
drover_import_capnp(capnp Drover::kj)
drover_import_capnp(capnp-rpc Drover::capnp Drover::kj-async)

# drover_generate(), used by our own build and installed for users'.
#
#   add_library(race_schema)
#   drover_generate(race_schema SCHEMAS race.capnp)
#   target_link_libraries(server PRIVATE race_schema)     # then: #include "race.drover.h"
#
# drover_generate(TARGET SCHEMAS a.capnp... [IMPORT_DIRS dir...] [SRC_PREFIX dir])
#
# Adds to TARGET, a library or executable of this directory, what `capnp compile` makes of each
# schema: Drover's C++ (a.drover.h, a.drover.cc) and Cap'n Proto's own (a.capnp.h, a.capnp.c++).
# Beside them a.drover_mock.h, for tests that link GTest::gmock, and a.drover_zero_copy.h, which
# brings Cap'n Proto's headers with it.
# SCHEMAS are relative to the current source directory. IMPORT_DIRS are searched for absolute
# imports, after Drover's and Cap'n Proto's own schemas. SRC_PREFIX (default: the current source
# directory) is taken off the schemas' paths to make those of the headers, and is searched for
# absolute imports too. A change in a schema, or in one that it imports, generates again.

# In an installed package the configuration file has set it.
if(NOT DEFINED Drover_SCHEMA_DIR)
  set(Drover_SCHEMA_DIR "${CMAKE_CURRENT_SOURCE_DIR}/schema")
endif()

# drover_schema_imports(OUT FILE DIRS...): the files that FILE imports or embeds, directly or not.
# Imports that are found nowhere are left for the compiler to complain about.
function(drover_schema_imports OUT FILE)
  set(found)
  set(open "${FILE}")
  while(open)
    list(POP_FRONT open current)
    get_filename_component(dir "${current}" DIRECTORY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${current}")
    file(READ "${current}" text)
    string(REGEX MATCHALL "(import|embed)[ \t\r\n]+\"[^\"]+\"" statements "${text}")
    foreach(statement IN LISTS statements)
      string(REGEX REPLACE "^[^\"]*\"([^\"]+)\"$" "\\1" name "${statement}")
      set(candidates "${dir}/${name}")
      if(name MATCHES "^/")
        set(candidates)
        foreach(import_dir IN LISTS ARGN)
          list(APPEND candidates "${import_dir}${name}")
        endforeach()
      endif()
      foreach(candidate IN LISTS candidates)
        get_filename_component(candidate "${candidate}" ABSOLUTE)
        if(EXISTS "${candidate}" AND NOT candidate IN_LIST found)
          list(APPEND found "${candidate}")
          if(candidate MATCHES "\\.capnp$")
            list(APPEND open "${candidate}")
          endif()
          break()
        endif()
      endforeach()
    endforeach()
  endwhile()
  set(${OUT} "${found}" PARENT_SCOPE)
endfunction()

function(drover_generate TARGET)
  cmake_parse_arguments(ARG "" "SRC_PREFIX" "SCHEMAS;IMPORT_DIRS" ${ARGN})
  if(NOT TARGET ${TARGET})
    message(FATAL_ERROR "drover_generate: there is no target '${TARGET}'")
  endif()
  if(ARG_UNPARSED_ARGUMENTS OR NOT ARG_SCHEMAS)
    message(FATAL_ERROR "drover_generate(${TARGET} SCHEMAS a.capnp... [IMPORT_DIRS dir...] "
      "[SRC_PREFIX dir]): got '${ARGN}'")
  endif()
  if(NOT ARG_SRC_PREFIX)
    set(ARG_SRC_PREFIX "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  get_filename_component(prefix "${ARG_SRC_PREFIX}" ABSOLUTE)
  set(dirs "${Drover_SCHEMA_DIR}" "${DROVER_CAPNP_INCLUDE_DIR}" "${prefix}")
  foreach(dir IN LISTS ARG_IMPORT_DIRS)
    get_filename_component(dir "${dir}" ABSOLUTE)
    list(APPEND dirs "${dir}")
  endforeach()
  list(REMOVE_DUPLICATES dirs)
  list(TRANSFORM dirs PREPEND "-I" OUTPUT_VARIABLE flags)

  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${TARGET}_generated")
  file(MAKE_DIRECTORY "${generated}")
  foreach(schema IN LISTS ARG_SCHEMAS)
    get_filename_component(schema "${schema}" ABSOLUTE)
    file(RELATIVE_PATH stem "${prefix}" "${schema}")
    if(NOT EXISTS "${schema}" OR stem MATCHES "^\\.\\./" OR NOT stem MATCHES "\\.capnp$")
      message(FATAL_ERROR "drover_generate(${TARGET}): ${schema} is not a .capnp file under "
        "${prefix}")
    endif()
    string(REGEX REPLACE "\\.capnp$" "" stem "${generated}/${stem}")
    drover_schema_imports(imports "${schema}" ${dirs})
    add_custom_command(
      OUTPUT "${stem}.drover.h" "${stem}.drover.cc" "${stem}.drover_mock.h"
        "${stem}.drover_zero_copy.h" "${stem}.capnp.h" "${stem}.capnp.c++"
      COMMAND ${DROVER_CAPNP_EXECUTABLE} compile ${flags} "--src-prefix=${prefix}"
        "-o${DROVER_CAPNPC_CXX_EXECUTABLE}:${generated}"
        "-o$<TARGET_FILE:Drover::capnpc-drover>:${generated}" "${schema}"
      DEPENDS "${schema}" ${imports} Drover::capnpc-drover
      COMMENT "Generating C++ from ${schema}"
      VERBATIM)
    # Cap'n Proto's own output is compiled without this project's opinion on warnings.
    set_source_files_properties("${stem}.capnp.c++" PROPERTIES COMPILE_OPTIONS "-w")
    target_sources(${TARGET} PRIVATE
      "${stem}.drover.h" "${stem}.drover.cc" "${stem}.drover_mock.h"
      "${stem}.drover_zero_copy.h" "${stem}.capnp.h" "${stem}.capnp.c++")
  endforeach()

  target_include_directories(${TARGET} SYSTEM PUBLIC "$<BUILD_INTERFACE:${generated}>")
  target_compile_features(${TARGET} PUBLIC cxx_std_20)
  # What Cap'n Proto generates for interfaces refers to its RPC library's symbols.
  target_link_libraries(${TARGET} PUBLIC Drover::object PRIVATE Drover::capnp-rpc Drover::capnp)
endfunction()

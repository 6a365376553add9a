# What `cmake --install` puts where, and the package other projects find:
#
#   lib/libdrover_*.a                 a library for each layer
#   lib/cmake/Drover/                 find_package(Drover): Drover::drover, drover_generate()
#   include/drover/**.h               headers; generated code includes some that users need not
#   include/drover/*.capnp            schemas to import, where Cap'n Proto's compiler looks by itself
#   include/drover/*.capnp.h          Cap'n Proto's classes for them
#   bin/capnpc-drover                 the code generator
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Drover")

get_property(libraries GLOBAL PROPERTY DROVER_LIBRARIES)
set(programs)
if(TARGET capnpc-drover)
  set(programs capnpc-drover)
endif()
install(TARGETS ${libraries} ${programs} EXPORT DroverTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT DroverTargets NAMESPACE Drover:: DESTINATION ${package_dir})

install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/drover DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_BINARY_DIR}/schema/drover DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.capnp.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/schema/drover DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.capnp")

configure_package_config_file(cmake/DroverConfig.cmake.in ${PROJECT_BINARY_DIR}/DroverConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/DroverConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/DroverConfig.cmake
  ${PROJECT_BINARY_DIR}/DroverConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/DroverDependencies.cmake
  ${PROJECT_SOURCE_DIR}/cmake/DroverGenerate.cmake
  DESTINATION ${package_dir})

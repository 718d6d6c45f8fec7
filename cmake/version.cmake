# common/base/version.h is generated, so that every program can say what it was built from.
# A source tree without its history (as in packaging/Dockerfile) is told: -D LOADTEST_COMMIT=...
find_package(Git QUIET)
if(NOT LOADTEST_COMMIT)
  set(LOADTEST_COMMIT "unknown")
endif()
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
  if(result EQUAL 0)
    set(LOADTEST_COMMIT ${commit})
  endif()
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/common/base/version.h @ONLY)
include_directories(${CMAKE_BINARY_DIR}/generated)

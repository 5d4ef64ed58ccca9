# What `run` builds for a run under sanitizers: the test programs and what they link, no more.
add_custom_target(test_programs)
# doctest's own code and main(), compiled once for all test programs: it takes longer than most tests.
add_library(doctest_main OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp)
target_link_libraries(doctest_main PRIVATE doctest::doctest house_flags)

# house_doctest(name FOLDER folder LIBRARIES ...): one doctest program from every *_test.cpp in a
# folder (and its subfolders), registered with CTest under its own name.
function(house_doctest name)
  cmake_parse_arguments(ARG "" "FOLDER" "LIBRARIES;LABELS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_FOLDER}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} doctest_main doctest::doctest house_flags)
  add_dependencies(test_programs ${name})
  # What is tested keeps its -O2; the tests themselves compile a third faster this way.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  target_compile_definitions(${name} PRIVATE SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} --no-intro --no-version)
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600)
endfunction()

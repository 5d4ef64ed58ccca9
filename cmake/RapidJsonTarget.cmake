# Debian's RapidJSON package sets variables only; this gives it a target.
if(NOT TARGET rapidjson)
  add_library(rapidjson INTERFACE)
  target_include_directories(rapidjson SYSTEM INTERFACE ${RapidJSON_INCLUDE_DIRS})
  # Its empty stack compares null plus an offset, which clang's sanitizer reports and g++'s does not.
  if(SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(rapidjson INTERFACE -fno-sanitize=pointer-overflow)
  endif()
endif()

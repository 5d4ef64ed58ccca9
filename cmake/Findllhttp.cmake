# llhttp: libllhttp-dev where the distribution has it, else Debian 12's node-llhttp, which ships the
# generated C sources; they become one static library. Target: llhttp::llhttp
find_path(llhttp_INCLUDE_DIR llhttp.h PATHS /usr/include /usr/share/include/llhttp)
find_library(llhttp_LIBRARY llhttp)
find_path(llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)

include(FindPackageHandleStandardArgs)
if(llhttp_LIBRARY)
  find_package_handle_standard_args(llhttp REQUIRED_VARS llhttp_LIBRARY llhttp_INCLUDE_DIR)
else()
  find_package_handle_standard_args(llhttp
    REQUIRED_VARS llhttp_SOURCE_DIR llhttp_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install libllhttp-dev or node-llhttp")
endif()

if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
  if(llhttp_LIBRARY)
    add_library(llhttp::llhttp UNKNOWN IMPORTED)
    set_target_properties(llhttp::llhttp PROPERTIES IMPORTED_LOCATION ${llhttp_LIBRARY})
    target_include_directories(llhttp::llhttp INTERFACE ${llhttp_INCLUDE_DIR})
  else()
    add_library(llhttp_from_source STATIC
      ${llhttp_SOURCE_DIR}/llhttp.c ${llhttp_SOURCE_DIR}/http.c ${llhttp_SOURCE_DIR}/api.c)
    target_include_directories(llhttp_from_source SYSTEM PUBLIC ${llhttp_INCLUDE_DIR})
    target_compile_options(llhttp_from_source PRIVATE -w)
    # As llhttp 9 is by default: no bare LF, no space before a header's colon.
    target_compile_definitions(llhttp_from_source PRIVATE LLHTTP_STRICT_MODE=1)
    add_library(llhttp::llhttp ALIAS llhttp_from_source)
  endif()
endif()
mark_as_advanced(llhttp_INCLUDE_DIR llhttp_LIBRARY llhttp_SOURCE_DIR)

# house_embed(target NAMESPACE ns FILES name=path ...): compiles files into a library of ours as
# `extern const std::string_view ns::name`, declared by hand in a header where they are used.
# Run as a script (cmake -P) it writes one such .cpp, at build time, whenever the file changes.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" text)
  string(FIND "${text}" ")HOUSE\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${IN} contains the delimiter that embeds it")
  endif()
  file(WRITE "${OUT}"
    "#include <string_view>\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\nnamespace ${NAMESPACE} {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} =\n    R\"HOUSE(${text})HOUSE\";\n}\n")
  return()
endif()

set(HOUSE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(house_embed target)
  cmake_parse_arguments(ARG "" "NAMESPACE" "FILES" ${ARGN})
  foreach(entry ${ARG_FILES})
    string(REGEX MATCH "^([^=]+)=(.+)$" _ ${entry})
    set(name ${CMAKE_MATCH_1})
    get_filename_component(path ${CMAKE_MATCH_2} ABSOLUTE)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp)
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DIN=${path} -DOUT=${out} -DNAMESPACE=${ARG_NAMESPACE} -DNAME=${name}
              -P ${HOUSE_EMBED_SCRIPT}
      DEPENDS ${path} ${HOUSE_EMBED_SCRIPT}
      COMMENT "Embedding ${path}" VERBATIM)
    target_sources(${target} PRIVATE ${out})
  endforeach()
endfunction()

# Turns sql/migrations/NNN_name.sql into a C++ table (pool/store/migrations.h). Run as a script:
#   cmake -D OUTPUT=file.cpp -D FOLDER=sql/migrations -P EmbedMigrations.cmake
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(rows "")
set(expected 1)
foreach(path IN LISTS files)
  get_filename_component(name ${path} NAME_WE)
  if(NOT name MATCHES "^([0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${path}: expected NNN_name.sql")
  endif()
  set(number ${CMAKE_MATCH_1})
  set(title ${CMAKE_MATCH_2})
  string(REGEX REPLACE "^0+" "" version ${number})
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${path}: expected number ${expected}: migrations have no gaps")
  endif()
  math(EXPR expected "${expected} + 1")
  file(SHA256 ${path} digest)
  file(READ ${path} text)
  string(APPEND rows "    {${version}, \"${title}\", \"${digest}\",\n     R\"sql_text(${text})sql_text\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Generated from sql/migrations by cmake/EmbedMigrations.cmake.
#include \"pool/store/migrations.h\"

namespace pool {
namespace {
constexpr Migration rows[] = {
${rows}};
}  // namespace

std::span<const Migration> migrations() { return rows; }

}  // namespace pool
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
